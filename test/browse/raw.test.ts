// The bytes of files: exact, in parts, and harmless to whoever opens them.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { incomingFolder } from '../../src/lfs/object-path.ts';
import { receiveObject } from '../../src/lfs/receive-object.ts';
import { findLeftovers } from '../support/leftovers.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { serveBrowse } from './serve-browse.ts';
import { stageFiles } from './stage-repo.ts';

const open = useForge();
const large = Buffer.from(Array.from({ length: 700_000 }, (_, index) => (index * 7 + (index >> 8)) % 251));

test('every range of a small and of a large file is the bytes that it asks for', async () => {
  const { ask } = await stageFiles(await open(), { small: large.subarray(0, 1000), large });
  for (const [name, bytes] of [
    ['small', large.subarray(0, 1000)],
    ['large', large],
  ] as const) {
    const path = `/ada/app/raw/main/${name}`;
    const end = bytes.length - 1;
    const whole = await ask(path);
    expect(whole.status).toBe(200);
    expect(whole.body.equals(bytes), name).toBe(true);
    expect(whole.headers['content-length']).toBe(String(bytes.length));
    for (const [range, from, to] of [
      ['0-0', 0, 0],
      ['10-19', 10, 19],
      [`${end}-`, end, end],
      ['-5', end - 4, end],
      [`100-${end + 50}`, 100, end],
      [`-${end + 50}`, 0, end],
    ] as const) {
      const part = await ask(path, { range: `bytes=${range}` });
      expect(part.status, range).toBe(206);
      expect(part.headers['content-range'], range).toBe(`bytes ${from}-${to}/${bytes.length}`);
      expect(part.body.equals(bytes.subarray(from, to + 1)), `${name} ${range}`).toBe(true);
    }
    for (const range of [`${end + 1}-`, '-0']) {
      const beyond = await ask(path, { range: `bytes=${range}` });
      expect(beyond.status, range).toBe(416);
      expect(beyond.headers['content-range']).toBe(`bytes */${bytes.length}`);
    }
    for (const range of ['bytes=5-3', 'bytes=0-1,4-5', 'lines=1-2', 'bytes=-', 'bytes=x'])
      expect((await ask(path, { range })).status, range).toBe(200);
    const old = await ask(path, { range: 'bytes=0-4', 'if-range': '"other"' });
    expect(old.status).toBe(200);
    const same = await ask(path, { range: 'bytes=0-4', 'if-range': String(whole.headers['etag']) });
    expect(same.status).toBe(206);
  }
});

test('no file is anything that a browser runs', async () => {
  const { ask } = await stageFiles(await open(), {
    'a.html': '<script>alert(1)</script>',
    'a.svg': '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    'a.js': 'alert(1)',
    'b"in;\r\nä.bin': Buffer.from([0, 1]),
  });
  for (const name of ['a.html', 'a.svg', 'a.js', 'a.html?image=svg', 'a.js?image=svg']) {
    const { headers } = await ask(`/ada/app/raw/main/${name}`);
    expect(headers['content-type'], name).toBe('text/plain; charset=utf-8');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*; sandbox$/);
  }
  const vector = await ask('/ada/app/raw/main/a.svg?image=svg');
  expect(vector.headers['content-type']).toBe('image/svg+xml');
  expect(vector.headers['content-security-policy']).toMatch(/default-src 'none'.*; sandbox$/);
  const binary = await ask(`/ada/app/raw/main/${encodeURIComponent('b"in;\r\nä.bin')}`);
  expect(binary.status).toBe(200);
  expect(binary.headers['content-type']).toBe('application/octet-stream');
  expect(binary.headers['content-disposition']).toBe(
    `attachment; filename="b_in____.bin"; filename*=UTF-8''b%22in%3B%0D%0A%C3%A4.bin`,
  );
});

test('a reader who goes away leaves no git behind, and one who downloads too much is told', async () => {
  const it = await open();
  const { ask, served, commit, account, text } = await stageFiles(it, { 'a.txt': 'a\n' });
  it.forge.config.limits.maxDownloads = 2;
  // Random bytes, so that git has to send them all: more than any socket holds.
  await commit('main', { huge: randomBytes(24 * 1024 * 1024) });
  const token = createToken(it.forge, { accountId: account.id, scope: 'read' });
  const socket = connect(Number(new URL(served.origin).port), '127.0.0.1');
  socket.write(`GET /ada/app/raw/main/huge HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  await once(socket, 'readable');
  expect((await findLeftovers(it.folder)).join(' ')).toContain('cat-file blob');
  const second = await ask('/ada/app/raw/main/huge', { range: 'bytes=0-1' });
  expect(second.status).toBe(429);
  expect(second.text).toContain('You are downloading many files already');
  const oid = await text('rev-parse', 'refs/heads/main:huge');
  expect(second.headers['etag']).not.toBe(`"${oid}"`);
  socket.destroy();
  await expect.poll(async () => (await findLeftovers(it.folder)).join(' ')).not.toContain('cat-file blob');
  await expect
    .poll(async () => (await ask('/ada/app/raw/main/huge', { range: 'bytes=0-1' })).status)
    .toBe(206);
});

test('Z3: what Git LFS keeps is sent to readers of a repository that was given it, and to no other', async () => {
  const it = await open();
  const { ask, repo, account, it: staged } = await stageFiles(it);
  const oid = createHash('sha256').update(large).digest('hex');
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${large.length}\n`;
  const { caller } = it.account('eve');
  const other = await it.repo('eve/guess');
  for (const each of [repo, other]) {
    await pushFiles(staged.forge.git, {
      repo: it.repoFolder(each),
      branch: 'main',
      files: { 'a.bin': pointer },
    });
  }
  const object = { oid, size: large.length };
  mkdirSync(incomingFolder(it.forge), { recursive: true });
  await receiveObject(it.forge, {
    repo,
    caller: { ...caller, account },
    object,
    body: Readable.from([large]),
  });
  const path = '/ada/app/raw/main/a.bin?lfs=1';
  const whole = await ask(path);
  expect(whole.body.equals(large)).toBe(true);
  expect(whole.headers['content-type']).toBe('application/octet-stream');
  expect(whole.headers['content-disposition']).toContain('a.bin');
  const part = await ask(path, { range: 'bytes=-3' });
  expect(part.status).toBe(206);
  expect(part.body.equals(large.subarray(-3))).toBe(true);
  expect((await ask(path, { 'if-none-match': String(whole.headers['etag']) })).status).toBe(304);
  expect((await ask('/ada/app/blob/main/a.bin')).text).toContain('href="/ada/app/raw/main/a.bin?lfs=1"');
  const guess = await (await serveBrowse(it)).as(caller.account)('/eve/guess/raw/main/a.bin?lfs=1');
  expect(guess.status).toBe(404);
});
