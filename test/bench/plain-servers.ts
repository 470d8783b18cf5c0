// Plain git behind the same transports: Debian's sshd, and `git http-backend` behind a few lines of Node.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeKey, type SshKey } from '../support/ssh.ts';
import { outputOf } from '../support/run-program.ts';

export interface PlainServer {
  url: string;
  stop: () => Promise<void>;
}

export async function servePlainHttp(projects: string): Promise<PlainServer> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: projects,
    GIT_PROJECT_ROOT: projects,
    GIT_HTTP_EXPORT_ALL: '1',
    // http-backend takes pushes only from somebody who signed in.
    REMOTE_USER: 'ada',
  };
  const server = createServer((request, response) => answer(request, response, env));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse, env: Record<string, string>): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const header = (name: string): string => String(request.headers[name] ?? '');
  const child = spawn('git', ['http-backend'], {
    env: {
      ...env,
      REQUEST_METHOD: request.method ?? 'GET',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: header('content-type'),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      GIT_PROTOCOL: header('git-protocol'),
      ...(header('content-length') === '' ? {} : { CONTENT_LENGTH: header('content-length') }),
    },
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  let head = Buffer.alloc(0);
  const readHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    for (const line of head.subarray(0, end).toString().split('\r\n')) {
      const [name = '', ...value] = line.split(': ');
      if (name === 'Status') response.statusCode = Number.parseInt(value[0] ?? '', 10);
      else response.setHeader(name, value.join(': '));
    }
    child.stdout.off('data', readHead);
    response.write(head.subarray(end + 4));
    child.stdout.pipe(response);
  };
  child.stdout.on('data', readHead);
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
  ];
  writeFileSync(join(home, 'config'), `${settings.join('\n')}\n`);
  const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(home, 'config')], { stdio: 'ignore' });
  await listening(port);
  const env = { PATH: process.env['PATH'] ?? '', HOME: home };
  const user = await outputOf(['id', '-un'], { cwd: home, env });
  return {
    url: `ssh://${user}@127.0.0.1:${port}${options.repo}`,
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
