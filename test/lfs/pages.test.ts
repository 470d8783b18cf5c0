import { expect, test } from 'vitest';
import { createSession } from '../../src/accounts/sign-in.ts';
import type { Account } from '../../src/accounts/model.ts';
import { sessionCookie } from '../../src/accounts/guard.ts';
import { putMember } from '../../src/repos/store.ts';
import { useForge } from '../support/forge.ts';
import { serveLfs, upload } from './serve-lfs.ts';

const open = useForge();

async function setUp(settings = {}) {
  const test = await open({ settings });
  const [{ account: ada }, { account: bob }] = [test.account('ada'), test.account('bob')];
  const repo = await test.repo('ada/art');
  putMember(test.forge.db, { repoId: repo.id, accountId: bob.id, role: 'write' });
  const served = await serveLfs(test);
  const lock = (account: Account, path: string) =>
    served.as(account)('POST', '/ada/art.git/info/lfs/locks', { path });
  /** The page as a browser with a session sees it, and its forms as it would send them. */
  const browse = (account: Account) => {
    const { secret } = createSession(test.forge, { accountId: account.id, address: '', userAgent: '' });
    const cookie = `${sessionCookie}=${secret}`;
    const read = async (path = '') =>
      (await fetch(`${served.origin}/ada/art/lfs${path}`, { headers: { cookie } })).text();
    const post = async (action: string, withToken = true) => {
      const token = /name="form_token" value="([^"]+)"/.exec(await read())?.[1] ?? '';
      return fetch(`${served.origin}${action}`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie },
        body: new URLSearchParams(withToken ? { form_token: token } : {}),
      });
    };
    return { read, post };
  };
  return { test, served, ada, bob, lock, browse };
}

const forms = (page: string): string[] =>
  [...page.matchAll(/action="([^"]+unlock)"/g)].map(([, action]) => action!);

test('the page says what there is and who has locked what, and offers what may be unlocked', async () => {
  const { ada, bob, lock, browse, served } = await setUp();
  await upload(served.as(ada), 'ada/art', Buffer.alloc(2048));
  await lock(ada, 'art/a b?.psd');
  await lock(bob, '<img src=x>‮');
  const asAda = await browse(ada).read();
  expect(asAda).toContain('1 object of Git LFS · 2.0 KiB');
  expect(asAda).toContain('href="/ada/art/blob/main/art/a%20b%3F.psd"');
  expect(asAda).toContain('&lt;img src=x&gt;⟨U+202E⟩');
  expect(asAda).not.toContain('<img src=x>');
  expect(forms(asAda)).toHaveLength(2);
  expect(forms(await browse(bob).read())).toHaveLength(1);
});

test('the form unlocks, with its token alone, and comes back to the page', async () => {
  const { ada, bob, lock, browse } = await setUp();
  await lock(bob, 'a.psd');
  await lock(ada, 'b.psd');
  const [bobs, adas] = forms(await browse(ada).read());
  expect((await browse(bob).post(adas!)).status).toBe(403);
  expect((await browse(bob).post(bobs!, false)).status).toBe(403);
  const done = await browse(ada).post(bobs!);
  expect([done.status, done.headers.get('location')]).toEqual([303, '/ada/art/lfs']);
  expect(forms(await browse(ada).read())).toEqual([adas]);
  expect((await browse(ada).post('/ada/art/lfs/locks/999/unlock')).status).toBe(404);
});

test('many locks are shown in pages', async () => {
  const { ada, lock, browse } = await setUp({ limits: { maxRowsPerPage: 2 } });
  for (const path of ['a', 'b', 'c']) await lock(ada, path);
  const first = await browse(ada).read();
  expect(forms(first)).toHaveLength(2);
  const next = /href="\/ada\/art\/lfs(\?cursor=\d+)"/.exec(first)?.[1];
  expect(first).not.toContain('>First page<');
  const second = await browse(ada).read(next);
  expect(forms(second)).toHaveLength(1);
  expect(second).not.toContain('cursor=');
  expect(second).toMatch(/href="\/ada\/art\/lfs">/);
});

test('an empty page says what a lock is for; who may not see the repository sees none', async () => {
  const { test, ada, browse, served } = await setUp();
  expect(await browse(ada).read()).toContain('Nothing is locked');
  const { account: eve } = test.account('eve');
  expect((await served.as(eve)('GET', '/ada/art/lfs')).status).toBe(404);
  expect((await served.as()('GET', '/ada/art/lfs')).status).toBe(401);
});
