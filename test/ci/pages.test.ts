import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { ciApi } from '../../src/ci/api.ts';
import { openCi } from '../../src/ci/open.ts';
import { ciPages } from '../../src/ci/pages.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { laneReaching, manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';

const open = useForge({ settings: { ci: { graceSeconds: 1, pollSeconds: 3600 } } });

async function serveOne() {
  const testForge = await open();
  const { forge } = testForge;
  const { account } = testForge.account('ada', 'admin');
  const files = manifest(
    `id = "red"\ncommand = "printf '\\\\033[31m<b>bad</b>\\\\033[0m\\\\n'; exit 1"`,
    'id = "left"\ncommand = "true"\npaths = ["docs/**"]',
    'id = "waits"\ncommand = "true"\nneeds = ["red"]',
  );
  // The manifest stands on the target already: a branch that touches it runs every lane.
  const repo = await testForge.repo('demo/app', { files });
  const branch = await pushBranch(forge, repo, { name: 'work', files: { 'README.md': 'y' } });
  const ci = await openCi(forge);
  testForge.defer(() => ci.stop());
  const app = createApp({ trustedProxies: [], maxRequestBytes: 100_000 });
  app.use(
    identify(forge, () => ci.isSandboxed()),
    bodyParsers({ maxRequestBytes: 100_000 }),
    refuseForgery,
  );
  app.use(ciApi(forge, ci), ciPages(forge, ci), notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  testForge.defer(() => void server.closeAllConnections());
  testForge.defer(() => void server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const token = createToken(forge, { accountId: account.id, scope: 'write' });
  const ask = (path: string, options: RequestInit = {}) =>
    fetch(`${origin}${path}`, {
      redirect: 'manual',
      ...options,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'text/html' },
    });
  await ci.scheduler.pass();
  await laneReaching(forge, { run: runOfBranch(forge, branch), key: 'red' });
  return { forge, ci, ask, origin, branch };
}

describe('the pages of a run', () => {
  test('show lanes with state and reason, and the log with its colours, harmless', async () => {
    const { ask } = await serveOne();
    const run = await (await ask('/demo/app/runs/1')).text();
    expect(run).toContain('data-live="run:1" data-fragment="/demo/app/runs/1/fragment"');
    expect(run).toContain('dependency_failed');
    expect(run).toContain('path_filter');
    expect(run).toContain('Rerun failed');
    const lane = await (await ask('/demo/app/runs/1/lanes/red')).text();
    expect(lane).toContain('<span class="ansi-red">&lt;b&gt;bad&lt;/b&gt;</span>');
    expect(lane).toContain('id="L1"');
    expect(lane).not.toContain('<b>bad');
    expect((await ask('/demo/app/runs/1/fragment')).status).toBe(200);
  });

  test('serve the log in parts and raw', async () => {
    const { ask } = await serveOne();
    const part = await ask('/demo/app/runs/1/lanes/red/log?attempt=1&from=2');
    expect(part.headers.get('x-log-ended')).toBe('true');
    expect(await part.text()).toMatch(/^\s*<div class="log-line" id="L2">/);
    const rest = await ask(`/demo/app/runs/1/lanes/red/log?attempt=1&from=${part.headers.get('x-log-next')}`);
    expect((await rest.text()).trim()).toBe('');
    const raw = await ask('/demo/app/runs/1/lanes/red/raw');
    expect(raw.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(raw.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await raw.text()).toContain('\u001B[31m<b>bad</b>\u001B[0m\n');
  });

  test.each([
    ['/demo/app/runs/2', 404],
    ['/demo/app/runs/x', 404],
    ['/demo/app/runs/1/lanes/nope', 404],
    ['/demo/app/runs/1/lanes/red?attempt=9', 404],
    ['/demo/app/runs/1/lanes/red?attempt=x', 400],
    ['/demo/app/runs/1/lanes/red/log?from=x', 400],
    ['/demo/other/runs/1', 404],
  ])('answer %s with %i', async (path, status) => {
    const { ask } = await serveOne();
    expect((await ask(path)).status).toBe(status);
  });

  test('are not for strangers', async () => {
    const { origin } = await serveOne();
    for (const path of [
      '/demo/app/runs/1',
      '/demo/app/runs/1/lanes/red/raw',
      '/api/v1/repos/demo/app/runs/1',
    ]) {
      expect([401, 404]).toContain((await fetch(`${origin}${path}`)).status);
    }
  });
});

describe('the API of a run', () => {
  test('reruns a lane and shows the new attempt', async () => {
    const { forge, ask, branch, ci } = await serveOne();
    const api = '/api/v1/repos/demo/app/runs/1';
    const answer = await ask(`${api}/rerun`, { method: 'POST', body: JSON.stringify({ lane: 'red' }) });
    expect(await answer.json()).toMatchObject({
      queued: ['red', 'waits'],
      run: { lanes: [{ id: 'red', attempt: 2, state: 'queued' }, {}, {}] },
    });
    await ci.scheduler.pass();
    await laneReaching(forge, { run: runOfBranch(forge, branch), key: 'red' });
    const log = await ask(`${api}/lanes/red/log?attempt=2`);
    expect(log.headers.get('x-log-ended')).toBe('true');
    expect(await log.text()).toContain('attempt 2');
    expect((await ask(`${api}/cancel`, { method: 'POST', body: '{}' })).status).toBe(409);
    expect((await ask(`${api}/rerun`, { method: 'POST', body: '{"speed":1}' })).status).toBe(400);
  });
});
