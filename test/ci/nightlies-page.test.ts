// The page of nightlies, its JSON, and starting one by hand, over real HTTP.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { recentAudit } from '../../src/accounts/audit.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import { nightlyView } from '../../src/ci/model.ts';
import { Planner } from '../../src/ci/scheduler/planner.ts';
import { nightlyApi, nightlyPages } from '../../src/ci/route-nightlies.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { useForge } from '../support/forge.ts';
import { unstarted } from '../support/idle-loop.ts';
import { StagedQueue } from '../support/staged-queue.ts';

const open = useForge();
const manifest = `[[nightly]]\nid = "soak"\nschedule = "0 3 * * *"\ncommand = "true"\n`;

async function serve(lanes = manifest) {
  const queue = await StagedQueue.open(open);
  const { forge, testForge } = queue;
  const files = { '.pika/lanes.toml': lanes };
  const repo = await testForge.repo('demo/nights', { files });
  const planner = new Planner(forge);
  testForge.defer(() => planner.stop());
  await planner.plan();
  let woken = 0;
  const scheduler = { wake: () => void (woken += 1), pass: () => planner.plan() };
  const ci = {
    scheduler: {
      ...scheduler,
      status: () => unstarted('ci'),
    },
  };
  const app = createApp({ trustedProxies: [], maxRequestBytes: 100_000 });
  app.use(
    identify(forge, () => true),
    bodyParsers({ maxRequestBytes: 100_000 }),
    refuseForgery,
  );
  app.use(nightlyApi(forge, ci), nightlyPages(forge, ci), notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  testForge.defer(() => void server.closeAllConnections());
  testForge.defer(() => void server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const as = (name: string, role: 'admin' | 'member') => {
    const { account } = testForge.account(name, role);
    const token = createToken(forge, { accountId: account.id, scope: 'write' });
    return (path: string, method = 'GET') =>
      fetch(origin + path, {
        method,
        redirect: 'manual',
        headers: { authorization: `Bearer ${token}`, accept: 'text/html' },
      });
  };
  return { queue, forge, repo, planner, as, admin: as('root', 'admin'), woken: () => woken };
}

describe('the nightlies of a repository', () => {
  test('are shown with their time, and how their last runs ended', async () => {
    const { queue, planner, admin } = await serve();
    expect(await (await admin('/demo/nights/nightlies')).text()).toContain('due 2026-01-01 03:00');
    queue.clock.advance(3 * 3_600_000);
    await planner.plan();
    queue.end(queue.start('soak'), { state: 'failed', failureKind: 'test_failure', exitCode: 1 });
    const html = await (await admin('/demo/nights/nightlies')).text();
    expect(html).toContain('href="/demo/nights/runs/1"');
    expect(html).toContain('due 2026-01-02 03:00');
    const { nightlies } = (await (await admin('/api/v1/repos/demo/nights/nightlies')).json()) as {
      nightlies: unknown[];
    };
    expect(nightlyView.array().parse(nightlies)).toMatchObject([
      { id: 'soak', dueAt: '2026-01-02T03:00:00.000Z', runs: [{ number: 1, state: 'failed' }] },
    ]);
  });

  test('are explained where there are none', async () => {
    const { admin } = await serve('');
    expect(await (await admin('/demo/nights/nightlies')).text()).toContain('No nightlies');
  });

  test('start by hand, with an audit row, and not twice at once', async () => {
    const { forge, admin, woken } = await serve();
    const started = await admin('/demo/nights/nightlies/soak/run', 'POST');
    expect([started.status, started.headers.get('location')]).toEqual([303, '/demo/nights/runs/1']);
    expect(woken()).toBe(1);
    expect(recentAudit(forge, 1)).toMatchObject([{ action: 'nightly.run', subject: 'demo/nights run 1' }]);
    const again = await admin('/api/v1/repos/demo/nights/nightlies/soak/run', 'POST');
    expect([again.status, await again.text()]).toEqual([
      409,
      expect.stringContaining('Run 1 of soak goes on already'),
    ]);
    expect((await admin('/demo/nights/nightlies/moon/run', 'POST')).status).toBe(404);
  });

  test('of a private repository are nobody else’s business', async () => {
    const { as } = await serve();
    const stranger = as('mallory', 'member');
    expect((await stranger('/demo/nights/nightlies')).status).toBe(404);
    expect((await stranger('/demo/nights/nightlies/soak/run', 'POST')).status).toBe(404);
    expect((await stranger('/api/v1/repos/demo/nights/nightlies')).status).toBe(404);
  });
});
