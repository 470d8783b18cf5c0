// Who may do what with large files: as with git over HTTP, and never by a browser's cookie.
import { expect, test } from 'vitest';
import { sessionCookie } from '../../src/accounts/guard.ts';
import { createSession } from '../../src/accounts/sign-in.ts';
import { putMember } from '../../src/repos/store.ts';
import { useForge } from '../support/forge.ts';
import { objectOf, serveLfs, upload } from './serve-lfs.ts';

const open = useForge();
const content = Buffer.from('the bytes');
const object = objectOf(content);

async function setUp() {
  const test = await open();
  const [{ account: ada }, { account: bob }, { account: eve }] = [
    test.account('ada'),
    test.account('bob'),
    test.account('eve'),
  ];
  const hidden = await test.repo('ada/hidden');
  await test.repo('ada/open', { visibility: 'public' });
  putMember(test.forge.db, { repoId: hidden.id, accountId: bob.id, role: 'read' });
  const served = await serveLfs(test);
  for (const name of ['ada/hidden', 'ada/open']) {
    expect((await upload(served.as(ada), name, content)).status).toBe(200);
    expect((await served.as(ada)('POST', `/${name}.git/info/lfs/locks`, { path: 'held' })).status).toBe(201);
  }
  return { test, served, ada, bob, eve };
}

const reads: [string, string, unknown?][] = [
  ['POST', '/objects/batch', { operation: 'download', objects: [object] }],
  ['GET', `/objects/${object.oid}`],
  ['GET', '/locks'],
];
const writes: [string, string, unknown?][] = [
  ['POST', '/objects/batch', { operation: 'upload', objects: [object] }],
  ['PUT', `/objects/${object.oid}?size=${object.size}`, content],
  ['POST', '/locks', { path: 'a' }],
  ['POST', '/locks/verify', {}],
  ['POST', '/locks/1/unlock', { force: true }],
];

test.each([
  // who, repository, status of reads, status of writes
  ['nobody', 'ada/hidden', 401, 401],
  ['nobody', 'ada/open', 200, 401],
  ['nobody', 'ada/none', 401, 401],
  ['eve', 'ada/hidden', 404, 404],
  ['eve', 'ada/open', 200, 403],
  ['eve', 'ada/none', 404, 404],
  ['bob', 'ada/hidden', 200, 403],
  ['reading ada', 'ada/hidden', 200, 403],
  ['a wrong token', 'ada/open', 401, 401],
] as const)(
  '%s on %s: reads are answered with %i, writes with %i',
  async (who, repo, forReads, forWrites) => {
    const { served, ada, bob, eve } = await setUp();
    const asks = {
      nobody: served.as(),
      eve: served.as(eve),
      bob: served.as(bob),
      'reading ada': served.as(ada, 'read'),
      'a wrong token': served.as(),
    };
    const headers = who === 'a wrong token' ? { authorization: `Basic ${btoa('ada:pika_wrong')}` } : {};
    for (const [list, status] of [
      [reads, forReads],
      [writes, forWrites],
    ] as const) {
      for (const [method, path, body] of list) {
        const answer = await asks[who](method, `/${repo}.git/info/lfs${path}`, body, headers);
        expect(answer.status, `${method} ${path}`).toBe(status);
        const text = await answer.text();
        if (status === 200) continue;
        expect(JSON.parse(text), text).toHaveProperty('message');
        expect(answer.headers.get('content-type')).toMatch(/^application\/vnd\.git-lfs\+json/);
        if (status === 401) expect(answer.headers.get('lfs-authenticate')).toBe('Basic realm="pika-git"');
      }
    }
  },
);

test('Z3: what is hidden is answered like what does not exist', async () => {
  const { served, eve } = await setUp();
  for (const ask of [served.as(), served.as(eve)]) {
    for (const [method, path, body] of [...reads, ...writes]) {
      const answers = await Promise.all(
        ['ada/hidden', 'ada/absent'].map(async (repo) => {
          const answer = await ask(method, `/${repo}.git/info/lfs${path}`, body);
          return [answer.status, (await answer.text()).replaceAll(repo, 'REPO')];
        }),
      );
      expect(answers[0], `${method} ${path}`).toEqual(answers[1]);
    }
  }
});

test('the name with and without .git is the same, and other addresses are not there', async () => {
  const { served, ada } = await setUp();
  expect((await served.as(ada)('GET', '/ada/hidden/info/lfs/locks')).status).toBe(200);
  for (const path of ['', '/', '/objects', '/nothing', '/locks/1']) {
    const answer = await served.as(ada)('GET', `/ada/hidden.git/info/lfs${path}`);
    expect([answer.status, await answer.json()], path).toMatchObject([404, { message: expect.any(String) }]);
  }
});

test('a body that cannot be read or is too large is refused in JSON', async () => {
  const { served, ada } = await setUp();
  const path = '/ada/hidden.git/info/lfs/objects/batch';
  const json = { 'content-type': 'application/vnd.git-lfs+json' };
  const broken = await served.as(ada)('POST', path, Buffer.from('{"operation":'), json);
  expect([broken.status, await broken.json()]).toMatchObject([422, { message: expect.any(String) }]);
  const huge = await served.as(ada)('POST', path, Buffer.from(`["${'x'.repeat(2_000_000)}"]`), json);
  expect([huge.status, await huge.json()]).toMatchObject([413, { message: expect.any(String) }]);
});

test('a browser’s cookie signs nobody in, so that no page can lock or read through it', async () => {
  const { test, served, ada } = await setUp();
  const { secret } = createSession(test.forge, { accountId: ada.id, address: '', userAgent: '' });
  const cookie = `${sessionCookie}=${secret}`;
  for (const [method, path, body] of [...reads, ...writes]) {
    const answer = await served.as()(method, `/ada/hidden.git/info/lfs${path}`, body, { cookie });
    expect(answer.status, `${method} ${path}`).toBe(401);
  }
});
