// Plain git behind the same transports: Debian's sshd, and `git http-backend` behind a few lines of Node.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer, connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { makeKey, type SshKey } from '../support/ssh.ts';
import { outputOf } from '../support/run-program.ts';

export interface PlainServer {
  url: string;
  pid: number;
  stop: () => Promise<void>;
}

export async function servePlainHttp(projects: string): Promise<PlainServer> {
  const entry = fileURLToPath(new URL('./plain-http.ts', import.meta.url));
  const child = spawn(process.execPath, [entry, projects], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    url: `http://127.0.0.1:${port.toString().trim()}`,
    pid: child.pid ?? 0,
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

/** Debian's sshd on a free port, for this user; undefined where there is none or this user may not start it. */
export async function servePlainSsh(
  folder: string,
  options: { key: SshKey; repo: string },
): Promise<PlainServer | undefined> {
  if (process.getuid?.() !== 0 || !isExecutable('/usr/sbin/sshd')) return undefined;
  const home = join(folder, 'sshd');
  mkdirSync(home, { mode: 0o700 });
  mkdirSync('/run/sshd', { recursive: true });
  const hostKey = await makeKey(home, 'host');
  writeFileSync(join(home, 'authorized_keys'), `${options.key.publicText}\n`, { mode: 0o600 });
  const port = await freePort();
  const settings = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${hostKey.file}`,
    `AuthorizedKeysFile ${join(home, 'authorized_keys')}`,
    'PidFile none',
    'UsePAM no',
    'StrictModes no',
    'PermitRootLogin yes',
    'AcceptEnv GIT_PROTOCOL',
    'MaxStartups 200',
    'MaxSessions 100',
  ];
  writeFileSync(join(home, 'config'), `${settings.join('\n')}\n`);
  const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(home, 'config')], { stdio: 'ignore' });
  await listening(port);
  const env = { PATH: process.env['PATH'] ?? '', HOME: home };
  const user = await outputOf(['id', '-un'], { cwd: home, env });
  return {
    url: `ssh://${user}@127.0.0.1:${port}${options.repo}`,
    pid: child.pid ?? 0,
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function listening(port: number): Promise<void> {
  for (let turn = 0; turn < 200; turn += 1) {
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (open) return;
    await delay(25);
  }
  throw new Error('sshd does not listen.');
}
