// The SSH server itself: a plain socket server in front of the library, because the library has no limit on
// connections and no time limit on signing in.
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import ssh2, { type Connection, type ServerConfig } from 'ssh2';
import type { Git } from '../git/run.ts';
import type { Line } from './ask.ts';
import { FirstGuess } from './first-guess.ts';
import { readHostKey } from './host-key.ts';
import type { Identity, StartOrder } from './model.ts';
import { authenticator } from './ssh-auth.ts';
import { announceAlgorithms } from './signature-algorithms.ts';
import { serveSession } from './ssh-session.ts';
import type { RunningProgram } from './command-client.ts';

const maxSessions = 10;
const firstChoice = { kex: 'curve25519-sha256', hostKey: 'ssh-ed25519' } as const;
const algorithms: NonNullable<ServerConfig['algorithms']> = {
  kex: [
    firstChoice.kex,
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'diffie-hellman-group16-sha512',
  ],
  // The native addon breaks chacha20 on Node 24, and the one in JavaScript is slow.
  // The counter mode is for dropbear, paramiko and libssh2, whose older versions have no GCM.
  cipher: ['aes256-gcm@openssh.com', 'aes128-gcm@openssh.com', 'aes256-ctr', 'aes128-ctr'],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
  serverHostKey: [firstChoice.hostKey, 'rsa-sha2-512', 'rsa-sha2-256'],
};
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

interface Connected {
  socket: Socket;
  /** Ends a connection that has not signed in. */
  handshake: NodeJS.Timeout;
  guess: FirstGuess;
}

/** Listens; rejects when the address is taken. */
export async function openSshServer(parts: SshParts): Promise<SshServer> {
  const { order } = parts;
  const services = new Set<RunningProgram>();
  const connections = new Map<string, Connected>();
  const library = new ssh2.Server(
    {
      hostKeys: [readHostKey(order.hostKeyPath)],
      ident: 'pika-git',
      algorithms,
    },
    (client, { ip, port }) => {
      const connected = connections.get(`${ip}|${port}`);
      if (connected === undefined) return void client.end();
      connected.guess.keepIn(client);
      announceAlgorithms(client);
      serveClient(client, connected, { ...parts, services });
    },
  );
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    // The library tells of a client only after it has spoken, so the clock starts here.
    const handshake = setTimeout(() => socket.destroy(), order.handshakeMs);
    const key = `${socket.remoteAddress}|${socket.remotePort}`;
    connections.set(key, { socket, handshake, guess: new FirstGuess(socket, firstChoice) });
    socket.once('close', () => {
      connections.delete(key);
      clearTimeout(handshake);
    });
    socket.on('error', () => socket.destroy());
    // Each session listens on it.
    socket.setMaxListeners(5 * maxSessions);
    // Neither side has moved a byte: whoever waits so long for the client waits for ever.
    socket.setTimeout(order.stallMs, () => socket.destroy());
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
      for (const { socket } of connections.values()) socket.destroy();
    },
  };
}

function serveClient(
  client: Connection,
  { socket, handshake }: Connected,
  parts: SshParts & { services: Set<RunningProgram> },
): void {
  const { git, line, order, services } = parts;
  const address = socket.remoteAddress ?? '';
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
    authenticator(line, {
      address,
      onProven: (proven) => (identity = proven),
      giveUp: () => client.end(),
    }),
  );
  client.on('ready', () => {
    clearTimeout(handshake);
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
    serveSession(session, { git, clerk: line, services, identity, pushHead: order.pushHead, socket });
  });
}

function listen(server: Server, { host, port }: StartOrder): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, host, () => resolve());
  return promise;
}
