import { expect, test } from 'vitest';
import { recentAudit } from '../../src/accounts/audit.ts';
import { putMember } from '../../src/repos/store.ts';
import { useForge } from '../support/forge.ts';
import { serveLfs, type AskLfs } from './serve-lfs.ts';

const open = useForge();
const base = '/ada/art.git/info/lfs/locks';

async function setUp(settings = {}) {
  const test = await open({ settings });
  const [{ account: ada }, { account: bob }] = [test.account('ada'), test.account('bob')];
  const repo = await test.repo('ada/art');
  putMember(test.forge.db, { repoId: repo.id, accountId: bob.id, role: 'write' });
  const served = await serveLfs(test);
  return { test, repo, served, ada: served.as(ada), bob: served.as(bob) };
}

interface LockAnswer {
  message?: string;
  lock: { id: string; path: string; locked_at: string; owner: { name: string } };
}
interface ListAnswer {
  locks: LockAnswer['lock'][];
  ours: LockAnswer['lock'][];
  theirs: LockAnswer['lock'][];
  next_cursor?: string;
}

async function lock(ask: AskLfs, path: unknown): Promise<{ status: number; body: LockAnswer }> {
  const response = await ask('POST', base, { path, ref: { name: 'refs/heads/main' } });
  return { status: response.status, body: (await response.json()) as LockAnswer };
}

const list = async (ask: AskLfs, query = ''): Promise<ListAnswer> =>
  (await (await ask('GET', `${base}${query}`)).json()) as ListAnswer;

test('a path is locked once; the second is told who holds it', async () => {
  const { ada, bob } = await setUp();
  const first = await lock(ada, 'art/böse "name".psd');
  expect(first.status).toBe(201);
  expect(first.body.lock).toMatchObject({ path: 'art/böse "name".psd', owner: { name: 'ada' } });
  expect(Date.parse(first.body.lock.locked_at)).not.toBeNaN();
  for (const ask of [ada, bob]) {
    const second = await lock(ask, 'art/böse "name".psd');
    expect(second.status).toBe(409);
    expect(second.body).toMatchObject({
      message: expect.stringContaining('ada has locked'),
      lock: first.body.lock,
    });
  }
});

test('two who lock at once: one gets it', async () => {
  const { ada, bob } = await setUp();
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, n) => lock(n % 2 === 0 ? ada : bob, 'a.psd')),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
});

test.each([
  ['', /needs a path/],
  ['/etc/passwd', /relative/],
  ['a/../b', /relative/],
  ['a//b', /relative/],
  ['a\0b', /NUL/],
  ['x'.repeat(5000), /at most 4096/],
  [7, /string/],
])('the path %j is refused', async (path, sentence) => {
  const { ada } = await setUp();
  const refused = await lock(ada, path);
  expect(refused.status).toBe(422);
  expect(refused.body.message).toMatch(sentence);
});

test('locks are listed in pages, and found by path and by id', async () => {
  const { ada, bob } = await setUp();
  for (const name of ['a', 'b', 'c', 'd', 'e']) await lock(name < 'd' ? ada : bob, name);
  const paths: string[] = [];
  let cursor = '';
  do {
    const page = await list(ada, `?limit=2${cursor && `&cursor=${cursor}`}`);
    expect(page.locks.length).toBeLessThanOrEqual(2);
    paths.push(...page.locks.map(({ path }) => path));
    cursor = page.next_cursor ?? '';
  } while (cursor !== '');
  expect(paths).toEqual(['a', 'b', 'c', 'd', 'e']);
  const [one] = (await list(ada, '?path=d&refspec=refs/heads/main')).locks;
  expect(one).toMatchObject({ path: 'd', owner: { name: 'bob' } });
  expect((await list(ada, `?id=${one!.id}`)).locks).toEqual([one]);
  expect((await list(ada, `?id=${one!.id}&path=a`)).locks).toEqual([]);
  expect((await list(ada, '?id=x')).locks).toEqual([]);
  expect((await ada('GET', `${base}?cursor=x`)).status).toBe(422);
  expect((await ada('GET', `${base}?limit=0`)).status).toBe(422);
});

test('verify parts the locks into ours and theirs, in pages', async () => {
  const { ada, bob } = await setUp();
  for (const name of ['a', 'b', 'c']) await lock(name === 'b' ? bob : ada, name);
  const verify = async (body: unknown) =>
    (await (await bob('POST', `${base}/verify`, body)).json()) as ListAnswer;
  const all = await verify({});
  expect(all.ours.map(({ path }) => path)).toEqual(['b']);
  expect(all.theirs.map(({ path }) => path)).toEqual(['a', 'c']);
  const first = await verify({ limit: 2 });
  const second = await verify({ cursor: first.next_cursor });
  expect([first.theirs.length, first.ours.length, second.theirs.length]).toEqual([1, 1, 1]);
  expect(second.next_cursor).toBeUndefined();
});

test('everybody unlocks his own; somebody else’s takes force and the right to maintain', async () => {
  const { test, ada, bob } = await setUp();
  const unlock = async (ask: AskLfs, id: string, force: boolean) => {
    const response = await ask('POST', `${base}/${id}/unlock`, { force });
    return { status: response.status, body: (await response.json()) as LockAnswer };
  };
  const { id: own } = (await lock(bob, 'own')).body.lock;
  const { id: adas } = (await lock(ada, 'adas')).body.lock;
  expect(await unlock(bob, own, false)).toMatchObject({ status: 200, body: { lock: { path: 'own' } } });
  expect(await unlock(bob, own, false)).toMatchObject({
    status: 404,
    body: { message: expect.stringMatching(/gone already/) },
  });
  for (const force of [false, true]) {
    expect(await unlock(bob, adas, force)).toMatchObject({
      status: 403,
      body: { message: expect.stringMatching(/only who maintains/) },
    });
  }
  const { id: bobs } = (await lock(bob, 'bobs')).body.lock;
  expect(await unlock(ada, bobs, false)).toMatchObject({
    status: 403,
    body: { message: expect.stringMatching(/unlock --force/) },
  });
  expect(await unlock(ada, bobs, true)).toMatchObject({ status: 200 });
  expect((await list(ada)).locks.map(({ path }) => path)).toEqual(['adas']);
  expect(recentAudit(test.forge, 1)[0]).toMatchObject({
    action: 'lfs.unlock',
    detail: JSON.stringify({ path: 'bobs', owner: 'bob', forced: true }),
  });
});

test('Z3: a lock is not found under the name of another repository', async () => {
  const { test, ada, served } = await setUp();
  const { account: eve } = test.account('eve');
  await test.repo('eve/own');
  const { id } = (await lock(ada, 'a')).body.lock;
  const asEve = served.as(eve);
  expect((await asEve('POST', `/eve/own.git/info/lfs/locks/${id}/unlock`, { force: true })).status).toBe(404);
  expect(await (await asEve('GET', `/eve/own.git/info/lfs/locks?id=${id}`)).json()).toEqual({ locks: [] });
});

test('a repository has no more locks than the limit', async () => {
  const { ada } = await setUp({ limits: { maxLfsLocks: 1 } });
  await lock(ada, 'a');
  const refused = await lock(ada, 'b');
  expect(refused).toMatchObject({ status: 429, body: { message: expect.stringMatching(/at most 1 locks/) } });
});
