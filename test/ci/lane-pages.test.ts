// The pages of runs and lanes over HTTP, on rows and log files as lanes leave them; nothing runs here.
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import { logFolder } from '../../src/ci/lanes/launch.ts';
import { LogFile } from '../../src/ci/logs/log-file.ts';
import { logApi } from '../../src/ci/logs/route-log.ts';
import { ciPages } from '../../src/ci/pages.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';
import { createMissingRuns } from '../../src/ci/scheduler/create-run.ts';

const open = useForge();
const lanePath = '/demo/app/runs/1/lanes/unit';
const minute = 60_000;

/** A branch whose lane `unit` failed, with this log, and was rerun by ada: attempt 2 waits. */
async function serveRerun(text: string) {
  const testForge = await open();
  const { forge } = testForge;
  const { account } = testForge.account('ada', 'admin');
  const repo = await testForge.repo('demo/app', { files: manifest('id = "unit"\ncommand = "true"') });
  const branch = await pushBranch(forge, repo, { name: 'work', files: { 'README.md': 'y' } });
  await createMissingRuns(forge);
  const run = runOfBranch(forge, branch);
  const { id, lane_id: laneId } = forge.db.get<{ id: number; lane_id: number }>(
    'SELECT id, lane_id FROM lane_attempts',
  ) ?? { id: 0, lane_id: 0 };
  const now = forge.clock.now();
  forge.db.run(
    `UPDATE lane_attempts SET state = 'failed', token = 1, started_at = :start, finished_at = :end, reason = NULL,
            failure_kind = 'test_failure', exit_code = 1, message = 'exit 1', sandbox = 'none' WHERE id = :id`,
    { id, start: now - minute, end: now },
  );
  forge.db.run(
    `INSERT INTO lane_attempts (lane_id, number, state, reason, reason_since, queued_at, requested_by, cause)
     VALUES (:laneId, 2, 'queued', 'ready', :now, :now, :by, 'rerun')`,
    { laneId, now, by: account.id },
  );
  const folder = logFolder(forge, { attemptId: id, token: 1 });
  mkdirSync(folder, { recursive: true });
  const log = new LogFile(folder, 1e8);
  log.write(Buffer.from(text));
  log.close();
  const app = createApp({ trustedProxies: [], maxRequestBytes: 100_000 });
  app.use(
    identify(forge, () => true),
    bodyParsers({ maxRequestBytes: 100_000 }),
    refuseForgery,
  );
  app.use(logApi(forge), ciPages(forge, { scheduler: { wake: () => undefined } } as never));
  app.use(notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  testForge.defer(() => void server.closeAllConnections());
  testForge.defer(() => void server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const token = createToken(forge, { accountId: account.id, scope: 'read' });
  const headers = { authorization: `Bearer ${token}`, accept: 'text/html' };
  const ask = (path: string, more: Record<string, string> = {}) =>
    fetch(origin + path, { redirect: 'manual', headers: { ...headers, ...more } });
  const read = async (path: string) => (await ask(path)).text();
  return { forge, ask, read, origin, run };
}

const listing = (count: number) => Array.from({ length: count }, (_, row) => `row ${row + 1}\n`).join('');

describe('the page of a lane', () => {
  test('shows each attempt on a tab with why there is one, and the newest when none is named', async () => {
    const { read } = await serveRerun('as it was\n');
    const newest = await read(lanePath);
    expect(newest).toMatch(/attempt-2" aria-current="page"/);
    expect(newest).toContain('rerun of attempt 1 by ada');
    expect(newest).not.toContain('as it was');
    const first = await read(`${lanePath}?attempt=1`);
    expect(first).toMatch(/attempt-1" aria-current="page"/);
    expect(first).toContain('as it was');
    expect(first).toContain('This is attempt 1 of 2, as it ended.');
    expect(first).not.toContain('id="cancel-lane"');
  });

  test('tells what a queued attempt waits for', async () => {
    const { read } = await serveRerun('');
    const page = await read(lanePath);
    expect(page).toMatch(/<dt>Waits<\/dt><dd><span class="badge plain queued">ready<\/span>/);
    expect(page).toContain('It has not started yet; what it prints appears here.');
  });

  test('shows the end of a failed log, the part that is asked for, and the way to the rest', async () => {
    const { read } = await serveRerun(listing(2000));
    const end = await read(`${lanePath}?attempt=1`);
    expect(end).toContain('id="L2000"');
    expect(end).toContain('id="L1501"');
    expect(end).not.toContain('id="L1500"');
    expect(end).toContain(`href="${lanePath}?attempt=1&amp;before=1501"`);
    const middle = await read(`${lanePath}?attempt=1&line=700`);
    expect(middle).toContain('id="L688"');
    expect(middle).toContain('id="L700"');
    expect(middle).toContain(`href="${lanePath}?attempt=1&amp;from=1188"`);
  });

  test('escapes what a lane prints, in its log, its folds and what a search finds', async () => {
    const evil = '<img src=x onerror=alert(1)>&"\u202Egnp';
    const { read } = await serveRerun(`::group::${evil}\n${evil}\n::endgroup::\n${evil}\n`);
    for (const path of [`?attempt=1`, `?attempt=1&from=1`, `?attempt=1&q=onerror`, `/log?attempt=1&from=1`]) {
      const page = await read(lanePath + path);
      expect(page, path).toContain('&lt;img src=x onerror=alert(1)&gt;&amp;&quot;⟨U+202E⟩gnp');
      expect(page, path).not.toContain('<img');
    }
    expect(await read(`${lanePath}?attempt=1&q=${encodeURIComponent('"><img>')}`)).not.toContain('<img');
  });
});

describe('the log over HTTP', () => {
  test('comes in parts that say where they lie', async () => {
    const { ask } = await serveRerun(listing(2000));
    const part = await ask(`${lanePath}/log?attempt=1&from=1000`);
    const told = ['first', 'next', 'lines', 'ended'].map((name) => part.headers.get(`x-log-${name}`));
    expect(told).toEqual(['1000', '1500', '2000', 'false']);
    expect(part.headers.get('cache-control')).toBe('no-store');
    const last = await ask(`${lanePath}/log?attempt=1&from=1500`);
    expect(last.headers.get('x-log-next')).toBe('2000');
    const rest = await ask(`${lanePath}/log?attempt=1&from=2000`);
    expect(rest.headers.get('x-log-ended')).toBe('true');
  });

  test('is searched, and leads to the first error', async () => {
    const { ask, read } = await serveRerun(`${listing(900)}error: no\n${listing(900)}`);
    const hits = await read(`${lanePath}/search?attempt=1&q=ROW+77`);
    expect(hits).toContain('22 lines');
    expect(hits).toContain(`href="${lanePath}?attempt=1&amp;line=770#L770"`);
    const error = await ask(`${lanePath}/first-error?attempt=1`);
    expect(error.status).toBe(303);
    expect(error.headers.get('location')).toBe(`${lanePath}?attempt=1&line=901#L901`);
    const json = await ask(`${lanePath}/first-error?attempt=1`, { accept: 'application/json' });
    expect(await json.json()).toEqual({ line: 901 });
    const api = await ask(`/api/v1/repos/demo/app/runs/1/lanes/unit/search?attempt=1&q=error:`);
    expect(await api.json()).toMatchObject({ hits: [{ line: 901, text: 'error: no' }] });
  });

  test('without an error says so', async () => {
    const { ask } = await serveRerun(listing(9));
    const answer = await ask(`${lanePath}/first-error?attempt=1`);
    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain('No line of this log looks like an error; search it for a word.');
    const json = await ask(`${lanePath}/first-error?attempt=1`, { accept: 'application/json' });
    expect(await json.json()).toEqual({ line: null });
  });

  test.each([
    ['?attempt=1&line=0', 400],
    ['?attempt=1&from=x', 400],
    ['?attempt=1&open=some', 400],
    [`?attempt=1&q=${'x'.repeat(201)}`, 400],
    ['/log?attempt=1&before=1e99', 400],
    ['/search?attempt=3&q=x', 404],
    ['/log?attempt=1&from=9999999999', 200],
    ['/log?attempt=1&before=1', 200],
    ['/search?attempt=1', 200],
  ])('answers %s with %i', async (path, status) => {
    const { ask } = await serveRerun(listing(3));
    expect((await ask(lanePath + path)).status).toBe(status);
  });

  test('is for nobody who may not read the repository', async () => {
    const { origin } = await serveRerun('whispered\n');
    const parts = ['', '/head', '/facts', '/failures', '/log', '/raw', '/search?q=w', '/first-error'];
    for (const path of [...parts.map((part) => lanePath + part), `/api/v1/repos${lanePath}/search?q=w`]) {
      const answer = await fetch(origin + path);
      expect([401, 404], path).toContain(answer.status);
      expect(await answer.text(), path).not.toContain('whispered');
    }
  });
});

describe('the page of a run', () => {
  test('that a newer revision follows leads to its run', async () => {
    const { forge, read, run } = await serveRerun('');
    expect(await read('/demo/app/runs/1')).not.toContain('The branch has moved on.');
    forge.db.run(
      `INSERT INTO runs (repo_id, number, kind, branch_id, revision, head_oid, tree_oid, state, created_at)
       SELECT repo_id, 2, kind, branch_id, 2, head_oid, tree_oid, 'queued', created_at FROM runs WHERE id = :id`,
      { id: run.id },
    );
    const page = await read('/demo/app/runs/1');
    expect(page).toContain('The branch has moved on.');
    expect(page).toContain('<a class="button small" href="/demo/app/runs/2">Run 2</a>');
    expect(page).toContain('attempt 2, rerun by ada');
    expect(await read('/demo/app/runs/2')).not.toContain('The branch has moved on.');
  });
});
