// CI on the operator's page: what is shown, and the orders of an admin by form.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test, vi } from 'vitest';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import { recentAudit } from '../../src/accounts/audit.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { claimLanes } from '../../src/ci/scheduler/claim.ts';
import { createMissingRuns } from '../../src/ci/scheduler/create-run.ts';
import { findPause } from '../../src/ci/scheduler/pause.ts';
import { adminPages } from '../../src/front/admin.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { manifest, pushBranch } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';
import { unstarted } from '../support/idle-loop.ts';

// Real git, programs and servers, on a machine that may run everything else at once.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const open = useForge({
  settings: { ci: { concurrency: 1, targets: { mac: { concurrency: 3 } } }, limits: { maxRowsPerPage: 2 } },
});

async function serve() {
  const testForge = await open();
  const { forge } = testForge;
  const woken: string[] = [];
  const lost = [{ attemptId: 77, cookie: 'c', since: forge.clock.now(), pids: [4711, 4712] }];
  const scheduler = {
    wake: () => void woken.push('woken'),
    pass: () => Promise.resolve(),
    status: () => unstarted('ci'),
  };
  const parts = {
    health: { problems: async () => [] },
    ci: { tier: () => 'a sandbox', scheduler, quarantined: () => lost },
    housekeeping: { want: () => undefined, wanted: () => new Set<number>() },
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
  const as = (name: string, role: 'admin' | 'member') => {
    const { account } = testForge.account(name, role);
    const token = createToken(forge, { accountId: account.id, scope: 'admin' });
    return (path: string, body?: object) =>
      fetch(origin + path, {
        redirect: 'manual',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'text/html',
        },
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      });
  };
  return { ...testForge, as, woken };
}

test('the page shows what runs with its lease, what waits and why, the targets, and places that are lost', async () => {
  const { forge, repo: makeRepo, as } = await serve();
  const repo = await makeRepo('demo/app', { files: { 'README.md': 'x' } });
  const lanes = ['a', 'b', 'c', 'd'].map((id) => `id = "${id}"\ncommand = "true"`);
  await pushBranch(forge, repo, { name: '<work>', files: manifest(...lanes) });
  await createMissingRuns(forge);
  claimLanes(forge, { owner: 'test', sandbox: 'none', unsatisfiable: undefined });
  forge.db.run(
    `INSERT INTO ci_targets (name, failures, unhealthy_until, message, changed_at)
     VALUES ('mac', 2, :until, '<b>no disk</b>', :now)`,
    { until: forge.clock.now() + 60_000, now: forge.clock.now() },
  );
  const ask = as('root', 'admin');
  const page = await (await ask('/admin?fragment=ci')).text();
  expect(page).toContain('href="/demo/app/runs/1/lanes/a"');
  expect(page).toContain('last heard of');
  expect(page).toContain('&lt;work&gt;');
  expect(page).toContain('waiting for capacity</span>: all 1 place');
  expect(page).toContain('3 waiting for capacity');
  // Two of the three that wait have room on the page.
  expect(page).toContain('1 more lane in the queue.');
  expect(page).toContain('1 of 1 places taken');
  expect(page).toContain('0 of 3 places taken');
  expect(page).toContain('&lt;b&gt;no disk&lt;/b&gt;');
  expect(page).toContain('2 programs of it cannot be ended (4711, 4712)');
  expect((await (await ask('/admin')).text()).replaceAll(/\s+/g, ' ')).toContain('id="ci-heading">CI</h2>');
});

test('an admin pauses with a reason, which the page shows, and resumes; each is written down and told', async () => {
  const { forge, as, woken } = await serve();
  const ask = as('root', 'admin');
  const told = forge.events.next('ci-changed');
  const answer = await ask('/admin/ci/pause-ci', { reason: 'a new disk' });
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/admin#ci-heading']);
  await told;
  expect(await (await ask('/admin?fragment=ci')).text()).toContain(': a new disk');
  expect((await ask('/admin/ci/pause-ci', { reason: 'again' })).status).toBe(409);
  expect((await ask('/admin/ci/resume-ci', { reason: '' })).status).toBe(303);
  expect(findPause(forge)).toBeUndefined();
  expect(recentAudit(forge, 2)).toMatchObject([
    { account: 'root', action: 'ci.resume' },
    { account: 'root', action: 'ci.pause', subject: 'the queue' },
  ]);
  expect(woken).toHaveLength(2);
  expect(await (await ask('/admin')).text()).toContain('the queue</div><div class="sub">a new disk</div>');
});

test('a target is taken for healthy again, and the scheduler is woken, by button', async () => {
  const { forge, as, woken } = await serve();
  const ask = as('root', 'admin');
  forge.db.run(
    `INSERT INTO ci_targets (name, failures, unhealthy_until, changed_at) VALUES ('mac', 2, :until, 0)`,
    { until: forge.clock.now() + 60_000 },
  );
  expect(await (await ask('/admin?fragment=ci')).text()).toContain('Take for healthy: the target mac');
  expect((await ask('/admin/ci/clear-target', { target: 'mac' })).status).toBe(303);
  expect(await (await ask('/admin?fragment=ci')).text()).not.toContain('Take for healthy: the target mac');
  expect((await ask('/admin/ci/wake-ci', {})).status).toBe(303);
  expect(woken).toHaveLength(3);
  expect(recentAudit(forge, 2).map(({ action }) => action)).toEqual(['ci.wake', 'ci.clear-target']);
});

test('nobody but an admin sees CI as a whole or gives an order', async () => {
  const { forge, as, woken } = await serve();
  const ask = as('eve', 'member');
  expect((await ask('/admin?fragment=ci')).status).toBe(403);
  for (const verb of ['wake-ci', 'pause-ci', 'resume-ci', 'clear-target']) {
    expect((await ask(`/admin/ci/${verb}`, { reason: 'x', target: 'mac' })).status).toBe(403);
  }
  expect(findPause(forge)).toBeUndefined();
  expect(woken).toEqual([]);
});
