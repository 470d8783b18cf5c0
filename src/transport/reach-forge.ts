// The far end of the local front: what a program that the system's sshd starts says to the forge.
import { connect, type Socket } from 'node:net';
import { sshSocketOf, socketPath } from '../lib/socket-path.ts';
import { readFrames } from './local-frames.ts';
import type { LocalRequest } from './local-front.ts';

/** A connection to the forge that serves a data directory, with the request sent; undefined when none does. */
export async function reachForge(data: string, request: LocalRequest): Promise<Socket | undefined> {
  const { promise, resolve } = Promise.withResolvers<Socket | undefined>();
  try {
    const socket = connect({ path: socketPath(sshSocketOf(data)), allowHalfOpen: true });
    socket.once('error', () => resolve(undefined));
    socket.once('connect', () => resolve(socket));
  } catch {
    // Not even the data directory is there.
    resolve(undefined);
  }
  const socket = await promise;
  socket?.write(`${JSON.stringify(request)}\n`);
  return socket;
}

/** Whether the forge knows a key; undefined when no forge runs. */
export async function asksForKey(data: string, key: string): Promise<boolean | undefined> {
  const socket = await reachForge(data, { kind: 'known', key });
  if (socket === undefined) return undefined;
  try {
    for await (const { kind, content } of readFrames(socket))
      if (kind === 'x') return content.toString() === '0';
  } catch {
    // The forge ended while it was asked.
  } finally {
    socket.destroy();
  }
  return undefined;
}
