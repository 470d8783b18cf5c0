import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { resolveBranch } from '../../src/git/refs.ts';
import { useForge } from '../support/forge.ts';
import { serveGit, type GitServer } from '../support/git-server.ts';

const open = useForge();

const basic = (token: string): Record<string, string> => ({
  Authorization: `Basic ${Buffer.from(`x:${token}`).toString('base64')}`,
});
const packType = { 'Content-Type': 'application/x-git-receive-pack-request' };

const post = (
  server: GitServer,
  path: string,
  request: { headers?: Record<string, string>; body?: string | Buffer<ArrayBuffer> },
) =>
  fetch(`${server.http}${path}`, {
    method: 'POST',
    body: request.body ?? '0000',
    headers: request.headers ?? {},
  });

test('Z1: the right comes from the path and the method, never from the query', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const ben = await server.person('ben');
  await it.repo('ada/open', { files: { a: '1\n' }, visibility: 'public' });
  const push = '/ada/open.git/git-receive-pack?service=git-upload-pack';
  expect((await post(server, push, { headers: packType })).status).toBe(401);
  expect((await post(server, push, { headers: { ...packType, ...basic(ben.token()) } })).status).toBe(403);
  expect((await post(server, push, { headers: { ...packType, ...basic(ada.token('read')) } })).status).toBe(
    403,
  );
  expect((await post(server, push, { headers: { ...packType, ...basic(ada.token()) } })).status).toBe(200);
  const info = `${server.http}/ada/open.git/info/refs`;
  expect((await fetch(`${info}?service=git-upload-pack`)).status).toBe(200);
  expect((await fetch(`${info}?service=git-receive-pack`)).status).toBe(401);
  expect((await fetch(`${info}?service=git-upload-archive`)).status).toBe(403);
  expect((await fetch(info)).status).toBe(403);
  expect((await fetch(`${info}?service=git-upload-pack&service=git-receive-pack`)).status).toBe(403);
});

test('Z1: the four-byte probe of a large push is challenged', async () => {
  const it = await open();
  const server = await serveGit(it);
  await it.repo('ada/app', { files: { a: '1\n' } });
  const answer = await post(server, '/ada/app.git/git-receive-pack', { headers: packType });
  expect(answer.status).toBe(401);
  expect(answer.headers.get('www-authenticate')).toBe('Basic realm="pika-git"');
});

test('Z1: a private repository is 404 to those who may not know it and 401 to those not signed in', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ben = await server.person('ben');
  await it.repo('ada/secret', { files: { a: '1\n' } });
  for (const name of ['ada/secret', 'ada/nothing']) {
    const url = `${server.http}/${name}.git/info/refs?service=git-upload-pack`;
    expect((await fetch(url)).status, name).toBe(401);
    expect((await fetch(url, { headers: basic(ben.token()) })).status, name).toBe(404);
    expect((await fetch(url, { headers: basic('token_wrong') })).status, name).toBe(401);
  }
});

test('Z1: a GET creates no repository, and nobody creates one in the name of another', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const headers = basic(ada.token());
  const asks = (name: string) =>
    fetch(`${server.http}/${name}.git/info/refs?service=git-receive-pack`, { headers });
  expect((await asks('ada/new')).status).toBe(200);
  expect((await asks('ben/new')).status).toBe(404);
  expect(
    (await post(server, '/ben/new.git/git-receive-pack', { headers: { ...headers, ...packType } })).status,
  ).toBe(404);
  expect(it.forge.db.all('SELECT id FROM repos')).toEqual([]);
});

test('P1: names that are paths, dots, escapes or endless are not found', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada', 'admin');
  const headers = { ...basic(ada.token('admin')), ...packType };
  for (const path of [
    '/%2e%2e%2f/x',
    '/ada/%2e%2e%2fx',
    '/ada/..%2f..%2fx',
    '/ada/a%00b',
    '/ada/a%5Cb',
    '/ada/.git',
    `/ada/${'x'.repeat(300)}`,
    '/api/x',
    '/ada/x.git.git',
    '/ada/%ff',
  ]) {
    const answer = await post(server, `${path}/git-receive-pack`, { headers });
    expect(answer.status, path).toBeGreaterThanOrEqual(400);
    expect(answer.status, path).toBeLessThan(500);
  }
  expect(it.forge.db.all('SELECT id FROM repos')).toEqual([]);
});

test('D2: a gzip bomb is refused with 413 and what is no gzip with 400, and the forge serves on', async () => {
  const it = await open({ settings: { limits: { maxPushBytes: 1024 * 1024 } } });
  const server = await serveGit(it);
  const ada = await server.person('ada');
  await it.repo('ada/app', { files: { a: '1\n' } });
  const push = '/ada/app.git/git-receive-pack';
  const headers = { ...basic(ada.token()), ...packType };
  // What a client has already, told without end: git would read it all, so only the limit ends it.
  const haves = Buffer.alloc(100 * 1024 * 1024, `0032have ${'1'.repeat(40)}\n`);
  const bomb = gzipSync(Buffer.concat([Buffer.from('0011command=fetch0001'), haves]));
  expect(bomb.length).toBeLessThan(1024 * 1024);
  const burst = await post(server, '/ada/app.git/git-upload-pack', {
    headers: {
      ...basic(ada.token()),
      'Content-Type': 'application/x-git-upload-pack-request',
      'Git-Protocol': 'version=2',
      'Content-Encoding': 'gzip',
    },
    body: bomb,
  });
  expect(burst.status).toBe(413);
  expect(await burst.text()).toContain('more than 67108864 bytes');
  for (const encoding of ['gzip', 'constructor', 'br']) {
    const answer = await post(server, push, {
      headers: { ...headers, 'Content-Encoding': encoding },
      body: 'garbage',
    });
    expect(answer.status, encoding).toBe(400);
  }
  const lone = await post(server, push, { headers: { ...packType, Authorization: 'Basic' } });
  expect(lone.status).toBe(401);
  expect((await post(server, push, { headers })).status).toBe(200);
});

test('D2: an aborted push ends its git, and gives its place back', async () => {
  const it = await open({ settings: { limits: { maxGitProcesses: 1, maxWaitingGit: 0 } } });
  const server = await serveGit(it);
  const ada = await server.person('ada');
  await it.repo('ada/app', { files: { a: '1\n' } });
  const head = Object.entries({
    ...basic(ada.token()),
    ...packType,
    'Transfer-Encoding': 'chunked',
    Host: 'x',
  });
  const socket = connect(Number(new URL(server.http).port), '127.0.0.1');
  const lines = head.map(([key, value]) => `${key}: ${value}\r\n`).join('');
  socket.write(`POST /ada/app.git/git-receive-pack HTTP/1.1\r\n${lines}\r\n2\r\n00\r\n`);
  const info = `${server.http}/ada/app.git/info/refs?service=git-upload-pack`;
  const headers = basic(ada.token());
  await expect.poll(async () => (await fetch(info, { headers })).status).toBe(503);
  socket.destroy();
  await once(socket, 'close');
  await expect.poll(async () => (await fetch(info, { headers })).status).toBe(200);
});

test('D2: a client that goes away in the middle of a download ends its git', async () => {
  const it = await open({ settings: { limits: { maxGitProcesses: 1, maxWaitingGit: 0 } } });
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const repo = await it.repo('ada/app', { files: { 'big.bin': randomBytes(40 * 1024 * 1024) } });
  const head = await resolveBranch(it.forge.git, it.repoFolder(repo), 'main');
  const headers = { ...basic(ada.token()), 'Git-Protocol': 'version=2' };
  const leaving = new AbortController();
  const answer = await fetch(`${server.http}/ada/app.git/git-upload-pack`, {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/x-git-upload-pack-request' },
    body: `0011command=fetch00010032want ${head}\n0009done\n0000`,
    signal: leaving.signal,
  });
  await answer.body?.getReader().read();
  const info = `${server.http}/ada/app.git/info/refs?service=git-upload-pack`;
  expect((await fetch(info, { headers })).status).toBe(503);
  leaving.abort();
  await expect.poll(async () => (await fetch(info, { headers })).status).toBe(200);
});

test('A6: chunked, gzipped, atomic pushes with options that look like commands are carried as data', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const repo = await it.repo('ada/app', { files: { a: '1\n' } });
  const url = server.httpUrl('ada/app', ada.token());
  await ada.git('pull', '--quiet', url, 'main');
  await ada.commit('More', { 'b.txt': 'x'.repeat(5000) });
  const ran = join(it.folder, 'ran');
  const options = [`PATH=$PATH;touch ${ran}`, `$(touch ${ran})`, `\`touch ${ran}\``, 'X-Header: y'];
  await ada.git(
    '-c',
    'http.postBuffer=1',
    'push',
    '--quiet',
    '--atomic',
    ...options.flatMap((option) => ['-o', option]),
    url,
    'HEAD:refs/heads/topic',
  );
  expect(await resolveBranch(it.forge.git, it.repoFolder(repo), 'topic')).toBe(
    await ada.git('rev-parse', 'HEAD'),
  );
  expect(existsSync(ran)).toBe(false);
});
