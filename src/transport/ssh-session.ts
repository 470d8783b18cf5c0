// One channel of an authenticated client: one command, then the end. No terminal, no shell, no forwarding, and
// of the environment only GIT_PROTOCOL.
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { ServerChannel, Session } from 'ssh2';
import { serveCommand, type CommandClient, type CommandParts } from './serve-command.ts';

// Four times what the library lets a client send ahead.
const maxAheadBytes = 8 * 1024 * 1024;

export function serveSession(session: Session, parts: CommandParts & { socket: Socket }): void {
  const serve = (channel: ServerChannel, command: string) =>
    void serveCommand(clientOf({ session, channel, socket: parts.socket }), { command, protocol }, parts);
  let protocol: string | undefined;
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

function clientOf(from: { session: Session; channel: ServerChannel; socket: Socket }): CommandClient {
  const { session, channel, socket } = from;
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
