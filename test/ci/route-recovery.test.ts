// Recovery over HTTP: the forms of the pages, the JSON of the API, and who may use them.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import { recentAudit } from '../../src/accounts/audit.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import type { TokenScope } from '../../src/accounts/model.ts';
import { ciApi } from '../../src/ci/api.ts';
import { claimLanes } from '../../src/ci/scheduler/claim.ts';
import { createMissingRuns } from '../../src/ci/scheduler/create-run.ts';
import { finishAttempt } from '../../src/ci/scheduler/finish.ts';
import { ciView } from '../../src/ci/model.ts';
import { ciPages } from '../../src/ci/pages.ts';
import { openCi } from '../../src/ci/open.ts';
import { ciWideApi } from '../../src/ci/route-ci.ts';
import { recoveryApi, recoveryPages } from '../../src/ci/recovery/route-recovery.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { laneOf, manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';

// Real git, programs and servers, on a machine that may run everything else at once.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const open = useForge({ settings: { ci: { concurrency: 1, graceSeconds: 1, pollSeconds: 3600 } } });
const order = { owner: 'test', sandbox: 'none', unsatisfiable: undefined };

/** Two lanes, the first claimed; the scheduler is there but makes no pass of its own. */
async function serve() {
  const testForge = await open();
  const { forge } = testForge;
  const ci = await openCi(forge);
  testForge.defer(() => ci.stop());
  const app = createApp({ trustedProxies: [], maxRequestBytes: 100_000 });
  app.use(
    identify(forge, () => true),
    bodyParsers({ maxRequestBytes: 100_000 }),
    refuseForgery,
  );
  app.use(ciApi(forge, ci), recoveryApi(forge, ci.scheduler), ciWideApi(forge, ci));
  app.use(ciPages(forge, ci), recoveryPages(forge, ci.scheduler), notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  testForge.defer(() => void server.closeAllConnections());
  testForge.defer(() => void server.close());
  const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
  await testForge.repo('demo/other', { files: { 'README.md': 'x' } });
  const files = manifest('id = "a"\ncommand = "true"', 'id = "b"\ncommand = "true"');
  const branch = await pushBranch(forge, repo, { name: 'work', files });
  await createMissingRuns(forge);
  const claim = claimLanes(forge, order)[0]!;
  const run = runOfBranch(forge, branch);
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const as = (name: string, role: 'admin' | 'member' = 'member', scope: TokenScope = 'admin') => {
    const { account } = testForge.account(name, role);
    const token = createToken(forge, { accountId: account.id, scope });
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
  return { forge, repo, run, claim, origin, as, lane: (key: string) => laneOf(forge, run, key).attempt };
}

const page = '/demo/app/runs/1';
const api = `/api/v1/repos${page}`;

describe('the API of recovery', () => {
  test('answers with the run as it is then', async () => {
    const { as } = await serve();
    const ask = as('root', 'admin');
    const failed = await ask(`${api}/fail-lane`, { lane: 'b', reason: ' its\n runner is gone ' });
    expect(await failed.json()).toMatchObject({
      lane: 'b',
      run: {
        number: 1,
        lanes: [
          { state: 'running' },
          { failureKind: 'operator', message: 'marked failed by root: its runner is gone' },
        ],
      },
    });
    const requeued = await ask(`${api}/requeue-lane`, { lane: 'a' });
    expect(await requeued.json()).toMatchObject({ run: { lanes: [{ state: 'cancelling' }, {}] } });
    expect((await ask(`${api}/requeue-lane`, { lane: 'b' })).status).toBe(409);
    expect((await ask(`${api}/recover-run`, {})).status).toBe(409);
    expect((await ask(`${api}/run-again`, {})).status).toBe(409);
    const cancelled = await ask(`${api}/cancel`, { lane: 'a', force: true, reason: 'now' });
    expect(await cancelled.json()).toMatchObject({
      cancelled: 1,
      run: { lanes: [{ state: 'cancelling' }, {}] },
    });
  });

  test.each([
    ['/api/v1/repos/demo/app/runs/1/fail-lane', {}, 400],
    ['/api/v1/repos/demo/app/runs/1/fail-lane', { lane: 'a', speed: 1 }, 400],
    ['/api/v1/repos/demo/app/runs/1/fail-lane', { lane: 'a', reason: 'x'.repeat(501) }, 400],
    ['/api/v1/repos/demo/app/runs/1/fail-lane', { lane: 'z' }, 404],
    ['/api/v1/repos/demo/app/runs/2/fail-lane', { lane: 'a' }, 404],
    ['/api/v1/repos/demo/other/runs/1/fail-lane', { lane: 'a' }, 404],
    ['/api/v1/repos/demo/other/runs/1/recover-run', {}, 404],
    ['/api/v1/ci/pause-ci', {}, 400],
    ['/api/v1/ci/clear-target', { target: 'local' }, 409],
    ['/api/v1/ci/clear-target', {}, 400],
    ['/api/v1/ci/resume-ci', {}, 409],
  ])('refuses %s with %j by %i and changes nothing', async (path, body, status) => {
    const { as, lane } = await serve();
    expect((await as('root', 'admin')(path, body)).status).toBe(status);
    expect([lane('a').state, lane('b').state]).toEqual(['running', 'queued']);
  });

  test('tells an admin alone of CI as a whole', async () => {
    const { as } = await serve();
    const view = ciView.parse(await (await as('root', 'admin')('/api/v1/ci')).json());
    expect(view).toMatchObject({
      paused: null,
      running: [{ repo: 'demo/app', run: 1, lane: 'a', branch: 'work', state: 'running' }],
      waiting: [{ lane: 'b', reason: 'waiting_for_capacity' }],
      reasons: [{ reason: 'waiting_for_capacity', count: 1 }],
      targets: [{ name: 'local', places: 1, taken: 1, healthy: true }],
    });
    const [lane] = view.running;
    expect(Date.parse(lane!.leaseUntil!) - Date.parse(lane!.confirmedAt!)).toBe(120_000);
    for (const [name, role, scope] of [
      ['eve', 'member', 'admin'],
      ['max', 'admin', 'write'],
    ] as const) {
      const ask = as(name, role, scope);
      expect((await ask('/api/v1/ci')).status).toBe(403);
      for (const verb of ['wake-ci', 'pause-ci', 'resume-ci', 'clear-target'])
        expect((await ask(`/api/v1/ci/${verb}`, {})).status).toBe(403);
    }
  });

  test('is not for strangers, and tells them nothing', async () => {
    const { origin, as, forge, lane } = await serve();
    const before = recentAudit(forge, 1)[0]?.at;
    for (const verb of ['fail-lane', 'requeue-lane', 'recover-run', 'run-again', 'cancel']) {
      const body = JSON.stringify({ lane: 'a' });
      const headers = { 'content-type': 'application/json' };
      expect((await fetch(`${origin}${api}/${verb}`, { method: 'POST', headers, body })).status).toBe(401);
    }
    const ask = as('eve');
    for (const verb of ['fail-lane', 'requeue-lane', 'recover-run', 'run-again', 'cancel'])
      expect((await ask(`${api}/${verb}`, { lane: 'a' })).status).toBe(404);
    expect((await fetch(`${origin}/api/v1/ci`)).status).toBe(401);
    expect(lane('a').state).toBe('running');
    expect(recentAudit(forge, 1)[0]?.at).toBe(before);
  });
});

describe('the pages', () => {
  test('offer to a maintainer what a lane that runs or waits needs, and take it by form', async () => {
    const { as, lane } = await serve();
    const ask = as('root', 'admin');
    const shown = await (await ask(`${page}/lanes/a`)).text();
    for (const verb of ['fail-lane', 'requeue-lane', 'cancel'])
      expect(shown).toContain(`formaction="${page}/${verb}"`);
    const waiting = await (await ask(`${page}/lanes/b`)).text();
    expect(waiting).toContain(`formaction="${page}/fail-lane"`);
    expect(waiting).not.toContain(`formaction="${page}/requeue-lane"`);
    const answer = await ask(`${page}/fail-lane`, { lane: 'b', reason: '<b>why</b>', form_token: 'x' });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, `${page}/lanes/b`]);
    expect(lane('b').state).toBe('failed');
    const after = await (await ask(`${page}/lanes/b`)).text();
    expect(after).toContain('marked failed by root: &lt;b&gt;why&lt;/b&gt;');
    expect(after).not.toContain('id="recovery"');
  });

  test('offer to recover a run that was wronged, and lead to the run that goes on', async () => {
    const { as, forge, claim } = await serve();
    const ask = as('root', 'admin');
    expect(await (await ask(page)).text()).not.toContain(`formaction="${page}/recover-run"`);
    finishAttempt(forge, claim, { state: 'failed', failureKind: 'infrastructure', message: 'no disk' });
    expect(await (await ask(page)).text()).toContain(`formaction="${page}/recover-run"`);
    const answer = await ask(`${page}/recover-run`, { reason: '' });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, page]);
    expect(await (await ask(page)).text()).not.toContain(`formaction="${page}/recover-run"`);
    // A run that says something else than its lanes.
    forge.db.run(`UPDATE runs SET state = 'success'`);
    expect(await (await ask(page)).text()).toContain(`formaction="${page}/recover-run"`);
  });

  test('say on every lane that waits that CI is paused, by whom and why', async () => {
    const { as } = await serve();
    const ask = as('root', 'admin');
    expect((await ask('/api/v1/ci/pause-ci', { reason: 'a <new> disk' })).status).toBe(200);
    for (const path of [page, `${page}/lanes/b`]) {
      const shown = await (await ask(path)).text();
      expect(shown).toContain('<strong>CI is paused</strong> by root');
      expect(shown).toContain('a &lt;new&gt; disk');
    }
    expect(await (await ask(`${page}/lanes/a`)).text()).not.toContain('CI is paused');
  });

  test('offer nothing to who only reads', async () => {
    const { as, forge, repo } = await serve();
    const ask = as('eve');
    forge.db.run(
      `INSERT INTO repo_members (repo_id, account_id, role)
       SELECT :repo, id, 'read' FROM accounts WHERE name = 'eve'`,
      { repo: repo.id },
    );
    const shown = await ask(`${page}/lanes/a`);
    expect(shown.status).toBe(200);
    expect(await shown.text()).not.toContain('id="recovery"');
    expect((await ask(`${page}/fail-lane`, { lane: 'a' })).status).toBe(403);
  });
});
