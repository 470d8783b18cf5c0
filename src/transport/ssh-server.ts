// The SSH server itself: a plain socket server in front of the library, because the library has no limit on
// connections and no time limit on signing in.
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import ssh2, { type Connection } from 'ssh2';
import type { Git } from '../git/run.ts';
import type { Line } from './ask.ts';
import { FirstGuess } from './first-guess.ts';
import { readHostKey } from './host-key.ts';
import type { Identity, StartOrder } from './model.ts';
import { authenticator } from './ssh-auth.ts';
import { serveSession } from './ssh-session.ts';
import type { RunningService } from './start-service.ts';

const maxSessions = 10;
const firstChoice = { kex: 'curve25519-sha256', hostKey: 'ssh-ed25519' } as const;
const idleMs = 10 * 60_000;

export interface SshServer {
  port: number;
  close(): void;
}

export interface SshParts {
  order: StartOrder;
  git: Git;
  line: Line;
}

/** Listens; rejects when the address is taken. */
export async function openSshServer(parts: SshParts): Promise<SshServer> {
  const { order } = parts;
  const services = new Set<RunningService>();
  const sockets = new Set<Socket>();
  const timers = new Map<string, NodeJS.Timeout>();
  const guesses = new Map<string, FirstGuess>();
  const library = new ssh2.Server(
    {
      hostKeys: [readHostKey(order.hostKeyPath)],
      ident: 'pika-git',
      algorithms: {
        kex: [
          firstChoice.kex,
          'curve25519-sha256@libssh.org',
          'ecdh-sha2-nistp256',
          'diffie-hellman-group16-sha512',
        ],
        // The native addon breaks chacha20 on Node 24, and the one in JavaScript is slow.
        // The counter mode is for dropbear, paramiko and libssh2, whose older versions have no GCM.
        cipher: ['aes256-gcm@openssh.com', 'aes128-gcm@openssh.com', 'aes256-ctr', 'aes128-ctr'],
        hmac: [
          'hmac-sha2-256-etm@openssh.com',
          'hmac-sha2-512-etm@openssh.com',
          'hmac-sha2-256',
          'hmac-sha2-512',
        ],
        compress: ['none'],
        serverHostKey: [firstChoice.hostKey, 'rsa-sha2-512', 'rsa-sha2-256'],
      },
    },
    (client, { ip, port }) => {
      guesses.get(`${ip}|${port}`)?.keepIn(client);
      const onReady = () => clearTimeout(timers.get(`${ip}|${port}`));
      serveClient(client, { ip, onReady }, { ...parts, services });
    },
  );
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    // The library tells of a client only after it has spoken, so the clock starts here.
    const timer = setTimeout(() => socket.destroy(), order.handshakeMs);
    const key = `${socket.remoteAddress}|${socket.remotePort}`;
    sockets.add(socket);
    timers.set(key, timer);
    guesses.set(key, new FirstGuess(socket, firstChoice));
    socket.once('close', () => {
      sockets.delete(socket);
      timers.delete(key);
      guesses.delete(key);
      clearTimeout(timer);
    });
    socket.on('error', () => socket.destroy());
    library.injectSocket(socket);
  });
  // Before the library sees it: a connection over the limit is dropped at once.
  server.maxConnections = order.maxConnections;
  await listen(server, order);
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      for (const service of services) service.stop();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function serveClient(
  client: Connection,
  { ip: address, onReady }: { ip: string; onReady: () => void },
  parts: SshParts & { services: Set<RunningService> },
): void {
  let identity: Identity | undefined;
  let sessions = 0;
  let timer: NodeJS.Timeout | undefined;
  const rest = () => {
    clearTimeout(timer);
    timer = setTimeout(() => client.end(), idleMs);
  };
  client.on('error', () => undefined);
  client.on('close', () => clearTimeout(timer));
  client.on(
    'authentication',
    authenticator(parts.line, {
      address,
      onProven: (proven) => (identity = proven),
      giveUp: () => client.end(),
    }),
  );
  client.on('ready', () => {
    onReady();
    rest();
  });
  client.on('session', (accept, reject) => {
    if (identity === undefined || sessions >= maxSessions) {
      reject();
      return;
    }
    const session = accept();
    sessions += 1;
    clearTimeout(timer);
    session.on('close', () => {
      sessions -= 1;
      if (sessions === 0) rest();
    });
    serveSession(session, { git: parts.git, line: parts.line, services: parts.services, identity });
  });
}

function listen(server: Server, { host, port }: StartOrder): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, host, () => resolve());
  return promise;
}
