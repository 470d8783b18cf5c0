// Greets the SSH server as a client would. A process that is there and does not answer is of no use.
import { connect } from 'node:net';

const greeting = /^SSH-2\.0-/;

/** Undefined when the server says what it is, as RFC 4253 (4.2) has it. */
export function probeSsh(server: {
  host: string;
  port: number;
  timeoutMs: number;
}): Promise<string | undefined> {
  const { host, port, timeoutMs } = server;
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connect({ host: reachable(host), port, timeout: timeoutMs });
  socket.once('data', (said) => {
    const isSsh = greeting.test(said.toString('latin1'));
    resolve(isSsh ? undefined : 'What listens where the SSH server should does not speak SSH.');
  });
  socket.once('timeout', () => resolve('The SSH server takes connections and says nothing.'));
  socket.once('error', (error) =>
    resolve(`The SSH server does not answer: ${(error as NodeJS.ErrnoException).code ?? error.message}.`),
  );
  socket.once('close', () => resolve('The SSH server takes no more connections.'));
  return promise.finally(() => socket.destroy());
}

/** A server that listens everywhere is asked here. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}
