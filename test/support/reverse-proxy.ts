// The real nginx and the real Caddy before a forge, set up by the files in nix/ that people copy.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from './certificate.ts';
import { freePort } from './free-port.ts';
import { untilConnected } from './until-connected.ts';

export const proxies = ['nginx', 'caddy'] as const;
export type ProxyName = (typeof proxies)[number];

const programs = { nginx: '/usr/sbin/nginx', caddy: '/usr/bin/caddy' };

/** Why it cannot be started here, for a skipped test. */
export function whyNoProxy(name: ProxyName): string | undefined {
  try {
    accessSync(programs[name], constants.X_OK);
    return undefined;
  } catch {
    const debian = name === 'nginx' ? 'nginx-light' : name;
    return `${name} is not installed; on Debian: sudo apt-get install ${debian}`;
  }
}

export interface ProxyPlace {
  /** `https://localhost:PORT`, for the forge's `publicUrl`. */
  origin: string;
  port: number;
  /** Where the proxy answers without TLS. */
  plainPort: number;
  folder: string;
  /** The PEM file of the certificate, which nobody else has signed. */
  certificate: string;
  key: string;
}

/** Where a proxy will be: the forge is told before it starts. */
export async function placeProxy(): Promise<ProxyPlace> {
  const folder = mkdtempSync(join(tmpdir(), 'pika-proxy-'));
  const port = await freePort();
  const plainPort = await freePort();
  return { origin: `https://localhost:${port}`, port, plainPort, folder, ...(await makeCertificate(folder)) };
}

/** Starts it before the forge at `host:port`; answers what stops it and removes its folder. */
export async function startProxy(
  name: ProxyName,
  place: ProxyPlace,
  forge: string,
): Promise<() => Promise<void>> {
  const { folder, port } = place;
  const file = join(folder, 'config');
  writeFileSync(file, name === 'nginx' ? nginxConfig(place, forge) : caddyConfig(place, forge));
  const args = {
    nginx: ['-c', file, '-p', folder, '-e', join(folder, 'errors')],
    caddy: ['run', '--config', file, '--adapter', 'caddyfile'],
  };
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    XDG_DATA_HOME: folder,
    XDG_CONFIG_HOME: folder,
  };
  const child = spawn(programs[name], args[name], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'exit');
  await untilConnected(port, () => child.exitCode === null).catch((cause: unknown) => {
    throw new Error(`${name}: ${said}`, { cause });
  });
  return async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
}

/** The file in nix/ with other values where people put in theirs; each must be there to be replaced. */
function exampleWith(name: string, values: readonly (readonly [string, string])[]): string {
  let text = readFileSync(new URL(`../../nix/${name}`, import.meta.url), 'utf8');
  for (const [theirs, ours] of values) {
    if (!text.includes(theirs)) throw new Error(`nix/${name} does not say ${theirs}`);
    text = text.replaceAll(theirs, ours);
  }
  return text;
}

function nginxConfig({ folder, port, plainPort, certificate, key }: ProxyPlace, forge: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const servers = exampleWith('nginx.conf', [
    ['listen [::]:443 ssl http2;', ''],
    ['listen [::]:80;', ''],
    ['listen 443 ssl http2;', `listen 127.0.0.1:${port} ssl http2;`],
    ['listen 80;', `listen 127.0.0.1:${plainPort};`],
    ['/etc/ssl/git.example.org/fullchain.pem', certificate],
    ['/etc/ssl/git.example.org/privkey.pem', key],
    ['git.example.org', 'localhost'],
    ['127.0.0.1:8787', forge],
  ]);
  return `daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/errors;
events { worker_connections 64; }
http {
access_log off;
${temporary.map((what) => `${what}_temp_path ${folder}/${what};`).join('\n')}
${servers}
}
`;
}

function caddyConfig({ port, plainPort, certificate, key }: ProxyPlace, forge: string): string {
  const site = exampleWith('Caddyfile', [
    ['git.example.org {', `https://localhost:${port} {\n\tbind 127.0.0.1\n\ttls ${certificate} ${key}`],
    ['127.0.0.1:8787', forge],
  ]);
  return `{\n\tadmin off\n\thttp_port ${plainPort}\n}\n${site}`;
}
