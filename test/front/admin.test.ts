import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import { recentAudit } from '../../src/accounts/audit.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { adminPages } from '../../src/front/admin.ts';
import { keepRepo } from '../../src/repos/housekeeping.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { useForge } from '../support/forge.ts';
import { unstarted } from '../support/idle-loop.ts';

const open = useForge();

async function serveAdmin(wanted: number[] = []) {
  const testForge = await open();
  const { forge } = testForge;
  const woken: string[] = [];
  const scheduler = {
    wake: () => void woken.push('woken'),
    pass: () => Promise.resolve(),
    status: () => unstarted('ci'),
  };
  const parts = {
    health: { problems: async () => [] },
    ci: { tier: () => 'a sandbox', scheduler, quarantined: () => [] },
    housekeeping: {
      want: (ids: readonly number[]) => void wanted.push(...ids),
      wanted: () => new Set(wanted),
    },
    version: '0.0.0',
  };
  const app = createApp({ trustedProxies: [], maxRequestBytes: 100_000 });
  app.use(
    identify(forge, () => true),
    bodyParsers({ maxRequestBytes: 100_000 }),
    refuseForgery,
    adminPages(forge, parts),
    notFound,
    answerErrors(forge.log),
  );
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  testForge.defer(() => void server.closeAllConnections());
  testForge.defer(() => void server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = async (name: string, path: string, body?: object): Promise<Response> => {
    const { account } = testForge.account(name, name === 'ada' ? 'admin' : 'member');
    const token = createToken(forge, { accountId: account.id, scope: 'admin' });
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'text/html',
    };
    const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    return fetch(origin + path, { redirect: 'manual', headers, ...post });
  };
  return { ...testForge, ask, wanted, woken };
}

test('the page says of every repository what its housekeeping did last, failures first', async () => {
  const { forge, repo, ask } = await serveAdmin();
  const [done, failed] = [
    await repo('demo/done', { files: { a: 'a' } }),
    await repo('demo/failed', { files: { a: 'b' } }),
  ];
  await repo('demo/quiet');
  for (const each of [failed, done]) await keepRepo(forge, each, { everything: true });
  forge.db.exec(
    `UPDATE housekeeping SET state = 'failed', error = 'repack: <b>no</b>' WHERE repo_id = ${failed.id}`,
  );
  const page = await (await ask('ada', '/admin?fragment=housekeeping')).text();
  const at = ['demo/failed', 'demo/done', 'demo/quiet'].map((name) => page.indexOf(`>${name}<`));
  expect(at).toEqual(at.toSorted((a, b) => a - b));
  expect(Math.min(...at)).toBeGreaterThan(0);
  expect(page).toContain('repack: &lt;b&gt;no&lt;/b&gt;');
  expect(page).toContain('nothing was due yet');
  expect(page).toMatch(/loose objects 3 → 0/);
});

test('an admin has one repository or all of them looked after, which is written down', async () => {
  const { forge, repo, ask, wanted } = await serveAdmin();
  const one = await repo('demo/one');
  await repo('demo/two');
  const answer = await ask('ada', '/admin/housekeeping', { repo: one.id });
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/admin#housekeeping-heading']);
  expect(wanted).toEqual([one.id]);
  expect(recentAudit(forge, 1)).toMatchObject([
    { account: 'ada', action: 'repo.housekeeping', subject: 'demo/one' },
  ]);
});

test('all of them are asked for by one button', async () => {
  const { forge, repo, ask, wanted } = await serveAdmin();
  const ids = [(await repo('demo/one')).id, (await repo('demo/two')).id];
  await ask('ada', '/admin/housekeeping', { repo: 'all' });
  expect(wanted.toSorted()).toEqual(ids.toSorted());
  expect(recentAudit(forge, 1)).toMatchObject([{ subject: 'all repositories' }]);
});

test('what waits for its turn is shown so, and cannot be asked for twice', async () => {
  const { repo, ask, wanted } = await serveAdmin();
  wanted.push((await repo('demo/one')).id);
  const page = await (await ask('ada', '/admin')).text();
  expect(page).toContain('waits for its turn and for pushes to end');
  expect(page).toMatch(/aria-label="Run now: the housekeeping of demo\/one" disabled/);
});

test('nobody but an admin sees the page or asks for anything', async () => {
  const { repo, ask, wanted } = await serveAdmin();
  const { id } = await repo('bob/app');
  expect((await ask('bob', '/admin')).status).toBe(403);
  expect((await ask('eve', '/admin/housekeeping', { repo: id })).status).toBe(403);
  expect((await ask('mia', '/admin?fragment=housekeeping')).status).toBe(403);
  expect(wanted).toEqual([]);
});

test('a repository that is not there, or no repository at all, is refused', async () => {
  const { ask, wanted } = await serveAdmin();
  expect((await ask('ada', '/admin/housekeeping', { repo: 99 })).status).toBe(404);
  expect(wanted).toEqual([]);
});
