// For servers that say nowhere that they listen.
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const againMs = 20;

/** Until somebody answers at a port of 127.0.0.1; throws when the server is not alive any more. */
export async function untilConnected(port: number, isAlive: () => boolean): Promise<void> {
  while (isAlive()) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = connect({ port, host: '127.0.0.1' }, () => resolve(true));
    socket.on('error', () => resolve(false));
    const isThere = await promise;
    socket.destroy();
    if (isThere) return;
    await delay(againMs);
  }
  throw new Error(`Nobody came to listen at port ${port}: the server did not start`);
}
