import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { recentAudit } from '../../src/accounts/audit.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { checkLfsObjects } from '../../src/lfs/check.ts';
import { hasLfsObject, lfsTotals } from '../../src/lfs/find.ts';
import { objectPath } from '../../src/lfs/object-path.ts';
import { sweepLfs } from '../../src/lfs/sweep.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { objectOf, serveLfs, upload } from './serve-lfs.ts';

const open = useForge();
const content = randomBytes(300_000);
const { oid, size } = objectOf(content);
const address = `/ada/art.git/info/lfs/objects/${oid}`;

async function setUp(settings = {}) {
  const test = await open({ settings });
  const { account: ada } = test.account('ada');
  const repo = await test.repo('ada/art');
  const served = await serveLfs(test);
  return { test, ada, repo, served, ask: served.as(ada) };
}

const incoming = (test: TestForge): string[] => readdirSync(join(test.folder, 'lfs', 'incoming'));
const stored = (test: TestForge): string[] =>
  readdirSync(join(test.folder, 'lfs'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

test('an object comes back as it was sent, as bytes that no browser opens', async () => {
  const { ask, test, repo } = await setUp();
  expect((await upload(ask, 'ada/art', content)).status).toBe(200);
  const got = await ask('GET', address);
  expect(Buffer.from(await got.arrayBuffer()).equals(content)).toBe(true);
  expect(Object.fromEntries(got.headers)).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-disposition': 'attachment',
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    etag: `"${oid}"`,
  });
  expect(incoming(test)).toEqual([]);
  expect(lfsTotals(test.forge, repo.id)).toEqual({ objects: 1, bytes: size });
});

test('a download goes on where it broke off', async () => {
  const { ask } = await setUp();
  await upload(ask, 'ada/art', content);
  const rest = await ask('GET', address, undefined, { range: 'bytes=100000-', 'if-range': `"${oid}"` });
  expect(rest.status).toBe(206);
  expect(rest.headers.get('content-range')).toBe(`bytes 100000-299999/${size}`);
  expect(Buffer.from(await rest.arrayBuffer()).equals(content.subarray(100_000))).toBe(true);
  const beyond = await ask('GET', address, undefined, { range: 'bytes=300000-' });
  expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${size}`]);
});

test('an empty object is an object', async () => {
  const { ask } = await setUp();
  const empty = Buffer.alloc(0);
  expect((await upload(ask, 'ada/art', empty)).status).toBe(200);
  const got = await ask('GET', `/ada/art.git/info/lfs/objects/${objectOf(empty).oid}`);
  expect([got.status, (await got.arrayBuffer()).byteLength]).toEqual([200, 0]);
});

test.each([
  ['other bytes', `${address}?size=${size}`, randomBytes(size), /have the SHA-256 [0-9a-f]{64}/],
  [
    'fewer bytes than announced',
    `${address}?size=${size}`,
    content.subarray(1),
    /has 300000 bytes, but 299999/,
  ],
  ['more bytes than announced', `${address}?size=${size - 1}`, content, /has 299999 bytes, but 300000/],
  ['no number of bytes', `${address}?size=many`, content, /size/],
  [
    'a name that is no hash',
    '/ada/art.git/info/lfs/objects/abc?size=300000',
    content,
    /64 small hexadecimal/,
  ],
  ['a name that climbs', '/ada/art.git/info/lfs/objects/..%2f..%2fforge.db?size=300000', content, /64 small/],
])('%s: nothing is stored, and the sentence says why', async (_what, path, bytes, sentence) => {
  const { ask, test } = await setUp();
  const answer = await ask('PUT', path, bytes);
  expect(answer.status).toBe(422);
  expect(answer.headers.get('content-type')).toMatch(/^application\/vnd\.git-lfs\+json/);
  expect(((await answer.json()) as { message: string }).message).toMatch(sentence);
  expect(stored(test)).toEqual([]);
});

/** An upload in pieces, as the client sends it when it may: without a length, and perhaps never to its end. */
async function startUpload(test: TestForge, port: number, accountId: number, path: string) {
  const token = createToken(test.forge, { accountId, scope: 'write' });
  const headers = { authorization: `Bearer ${token}`, 'transfer-encoding': 'chunked' };
  const request = httpRequest({ host: '127.0.0.1', port, method: 'PUT', path, headers });
  request.on('error', () => undefined);
  return request;
}

test('pieces without a length are counted: too few and too many are refused', async () => {
  const { test, ada, served } = await setUp();
  for (const [pieces, sentence] of [
    // More than any buffer on the way holds: a client that reads the refusal only at its own end comes to it.
    [[content, Buffer.alloc(32 * 1024 * 1024)], /more than its 300000 bytes/],
    [[content.subarray(0, 1000)], /only 1000 of its 300000/],
  ] as const) {
    const request = await startUpload(test, served.port, ada.id, `${address}?size=${size}`);
    for (const piece of pieces) request.write(piece);
    const sent = new Promise<void>((resolve) => void request.end(resolve));
    const [[response]] = await Promise.all([once(request, 'response'), sent]);
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    expect(response.statusCode).toBe(422);
    expect(text).toMatch(sentence);
    expect(stored(test)).toEqual([]);
  }
});

test('a client that goes away in the middle leaves nothing behind', async () => {
  const { test, ada, served } = await setUp();
  const request = await startUpload(test, served.port, ada.id, `${address}?size=${size}`);
  request.write(content.subarray(0, 100_000));
  await expect.poll(() => incoming(test).length).toBe(1);
  request.destroy();
  await expect.poll(() => incoming(test)).toEqual([]);
  expect(stored(test)).toEqual([]);
});

test('a client that stops sending is let go after a while', async () => {
  const { test, ada, served } = await setUp({ limits: { lfsIdleSeconds: 1 } });
  const request = await startUpload(test, served.port, ada.id, `${address}?size=${size}`);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  request.on('close', resolve);
  request.write(content.subarray(0, 1000));
  await closed;
  await expect.poll(() => incoming(test)).toEqual([]);
});

test('two who send the same object at once are both answered, and it stands once on disk', async () => {
  const { test, ada, ask, repo } = await setUp();
  const other = await test.repo('ada/other');
  const answers = await Promise.all([
    ...Array.from({ length: 4 }, () => upload(ask, 'ada/art', content)),
    upload(ask, 'ada/other', content),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect(stored(test)).toEqual([oid]);
  for (const { id } of [repo, other]) expect(hasLfsObject(test.forge, { repoId: id, oid })).toBe(true);
  expect(lfsTotals(test.forge, repo.id)).toEqual({ objects: 1, bytes: size });
  expect(ada.name).toBe('ada');
});

test('Z3: an object of one repository cannot be read in another by who knows its hash, until he has its bytes', async () => {
  const { test, ask, served } = await setUp();
  const { account: eve } = test.account('eve');
  await test.repo('eve/own');
  await upload(ask, 'ada/art', content);
  const asEve = served.as(eve);
  const own = `/eve/own.git/info/lfs/objects`;
  expect((await asEve('GET', `${own}/${oid}`)).status).toBe(404);
  const batch = await asEve('POST', `${own}/batch`, { operation: 'upload', objects: [{ oid, size }] });
  expect(await batch.json()).toMatchObject({ objects: [{ actions: { upload: {} } }] });
  expect((await asEve('PUT', `${own}/${oid}?size=${size}`, randomBytes(size))).status).toBe(422);
  expect((await asEve('GET', `${own}/${oid}`)).status).toBe(404);
  expect((await upload(asEve, 'eve/own', content)).status).toBe(200);
  expect((await asEve('GET', `${own}/${oid}`)).status).toBe(200);
});

test('D2: the limits hold for the bytes themselves, whatever a batch said before', async () => {
  const { test, ask } = await setUp({ limits: { maxLfsObjectBytes: 1000, maxLfsRepoBytes: 1500 } });
  expect((await upload(ask, 'ada/art', content)).status).toBe(413);
  expect((await upload(ask, 'ada/art', randomBytes(1000))).status).toBe(200);
  expect((await upload(ask, 'ada/art', randomBytes(501))).status).toBe(413);
  expect(stored(test)).toHaveLength(1);
});

test('more transfers at once than the forge takes are told to come again', async () => {
  const { test, ada, served, ask } = await setUp({ limits: { maxLfsTransfers: 1 } });
  const request = await startUpload(test, served.port, ada.id, `${address}?size=${size}`);
  request.write(content.subarray(0, 1000));
  await expect.poll(() => incoming(test).length).toBe(1);
  const refused = await upload(ask, 'ada/art', content);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
  request.end(content.subarray(1000));
  const [response] = await once(request, 'response');
  response.resume();
  expect(response.statusCode).toBe(200);
  expect((await upload(ask, 'ada/art', content)).status).toBe(200);
});

test('a caller who takes many places leaves those of the others free, and gets each of his own back', async () => {
  const { test, ada, served, ask } = await setUp({ limits: { maxLfsTransfersPerCaller: 2 } });
  const { account: bob } = test.account('bob');
  await test.repo('bob/art');
  const held = await Promise.all(
    [1, 2].map(async (count) => {
      const request = await startUpload(test, served.port, ada.id, `${address}?size=${size}`);
      request.write(content.subarray(0, 1000 * count));
      return request;
    }),
  );
  await expect.poll(() => incoming(test).length).toBe(2);
  expect((await upload(ask, 'ada/art', content)).status).toBe(429);
  expect((await upload(served.as(bob), 'bob/art', content)).status).toBe(200);
  for (const request of held) {
    request.destroy();
    await expect.poll(async () => (await upload(ask, 'ada/art', content)).status).toBe(200);
    expect((await upload(ask, 'ada/art', content)).status).toBe(200);
  }
});

test('each upload leaves an audit row', async () => {
  const { test, ask } = await setUp();
  await upload(ask, 'ada/art', content);
  expect(recentAudit(test.forge, 1)[0]).toMatchObject({
    action: 'lfs.upload',
    subject: 'ada/art',
    account: 'ada',
    detail: JSON.stringify({ oid, size }),
  });
});

test('a start clears cut off uploads and objects that no repository has', async () => {
  const { test, ask, repo } = await setUp();
  const kept = randomBytes(10);
  await upload(ask, 'ada/art', content);
  await upload(ask, 'ada/art', kept);
  writeFileSync(join(test.folder, 'lfs', 'incoming', 'half'), 'half');
  // The moment between the row of an object and that of the repository that has it.
  test.forge.db.run('DELETE FROM lfs_holdings WHERE oid = :oid', { oid });
  const lost = objectOf(Buffer.from('never written')).oid;
  test.forge.db.run('INSERT INTO lfs_objects (oid, size, created_at) VALUES (:lost, 1, 1)', { lost });
  await sweepLfs(test.forge);
  expect(stored(test)).toEqual([objectOf(kept).oid]);
  expect(lfsTotals(test.forge, repo.id).objects).toBe(1);
  expect(test.forge.db.all('SELECT oid FROM lfs_objects')).toEqual([{ oid: objectOf(kept).oid }]);
});

test('the check finds what a disk has lost or changed, and a new upload mends it', async () => {
  const { test, ask } = await setUp();
  const [whole, gone, changed] = [randomBytes(10), randomBytes(11), randomBytes(12)];
  for (const bytes of [whole, gone, changed]) await upload(ask, 'ada/art', bytes);
  writeFileSync(objectPath(test.forge, objectOf(changed).oid), randomBytes(12));
  writeFileSync(objectPath(test.forge, objectOf(gone).oid), '');
  // An upload that is still being put in its place has a row, and no repository has it yet.
  test.forge.db.run("INSERT INTO lfs_objects (oid, size, created_at) VALUES ('0', 1, 1)");
  const { checked, damaged } = await checkLfsObjects(test.forge);
  expect(checked).toBe(3);
  expect(new Map(damaged.map((damage) => [damage.oid, damage.problem]))).toEqual(
    new Map([
      [objectOf(gone).oid, 'missing'],
      [objectOf(changed).oid, 'altered'],
    ]),
  );
  for (const bytes of [gone, changed]) expect((await upload(ask, 'ada/art', bytes)).status).toBe(200);
  expect((await checkLfsObjects(test.forge)).damaged).toEqual([]);
  expect(readFileSync(objectPath(test.forge, objectOf(changed).oid)).equals(changed)).toBe(true);
});

test('an object whose place cannot be written is refused, and the next one is served', async () => {
  const { test, ask } = await setUp();
  // Of bytes that are always the same, so that their places are never one.
  const [blocked, other] = [Buffer.from('blocked'), Buffer.from('other')];
  const place = join(test.folder, 'lfs', 'objects', objectOf(blocked).oid.slice(0, 2));
  mkdirSync(join(test.folder, 'lfs', 'objects'), { recursive: true });
  writeFileSync(place, 'in the way');
  expect((await upload(ask, 'ada/art', blocked)).status).toBe(500);
  expect(incoming(test)).toEqual([]);
  expect((await upload(ask, 'ada/art', other)).status).toBe(200);
  rmSync(place);
  expect((await upload(ask, 'ada/art', blocked)).status).toBe(200);
  expect(stored(test).toSorted()).toEqual([blocked, other].map((one) => objectOf(one).oid).toSorted());
});
