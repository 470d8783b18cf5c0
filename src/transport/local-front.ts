// The third front: clients whom the system's own sshd has signed in. `pika-git ssh-serve` brings each over a socket that
// only the forge's user may open; from there on it is served like a client of the forge's own SSH server.
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { PassThrough, Transform, type Writable } from 'node:stream';
import { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import { socketPath } from '../lib/socket-path.ts';
import { answerQuestion, sentenceOf } from './answer-question.ts';
import type { Clerk } from './ask.ts';
import type { Desk } from './desk.ts';
import { frame, type FrameKind } from './local-frames.ts';
import type { CommandClient, RunningProgram } from './command-client.ts';
import { parseCommand } from './parse-command.ts';
import { serveCommand } from './serve-command.ts';

const localRequest = z.discriminatedUnion('kind', [
  /** Whether the key is on file: the exit status is 0 or 1. */
  z.strictObject({ kind: z.literal('known'), key: z.string() }),
  z.strictObject({
    kind: z.literal('serve'),
    key: z.string(),
    address: z.string(),
    command: z.string(),
    protocol: z.string().optional(),
  }),
]);
export type LocalRequest = z.infer<typeof localRequest>;

const maxRequestBytes = 64 * 1024;
const requestMs = 10_000;
const askEveryMs = 5000;
const noTerminal =
  "the system's sshd gives no terminal here: the shell reads commands line by line and shows no prompt.";

export interface LocalParts {
  forge: Forge;
  desk: Desk;
  services: Set<RunningProgram>;
}

export interface LocalFront {
  stop(): Promise<void>;
}

export async function openLocalFront(parts: LocalParts): Promise<LocalFront> {
  const { config } = parts.forge;
  const path = socketPath(config.paths.sshSocket);
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    readRequest(socket, (request) => void answer(parts, socket, request));
  });
  // The forge has the data directory to itself by now, so what is there is left over.
  rmSync(path, { force: true });
  await listen(server, path);
  return {
    stop: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
      await promise;
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  const before = process.umask(0o077);
  server.listen(path, resolve);
  process.umask(before);
  return promise;
}

/** The first line; what follows it goes back to the socket, for whoever reads on. */
function readRequest(socket: Socket, onRequest: (request: LocalRequest) => void): void {
  let read = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), requestMs);
  socket.once('close', () => clearTimeout(timer));
  const onData = (chunk: Buffer) => {
    read = Buffer.concat([read, chunk]);
    const end = read.indexOf('\n');
    if (end < 0 && read.length <= maxRequestBytes) return;
    clearTimeout(timer);
    socket.off('data', onData).pause();
    const request = localRequest.safeParse(parseJson(read.toString('utf8', 0, Math.max(end, 0))));
    if (!request.success) return void socket.destroy();
    if (end + 1 < read.length) socket.unshift(read.subarray(end + 1));
    onRequest(request.data);
  };
  socket.on('data', onData);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function answer(parts: LocalParts, socket: Socket, request: LocalRequest): Promise<void> {
  const { forge, desk, services } = parts;
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  const clerk: Clerk = {
    ask: async (question, signal) => {
      try {
        return await answerQuestion({ forge, desk }, question, signal ?? gone.signal);
      } catch (error) {
        throw new Error(sentenceOf(forge, error), { cause: error });
      }
    },
    tellEnded: (serviceId) => desk.end(serviceId),
  };
  const isShell = request.kind === 'serve' && parseCommand(request.command).kind === 'shell';
  const client = clientOf(socket, { gone, isShell });
  if (request.kind === 'known') {
    client.exit((await clerk.ask({ kind: 'known', key: request.key })) ? 0 : 1);
    return;
  }
  const { key, address, command, protocol } = request;
  await serveCommand(
    client,
    { command, protocol },
    { git: forge.git, clerk, identity: { key, address }, pushHead: forge.config.limits, services },
  );
}

function clientOf(
  socket: Socket,
  { gone, isShell }: { gone: AbortController; isShell: boolean },
): CommandClient {
  const input = new PassThrough();
  let isServed = false;
  // Who hangs up before git has begun waits for nothing any more; later it only means that all was sent. A shell may be
  // sent all its commands before it begins.
  socket.once('end', () => {
    if (isShell) keepAsking(socket);
    else if (!isServed) gone.abort();
  });
  socket.pipe(input);
  const [output, errors] = [framed('o'), framed('e')];
  for (const stream of [output, errors]) {
    stream.pipe(socket, { end: false });
    // Git must not wait for a client that has gone.
    socket.once('close', () => stream.destroy());
  }
  return {
    input,
    output,
    errors,
    terminal: undefined,
    noTerminal,
    gone: gone.signal,
    carry: (source) => {
      isServed = true;
      source.pipe(output, { end: false });
    },
    exit: (code) => {
      void Promise.all([drained(output), drained(errors)]).then(() => {
        socket.end(frame('x', Buffer.from(String(code))));
        // What the client still sends is thrown away, until it has read the end and goes.
        input.resume();
      });
    },
  };
}

/** Whether a client that has sent everything is still there shows in a write alone, and a shell may say nothing for long. */
function keepAsking(socket: Socket): void {
  const ask = () => socket.writableEnded || socket.write(frame('e', Buffer.alloc(0)));
  const timer = setInterval(ask, askEveryMs);
  socket.once('close', () => clearInterval(timer));
}

/** A frame is one write, so that the two streams never mix inside of one. */
const framed = (kind: FrameKind): Transform =>
  new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(null, frame(kind, chunk)),
  });

function drained(stream: Transform): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.once('end', () => resolve());
  (stream as Writable).end();
  return promise;
}
