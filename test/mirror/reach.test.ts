// Reaching remotes: real servers on loopback, over HTTPS with a token and over SSH with a key.
import { readdirSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listRemote } from '../../src/mirror/pull/list-remote.ts';
import { makeOpensshKey } from '../../src/lib/openssh-key.ts';
import type { RemoteCredential } from '../../src/mirror/remote/credential.ts';
import { fingerprintsOf, hostKeysIn } from '../../src/mirror/remote/host-keys.ts';
import { clearReaches, reachRemote, type Reach } from '../../src/mirror/remote/reach-remote.ts';
import { parseRemoteAddress } from '../../src/mirror/remote/remote-address.ts';
import { failureOf } from '../../src/mirror/remote/remote-failure.ts';
import { runRemote, type RemoteResult, type RemoteRun } from '../../src/mirror/remote/run-remote.ts';
import { startBackend, startNginx, whyNoNginx, type Backend, type Nginx } from '../support/foreign-http.ts';
import { startForeignSsh, type ForeignSsh } from '../support/foreign-ssh.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';
import { openNameServer } from '../support/name-server.ts';
import { whyNoSshd } from '../support/sshd.ts';

const token = 'tok-4f/9+q w&x';
const noNginx = whyNoNginx();
const noSshd = whyNoSshd();

let forged: TestForge;
let repo: string;

beforeAll(async () => {
  forged = await openTestForge({
    settings: {
      mirror: { allowedSchemes: ['https', 'ssh', 'http', 'file'], allowedRanges: ['127.0.0.0/8'] },
    },
  });
  repo = forged.repoFolder(await forged.repo('ada/here', { files: { 'a.txt': 'a\n' } }));
});
afterAll(() => forged.dispose());

interface Wanted {
  credential?: RemoteCredential;
  hostKeys?: string | undefined;
  run?: Partial<RemoteRun>;
}

async function withRemote<Result>(
  url: string,
  wanted: Wanted,
  use: (reach: Reach) => Promise<Result>,
): Promise<Result> {
  const address = parseRemoteAddress(forged.forge.config.mirror, url);
  const { credential = { kind: 'none' }, hostKeys } = wanted;
  const reach = await reachRemote(forged.forge, { address, credential, hostKeys });
  try {
    return await use(reach);
  } finally {
    await reach.close();
  }
}

const push = (url: string, wanted: Wanted = {}): Promise<RemoteResult> =>
  withRemote(url, wanted, (reach) => {
    const args = ['push', '--porcelain', '--', reach.url, 'refs/heads/main:refs/heads/main'];
    return runRemote(forged.forge, reach, { repo, args, timeoutMs: 60_000, ...wanted.run });
  });

/** Where only the forge's own look-up finds anybody: the first time here, and later where nobody may be sent. */
async function byName<Result>(use: (name: string) => Promise<Result>): Promise<Result> {
  const names = await openNameServer(['127.0.0.1', '10.0.0.1']);
  forged.forge.config.mirror.nameServers = [names.at];
  try {
    const result = await use('elsewhere.test');
    expect(names.asked()).toBe(1);
    return result;
  } finally {
    forged.forge.config.mirror.nameServers = [];
    names.close();
  }
}

/** Answers as git does that has ever more refs (gitprotocol-http(5), Smart Server Response). */
function nameWithoutEnd(response: ServerResponse, service: string): void {
  const line = (text: string): string => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;
  const oid = '1'.repeat(40);
  const refs = line(`${oid} refs/heads/${'x'.repeat(200)}\n`).repeat(500);
  const first = `${line(`# service=${service}\n`)}0000${line(`${oid} refs/heads/a\0 report-status\n`)}`;
  response.writeHead(200, { 'content-type': `application/x-${service}-advertisement` });
  const more = (text: string): void => void response.write(text, (error) => error ?? more(refs));
  more(first);
}

const leftFiles = (): string[] => {
  const folder = join(forged.forge.config.paths.gitHome, 'remotes');
  return readdirSync(folder, { recursive: true }).map(String);
};

describe.skipIf(noNginx !== undefined)('over HTTPS, through nginx', () => {
  let backend: Backend;
  let nginx: Nginx;
  beforeAll(async () => {
    backend = await startBackend({ token });
    nginx = await startNginx(backend);
    forged.forge.config.mirror.caFile = nginx.certificate;
  });
  afterAll(async () => {
    await nginx.stop();
    await backend.stop();
  });

  test('a token lets the forge push, and stands neither in the arguments nor in the environment nor in a file afterwards', async () => {
    await backend.repo('a.git');
    const seen: string[] = [];
    const credential = { kind: 'token', user: 'ada', token } as const;
    const result = await withRemote(`${nginx.origin}/a.git`, { credential }, (reach) => {
      seen.push(JSON.stringify(reach.environment), reach.url);
      const args = ['push', '--porcelain', '--', reach.url, 'refs/heads/main:refs/heads/main'];
      return runRemote(forged.forge, reach, { repo, args, timeoutMs: 60_000 });
    });
    expect(result).toMatchObject({ exitCode: 0 });
    expect(result.stdout.toString()).toContain('[new branch]');
    expect(backend.asked.some(({ authorization }) => authorization !== undefined)).toBe(true);
    for (const text of [...seen, result.said, nginx.log()]) expect(text).not.toContain('4f');
    expect(leftFiles()).toEqual([]);
  });

  test('a wrong token is told as such, without the token that the server says again', async () => {
    await backend.repo('b.git');
    const credential = { kind: 'token', user: 'ada', token: 'wrong-token-77' } as const;
    const result = await push(`${nginx.origin}/b.git`, { credential });
    expect(result.exitCode).not.toBe(0);
    expect(failureOf(result.said)).toMatchObject({ kind: 'credential' });
    expect(result.said).not.toContain('wrong-token-77');
  });

  test('a certificate that nobody vouches for is not believed', async () => {
    const { mirror } = forged.forge.config;
    const { caFile } = mirror;
    delete mirror.caFile;
    try {
      const result = await push(`${nginx.origin}/a.git`);
      expect(failureOf(result.said)).toMatchObject({ kind: 'unreachable' });
    } finally {
      mirror.caFile = caFile;
    }
  });
});

describe('over plain HTTP, where it is allowed', () => {
  test('a redirect is not followed, and what the remote says of the token is taken out', async () => {
    const backend = await startBackend({
      instead: (_request, response) => {
        const text = `no such thing for ${token} ${encodeURIComponent(token)}\n`;
        response.writeHead(302, { location: 'http://127.0.0.1:1/x.git', 'content-type': 'text/plain' });
        response.end(text);
        return true;
      },
    });
    const url = `http://127.0.0.1:${backend.port}/a.git`;
    const result = await push(url, { credential: { kind: 'token', user: 'ada', token } });
    await backend.stop();
    expect(result.exitCode).not.toBe(0);
    expect(backend.asked).toHaveLength(1);
    expect(failureOf(result.said).sentence).toContain('redirect');
    expect(result.said).not.toContain(token);
  });

  test('F1: a name is looked up once, and what was checked is what git connects to', async () => {
    const backend = await startBackend();
    await backend.repo('named.git');
    const result = await byName((name) => push(`http://${name}:${backend.port}/named.git`));
    await backend.stop();
    expect(result).toMatchObject({ exitCode: 0 });
  });

  test('a remote that never answers is given up in its time, and no process of git stays', async () => {
    const sockets = new Set<{ destroy: () => void }>();
    const silent = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const failed = push(`http://127.0.0.1:${port}/a.git`, { run: { timeoutMs: 300 } });
    await expect(failed).rejects.toMatchObject({ code: 'limited' });
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => void silent.close(resolve));
    expect(leftFiles()).toEqual([]);
  });

  test('a remote that names refs without end ends with its git, whether it is asked for them or pushed to', async () => {
    const { forge } = forged;
    const { maxListBytes, maxGitMemoryBytes } = forge.config.mirror;
    const backend = await startBackend({
      instead: ({ url = '' }, response) => {
        nameWithoutEnd(response, /service=(.*)$/.exec(url)?.[1] ?? '');
        return true;
      },
    });
    const url = `http://127.0.0.1:${backend.port}/a.git`;
    Object.assign(forge.config.mirror, { maxListBytes: 1000, maxGitMemoryBytes: 64 * 1024 * 1024 });
    try {
      const result = await push(url, { run: { timeoutMs: 10_000 } });
      expect(failureOf(result.said).sentence).toContain('keep in its memory');
      const listed = withRemote(url, {}, (reach) => listRemote(forge, reach, { timeoutMs: 10_000 }));
      await expect(listed).rejects.toThrow('keep in its memory');
    } finally {
      Object.assign(forge.config.mirror, { maxListBytes, maxGitMemoryBytes });
      await backend.stop();
    }
  });

  test('who aborts ends it, with the reason that was given', async () => {
    const stopping = new AbortController();
    const silent = createServer((socket) => {
      socket.on('error', () => undefined).resume();
      stopping.abort();
    });
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const failed = push(`http://127.0.0.1:${port}/a.git`, { run: { signal: stopping.signal } });
    await expect(failed).rejects.toMatchObject({ code: 'unavailable' });
    await new Promise((resolve) => void silent.close(resolve));
  });
});

describe.skipIf(noSshd !== undefined)('over SSH', () => {
  let server: ForeignSsh;
  beforeAll(async () => {
    server = await startForeignSsh();
  });
  afterAll(() => server.stop());

  test('a key of its own lets the forge push; the host key is learned once and held to afterwards', async () => {
    const url = await server.repo('a.git');
    const key = makeOpensshKey('pika-git ada/here');
    const credential = { kind: 'key', privateKey: key.privateKey } as const;
    const refused = await push(url, { credential });
    expect(failureOf(refused.said)).toMatchObject({ kind: 'credential' });
    server.authorize(key.publicText);
    const learned = await withRemote(url, { credential }, async (reach) => {
      const args = ['push', '--porcelain', '--', reach.url, 'refs/heads/main:refs/heads/main'];
      expect(await runRemote(forged.forge, reach, { repo, args, timeoutMs: 60_000 })).toMatchObject({
        exitCode: 0,
      });
      return reach.learnedHostKeys();
    });
    expect(learned).toBe(hostKeysIn(server.hostKey()));
    expect(fingerprintsOf(learned ?? '')).toEqual([expect.stringMatching(/^ED25519 SHA256:[\w+/]{43}$/)]);
    expect(await push(url, { credential, hostKeys: learned })).toMatchObject({ exitCode: 0 });
    const named = url.replace('127.0.0.1', 'elsewhere.test');
    expect(await byName(() => push(named, { credential }))).toMatchObject({ exitCode: 0 });
    await server.newHostKey();
    const changed = await push(url, { credential, hostKeys: learned });
    expect(failureOf(changed.said)).toMatchObject({ kind: 'host-key' });
    expect(leftFiles()).toEqual([]);
  });
});

describe('before anything is started', () => {
  test.each([
    ['https://127.0.0.1/a.git', []],
    ['https://[::1]/a.git', []],
    ['https://169.254.169.254/latest', []],
    ['https://localhost/a.git', []],
    ['ssh://git@10.1.2.3/a.git', []],
    ['git@0x7f000001:a.git', undefined],
  ])('%s is refused where no range opens it', async (url, ranges) => {
    const { mirror } = forged.forge.config;
    const { allowedRanges } = mirror;
    mirror.allowedRanges = ranges ?? allowedRanges;
    mirror.nameServers = ['127.0.0.1:1'];
    try {
      const code = ranges === undefined ? 'unavailable' : 'forbidden';
      await expect(withRemote(url, {}, () => Promise.resolve())).rejects.toMatchObject({ code });
    } finally {
      mirror.allowedRanges = allowedRanges;
      mirror.nameServers = [];
    }
  });

  test('the hooks of the forge are not those of a folder that is pushed to', async () => {
    const folder = join(forged.folder, 'elsewhere.git');
    await forged.forge.git.run(['init', '--quiet', '--bare', folder]);
    expect(await push(folder)).toMatchObject({ exitCode: 0 });
  });

  test('what a dead forge left of its credentials is removed at the start', async () => {
    const address = parseRemoteAddress(forged.forge.config.mirror, 'https://127.0.0.1/a.git');
    await reachRemote(forged.forge, { address, credential: { kind: 'token', user: 'a', token } });
    expect(leftFiles()).not.toEqual([]);
    await clearReaches(forged.forge);
    expect(() => leftFiles()).toThrow('ENOENT');
  });
});
