// One channel of an authenticated client: one command, then the end. No shell of this machine, no forwarding, and of the
// environment only GIT_PROTOCOL. A terminal is asked for before the command is known, so whoever asks hears yes; one is
// made for a debug shell alone.
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { ServerChannel, Session } from 'ssh2';
import type { CommandClient, CommandParts, Terminal } from './command-client.ts';
import type { TerminalSize } from './model.ts';
import { serveCommand } from './serve-command.ts';

// Four times what the library lets a client send ahead.
const maxAheadBytes = 8 * 1024 * 1024;
const maxCharacters = 10_000;

export function serveSession(session: Session, parts: CommandParts & { socket: Socket }): void {
  const serve = (channel: ServerChannel, command: string) => {
    const client = clientOf({ session, channel, socket: parts.socket, terminal });
    void serveCommand(client, { command, protocol }, parts);
  };
  let protocol: string | undefined;
  let terminal: Terminal | undefined;
  session.once('pty', (accept, _reject, wanted) => {
    terminal = terminalOf(session, { ...sizeOf(wanted), term: termOf(wanted) });
    accept?.();
  });
  session.on('env', (accept, reject, { key, val }) => {
    if (key !== 'GIT_PROTOCOL') reject?.();
    else {
      protocol = val;
      accept?.();
    }
  });
  // `once`: a second command on the same channel finds nobody who listens and is refused by the library.
  session.once('exec', (accept, _reject, { command }) => serve(accept(), command));
  session.once('shell', (accept) => serve(accept(), 'help'));
}

function terminalOf(session: Session, asked: TerminalSize & { term: string }): Terminal {
  let size: TerminalSize = asked;
  let tell: (size: TerminalSize) => void = () => undefined;
  session.on('window-change', (accept, _reject, changed) => {
    size = sizeOf(changed);
    tell(size);
    accept?.();
  });
  return {
    ...asked,
    watchSize: (listener) => {
      tell = listener;
      if (size !== asked) listener(size);
    },
  };
}

/** In characters, as far as they make sense; 0 means that the client does not know. */
function sizeOf({ cols, rows }: { cols: number; rows: number }): TerminalSize {
  const within = (count: number, usual: number): number => Math.min(count || usual, maxCharacters);
  return { columns: within(cols, 80), rows: within(rows, 24) };
}

const termOf = (wanted: object): string => {
  const term = 'term' in wanted ? wanted.term : undefined;
  return typeof term === 'string' && /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/.test(term) ? term : 'dumb';
};

function clientOf(from: {
  session: Session;
  channel: ServerChannel;
  socket: Socket;
  terminal: Terminal | undefined;
}): CommandClient {
  const { session, channel, socket, terminal } = from;
  const gone = new AbortController();
  const leave = () => {
    socket.off('data', watch).off('close', leave);
    gone.abort();
  };
  // The library keeps what a client sends beyond the window that it was granted.
  const watch = () => channel.readableLength > maxAheadBytes && socket.destroy();
  socket.on('data', watch);
  channel.on('error', () => undefined);
  // A channel that nobody reads yet does not tell that it was closed; the session and the socket do.
  for (const part of [session, channel, socket]) part.once('close', leave);
  return {
    input: channel,
    output: channel,
    errors: channel.stderr,
    terminal,
    gone: gone.signal,
    carry: (source) => {
      holdBack(source, { channel, socket });
      source.pipe(channel, { end: false });
    },
    exit: (code) => {
      channel.exit(code);
      channel.end();
    },
  };
}

/**
 * The library writes to the socket whether that takes more or not: a client that grants an endless window and reads
 * nothing would fill the memory. So git waits for the socket too.
 */
function holdBack(source: Readable, to: { channel: ServerChannel; socket: Socket }): void {
  const { channel, socket } = to;
  source.on('data', () => {
    if (!socket.writableNeedDrain) return;
    source.pause();
    // The pipe goes on by itself when it is the channel that waits.
    socket.once('drain', () => channel.writableNeedDrain || source.resume());
  });
}
