// Somebody else's git server over HTTP: git's own http-backend, alone or with a real nginx and TLS before it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from './certificate.ts';
import { freePort } from './free-port.ts';
import { outputOf } from './run-program.ts';
import { untilConnected } from './until-connected.ts';

export interface Backend {
  port: number;
  /** Where the repositories lie. */
  folder: string;
  /** `http://127.0.0.1:PORT/NAME`, with the repository made when it is not there. */
  repo: (name: string) => Promise<string>;
  /** What was asked: method, path and the credential that came with it. */
  asked: { line: string; authorization: string | undefined }[];
  stop: () => Promise<void>;
}

export interface BackendOptions {
  /** Where its folder is made; default: among what is temporary. */
  below?: string;
  /** Whoever wants something gives this as the password. */
  token?: string;
  /** Answers a request in the place of git when it returns true. */
  instead?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

const environment = (folder: string): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: folder,
  GIT_CONFIG_NOSYSTEM: '1',
});

export async function startBackend(options: BackendOptions = {}): Promise<Backend> {
  const folder = mkdtempSync(join(options.below ?? tmpdir(), 'pika-foreign-'));
  const asked: Backend['asked'] = [];
  const server = createServer((request, response) => {
    const { authorization } = request.headers;
    asked.push({ line: `${request.method} ${request.url}`, authorization });
    if (options.instead?.(request, response) === true) return;
    const password = Buffer.from(authorization?.replace(/^Basic /, '') ?? '', 'base64').toString();
    if (options.token !== undefined && password.split(':')[1] !== options.token) {
      request.resume();
      response.writeHead(401, { 'www-authenticate': 'Basic realm="elsewhere"' }).end('no\n');
      return;
    }
    answerByGit(folder, request, response);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    folder,
    repo: async (name) => {
      const env = environment(folder);
      const path = join(folder, name);
      await outputOf(['git', 'init', '--quiet', '--bare', '--initial-branch=main', path], {
        cwd: folder,
        env,
      });
      await outputOf(['git', '-C', path, 'config', 'http.receivepack', 'true'], { cwd: folder, env });
      return `http://127.0.0.1:${port}/${name}`;
    },
    asked,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** As a web server does that speaks CGI (RFC 3875). */
function answerByGit(folder: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://here');
  const length = request.headers['content-length'];
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      ...environment(folder),
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method ?? 'GET',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REMOTE_USER: 'somebody',
      REMOTE_ADDR: '127.0.0.1',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      ...(length === undefined ? {} : { CONTENT_LENGTH: length }),
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
  });
  request.pipe(child.stdin).on('error', () => undefined);
  response.on('close', () => child.kill('SIGKILL'));
  let head = '';
  const onData = (chunk: Buffer): void => {
    head += chunk.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    child.stdout.off('data', onData);
    for (const line of head.slice(0, end).split('\r\n')) {
      const [name = '', value = ''] = line.split(/:\s*/, 2);
      if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.write(Buffer.from(head.slice(end + 4), 'latin1'));
    child.stdout.pipe(response);
  };
  child.stdout.on('data', onData);
  child.on('close', () => void response.end());
}

const nginx = '/usr/sbin/nginx';

/** Why it cannot be started here, for a skipped test. */
export function whyNoNginx(): string | undefined {
  try {
    accessSync(nginx, constants.X_OK);
    return undefined;
  } catch {
    return 'nginx is not installed; on Debian: sudo apt-get install nginx-light';
  }
}

export interface Nginx {
  /** `https://localhost:PORT`. */
  origin: string;
  /** The certificate that it shows, which nobody else has signed. */
  certificate: string;
  /** What it wrote down of those who asked. */
  log: () => string;
  stop: () => Promise<void>;
}

export async function startNginx(backend: Pick<Backend, 'port'>): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'pika-nginx-'));
  const { key, certificate } = await makeCertificate(folder);
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const config = `
daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/errors;
events { worker_connections 64; }
http {
  access_log ${folder}/access;
  ${temporary.map((what) => `${what}_temp_path ${folder}/${what};`).join(' ')}
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${certificate}; ssl_certificate_key ${key};
    client_max_body_size 0;
    location / { proxy_pass http://127.0.0.1:${backend.port}; proxy_request_buffering off; proxy_buffering off; }
  }
}
`;
  writeFileSync(join(folder, 'config'), config);
  const child = spawn(nginx, ['-c', join(folder, 'config'), '-p', folder, '-e', join(folder, 'errors')], {
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  await untilConnected(port, () => child.exitCode === null);
  return {
    origin: `https://localhost:${port}`,
    certificate,
    log: () => readFileSync(join(folder, 'access'), 'utf8'),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
