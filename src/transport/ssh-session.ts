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
    void serveCommand(clientOf(channel, parts.socket), { command, protocol }, parts);
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

function clientOf(channel: ServerChannel, socket: Socket): CommandClient {
  const gone = new AbortController();
  // The library keeps what a client sends beyond the window that it was granted.
  const watch = () => channel.readableLength > maxAheadBytes && socket.destroy();
  socket.on('data', watch);
  channel.on('error', () => undefined);
  channel.once('close', () => {
    socket.off('data', watch);
    gone.abort();
  });
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
