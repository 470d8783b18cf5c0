import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { objectPath } from '../../src/lfs/object-path.ts';
import { findRepo } from '../../src/repos/find.ts';
import { useForge } from '../support/forge.ts';
import { objectOf, serveLfs, upload, type AskLfs } from './serve-lfs.ts';

const open = useForge();
const content = randomBytes(1000);
const object = objectOf(content);
const path = '/ada/art.git/info/lfs/objects/batch';

async function setUp(settings = {}) {
  const test = await open({ settings });
  const { account: ada } = test.account('ada');
  const repo = await test.repo('ada/art');
  const served = await serveLfs(test);
  return { test, ada, repo, served, ask: served.as(ada) };
}

interface Answer {
  message?: string;
  objects: {
    oid: string;
    error?: { code: number; message: string };
    actions?: Record<string, { href: string; header?: Record<string, string>; expires_in: number }>;
  }[];
}

async function batch(ask: AskLfs, operation: string, objects: unknown[], more = {}) {
  const response = await ask('POST', path, { operation, transfers: ['basic'], objects, ...more });
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: (await response.json()) as Answer,
  };
}

test('an upload is told where to send what is not there, and nothing about what is', async () => {
  const { ask, served } = await setUp();
  const other = objectOf(randomBytes(10));
  await upload(ask, 'ada/art', content);
  const { status, type, body } = await batch(ask, 'upload', [object, other]);
  expect(status).toBe(200);
  expect(type).toMatch(/^application\/vnd\.git-lfs\+json/);
  expect(body).toMatchObject({ transfer: 'basic', hash_algo: 'sha256' });
  expect(body.objects[0]).toEqual({ ...object, authenticated: true });
  const href = `${served.origin}/ada/art.git/info/lfs/objects/${other.oid}?size=10`;
  expect(body.objects[1]?.actions).toMatchObject({ upload: { href, expires_in: 1800 } });
});

test('the actions carry a credential of their own, which serves without any other', async () => {
  const { ask, served } = await setUp();
  const uploads = await batch(ask, 'upload', [object]);
  const put = uploads.body.objects[0]!.actions!['upload']!;
  const nobody = served.as();
  expect((await nobody('PUT', put.href, content, put.header)).status).toBe(200);
  const downloads = await batch(ask, 'download', [object]);
  const get = downloads.body.objects[0]!.actions!['download']!;
  const got = await nobody('GET', get.href, undefined, get.header);
  expect(Buffer.from(await got.arrayBuffer()).equals(content)).toBe(true);
  expect((await nobody('PUT', put.href, content, get.header)).status).toBe(403);
});

test('a download of what the repository was not given is refused for that object alone', async () => {
  const { ask } = await setUp();
  await upload(ask, 'ada/art', content);
  const { status, body } = await batch(ask, 'download', [objectOf(Buffer.from('x')), object]);
  expect(status).toBe(200);
  expect(body.objects[0]?.error).toMatchObject({
    code: 404,
    message: expect.stringContaining('has not been given'),
  });
  expect(body.objects[1]?.actions).toHaveProperty('download');
});

test('bytes that the disk has lost are said to be lost, and are asked for again', async () => {
  const { ask, test } = await setUp();
  await upload(ask, 'ada/art', content);
  await rm(objectPath(test.forge, object.oid));
  const down = await batch(ask, 'download', [object]);
  expect(down.body.objects[0]?.error).toMatchObject({ code: 503, message: expect.stringContaining('lost') });
  const up = await batch(ask, 'upload', [object]);
  expect(up.body.objects[0]?.actions).toHaveProperty('upload');
  expect((await upload(ask, 'ada/art', content)).status).toBe(200);
  expect((await batch(ask, 'download', [object])).body.objects[0]?.actions).toHaveProperty('download');
});

test.each([
  ['a short id', { oid: 'abc', size: 1 }],
  ['an id that climbs', { oid: '../../../../etc/passwd', size: 1 }],
  ['an id in capitals', { oid: 'A'.repeat(64), size: 1 }],
  ['a negative size', { oid: object.oid, size: -1 }],
  ['half a byte', { oid: object.oid, size: 0.5 }],
  ['another size than it has', { oid: object.oid, size: 7 }],
])('%s is refused for that object alone', async (_what, wrong) => {
  const { ask } = await setUp();
  await upload(ask, 'ada/art', content);
  for (const operation of ['download', 'upload']) {
    const { status, body } = await batch(ask, operation, [wrong, object]);
    expect(status).toBe(200);
    expect(body.objects[0]?.error?.code).toBe(422);
    expect(body.objects[0]?.actions).toBeUndefined();
    expect(body.objects[1]?.error).toBeUndefined();
  }
});

test('what is larger than the limits is refused with the limit', async () => {
  const { ask } = await setUp({ limits: { maxLfsObjectBytes: 2000, maxLfsRepoBytes: 2500 } });
  await upload(ask, 'ada/art', content);
  const tooLarge = await batch(ask, 'upload', [{ oid: 'b'.repeat(64), size: 2001 }]);
  expect(tooLarge.body.objects[0]?.error).toMatchObject({
    code: 413,
    message: expect.stringContaining('2000 bytes'),
  });
  const tooMuch = await batch(ask, 'upload', [{ oid: 'b'.repeat(64), size: 1501 }]);
  expect(tooMuch.body.objects[0]?.error).toMatchObject({
    code: 413,
    message: expect.stringContaining('2500 bytes'),
  });
  const fits = await batch(ask, 'upload', [{ oid: 'b'.repeat(64), size: 1500 }]);
  expect(fits.body.objects[0]?.actions).toHaveProperty('upload');
});

test('a batch that is too long, wants another hash or another transfer, or is none, is refused whole', async () => {
  const { ask } = await setUp({ limits: { maxLfsBatchObjects: 2 } });
  expect((await batch(ask, 'upload', [object, object, object])).status).toBe(413);
  expect((await batch(ask, 'upload', [object], { hash_algo: 'sha512' })).status).toBe(409);
  expect((await batch(ask, 'upload', [object], { transfers: ['tus'] })).status).toBe(422);
  const wrong = await batch(ask, 'steal', [object]);
  expect(wrong).toMatchObject({
    status: 422,
    body: { message: 'operation: the operation is download or upload.' },
  });
  expect((await ask('POST', path, undefined, { 'content-type': 'application/json' })).status).toBe(422);
});

test('fields that a later version adds, and those that are null, are read over', async () => {
  const { ask } = await setUp();
  const { status } = await batch(ask, 'upload', [{ ...object, colour: 'red' }], {
    ref: { name: 'refs/heads/main' },
    hash_algo: null,
    novelty: [1],
  });
  expect(status).toBe(200);
});

test('the batch before a first push makes the repository, for those who may and for uploads alone', async () => {
  const { test, ask, served } = await setUp();
  const { account: eve } = test.account('eve');
  const order = { operation: 'upload', objects: [object] };
  const fresh = '/ada/fresh.git/info/lfs';
  expect((await served.as(eve)('POST', `${fresh}/objects/batch`, order)).status).toBe(404);
  expect((await ask('POST', `${fresh}/objects/batch`, { ...order, operation: 'download' })).status).toBe(404);
  expect((await ask('POST', `${fresh}/objects/batch`, { operation: 'upload' })).status).toBe(422);
  expect(await (await ask('POST', `${fresh}/locks/verify`, {})).json()).toEqual({ ours: [], theirs: [] });
  expect(findRepo(test.forge, 'ada', 'fresh')).toBeUndefined();
  expect((await ask('POST', `${fresh}/objects/batch`, order)).status).toBe(200);
  expect(findRepo(test.forge, 'ada', 'fresh')).toMatchObject({ visibility: 'private' });
});

test('no body is answered with a fault of the forge', async () => {
  const { ask } = await setUp();
  await upload(ask, 'ada/art', content);
  const oid = fc.oneof(
    fc.constant(object.oid),
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^[0-9a-f]{64}$/),
  );
  const size = fc.oneof(fc.integer(), fc.maxSafeNat(), fc.double({ noNaN: true, noDefaultInfinity: true }));
  const batches = fc.record(
    {
      operation: fc.constantFrom('upload', 'download'),
      objects: fc.array(fc.record({ oid, size })),
      transfers: fc.constantFrom(['basic'], ['tus', 'basic'], [], null, 'basic', [1]),
      hash_algo: fc.constantFrom('sha256', null, 1),
    },
    { requiredKeys: ['operation', 'objects'] },
  );
  const locks = fc.record(
    {
      path: fc.oneof(fc.string({ unit: 'binary' }), fc.integer()),
      force: fc.oneof(fc.boolean(), fc.string()),
      cursor: fc.oneof(fc.string(), fc.integer(), fc.constant(null)),
      limit: fc.oneof(fc.integer(), fc.string(), fc.constant(null)),
    },
    { requiredKeys: [] },
  );
  const routes = ['objects/batch', 'locks', 'locks/verify', 'locks/1/unlock', 'locks/x/unlock'];
  const asked = fc.oneof(
    fc.tuple(fc.constant('objects/batch'), batches),
    fc.tuple(fc.constantFrom(...routes), fc.oneof(batches, locks, fc.json())),
  );
  await fc.assert(
    fc.asyncProperty(asked, async ([route, body]) => {
      const answer = await ask('POST', `/ada/art.git/info/lfs/${route}`, body);
      await answer.text();
      expect(answer.status, route).toBeLessThan(500);
    }),
    { numRuns: 150 },
  );
});
