// One real pipe for standard output and standard error, so that their order is kept and a lane may open
// /dev/stderr (Node's own stdio pipes are sockets, which cannot be opened again).
import { spawn } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';

const readBytes = 64 * 1024;

export interface Output {
  /** For the program; closed here once it has been started. */
  readonly writeEnd: number;
  /** Resolves when nobody holds the pipe open for writing any more. */
  readonly ended: Promise<void>;
  /** Call it in the turn of the event loop that starts the program. A chunk is valid only during the call. */
  read(take: (chunk: Buffer) => void): void;
  closeWriteEnd(): void;
  close(): void;
}

export async function openOutput(folder: string, searchPath: string): Promise<Output> {
  const path = join(folder, 'output');
  mkdirSync(folder, { recursive: true });
  rmSync(path, { force: true });
  await makeFifo(path, searchPath);
  // Opening the read end first and without waiting, so that opening the write end does not wait for a reader.
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_WRONLY);
  rmSync(path);

  let take: (chunk: Buffer) => void = () => undefined;
  const buffer = Buffer.alloc(readBytes);
  // One buffer for every read: a lane that prints gigabytes must not fill the memory faster than it is collected.
  const onread = {
    buffer,
    callback: (count: number) => {
      take(buffer.subarray(0, count));
      return true;
    },
  };
  const socket = new Socket({ fd: readEnd, readable: true, writable: false, onread });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  socket.on('close', () => resolve());
  socket.on('error', () => resolve());
  let isOpen = true;
  const closeWriteEnd = () => {
    if (isOpen) closeSync(writeEnd);
    isOpen = false;
  };
  return {
    writeEnd,
    ended,
    read: (given) => {
      take = given;
      socket.resume();
    },
    closeWriteEnd,
    close: () => {
      closeWriteEnd();
      socket.destroy();
    },
  };
}

function makeFifo(path: string, searchPath: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn('mkfifo', ['-m', '600', path], { env: { PATH: searchPath }, stdio: 'ignore' });
  child.on('error', reject);
  child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`mkfifo ended with ${code}`))));
  return promise;
}
