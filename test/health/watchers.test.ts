// What programs that watch over a forge are told, and what of its requests it writes down: one forge for all of it.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createAccount } from '../../src/accounts/create-account.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { readConfig } from '../../src/forge/config.ts';
import { serve, type Served } from '../../src/operator/serve.ts';
import '../support/check-answers.ts';

/** A machine that runs all tests at once is slow. */
const patience = { timeout: 50_000, interval: 20 };
const elsewhere = { 'x-forwarded-for': '203.0.113.7' };
let folder: string;
let served: Served;
let admin: string;
let member: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pika-watchers-'));
  writeFileSync(join(folder, 'metrics-token'), 'prom-1\n');
  const settings = {
    http: { port: 0 },
    ssh: { port: 0 },
    logLevel: 'info',
    // This machine is the proxy: it may say for whom it asks, and give requests their ids.
    trustedProxies: ['127.0.0.1'],
    health: {
      logFile: join(folder, 'forge.log'),
      metricsTokenFile: join(folder, 'metrics-token'),
      checkTimeoutSeconds: 60,
      checkSeconds: 1,
    },
  };
  const environment = { PATH: process.env['PATH'] };
  served = await serve(readConfig(join(folder, 'data'), settings, environment), { welcome: false });
  const token = (name: string, role: 'admin' | 'member'): string => {
    const { id } = createAccount(served.forge, { name, kind: 'person', role });
    return createToken(served.forge, { accountId: id, scope: 'admin' });
  };
  [admin, member] = [token('root', 'admin'), token('ada', 'member')];
});

afterAll(async () => {
  await served.stop();
  rmSync(folder, { recursive: true, force: true });
});

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
  fetch(served.http + path, { method, headers, redirect: 'manual' });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

type Line = Record<string, unknown>;
const readLog = (): Line[] =>
  readFileSync(join(folder, 'forge.log'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
/** An answer is on its way a moment before its line. */
const lineOf = (accept: (line: Line) => boolean): Promise<Line> =>
  vi.waitFor(() => {
    const line = readLog().find(accept);
    expect(line).toBeDefined();
    return line ?? {};
  }, patience);

const figure = async (name: string): Promise<string | undefined> =>
  (await (await ask('/metrics')).text()).split('\n').find((line) => line.startsWith(`${name} `));

describe('/readyz', () => {
  test('says that all is well, and to whom it may what is not', async () => {
    const fine = await vi.waitFor(async () => {
      const response = await ask('/readyz');
      expect(response.status).toBe(200);
      return response;
    }, patience);
    expect(fine.headers.get('cache-control')).toBe('no-store');
    expect(await fine.json()).toEqual({ ok: true, failing: [], failingLoops: [], reasons: {} });
  });

  test('answers 503 with what fails, and tells strangers no more than its name', async () => {
    const { limits } = served.forge.config;
    const before = limits.minFreeMebibytes;
    limits.minFreeMebibytes = 1e12;
    try {
      const answer = await vi.waitFor(async () => {
        const response = await ask('/readyz');
        expect(response.status).toBe(503);
        return response;
      }, patience);
      expect(await answer.json()).toMatchObject({
        ok: false,
        failing: ['disk'],
        reasons: { disk: expect.stringContaining('full') },
      });
      const toStranger = await ask('/readyz', elsewhere);
      expect(await toStranger.json()).toEqual({ ok: false, failing: ['disk'], failingLoops: [] });
    } finally {
      limits.minFreeMebibytes = before;
    }
  });

  test('and /healthz, which only says that the program runs, answers all the same', async () => {
    expect(await (await ask('/healthz', elsewhere)).json()).toEqual({ ok: true });
  });
});

describe('/metrics', () => {
  test('is read from this machine, with the token of the configuration, and by admins', async () => {
    const statuses = async (...headers: Record<string, string>[]): Promise<number[]> =>
      Promise.all(headers.map(async (given) => (await ask('/metrics', given)).status));
    const far = (token: string) => ({ ...elsewhere, ...bearer(token) });
    expect(await statuses({}, far('prom-1'), far(admin))).toEqual([200, 200, 200]);
    expect(await statuses(elsewhere, far('prom-2'), far('prom-1x'), far(member))).toEqual([
      401, 401, 401, 403,
    ]);
    writeFileSync(join(folder, 'metrics-token'), 'prom-2\n');
    expect(await statuses(far('prom-1'), far('prom-2'))).toEqual([401, 200]);
    writeFileSync(join(folder, 'metrics-token'), '\n');
    expect(await statuses(far(''), far('prom-2'))).toEqual([401, 401]);
    const refused = await ask('/metrics', elsewhere);
    expect(refused.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(await refused.text()).toMatch(/^Sign in first/);
  });

  test('is what Prometheus reads, and names routes as they are mounted, never addresses', async () => {
    const addresses = [
      '/secretly/here/tree/main/src',
      '/secretly/here',
      '/api/v1/repos/secretly/here/branches/77',
      '/secretly/here/info/lfs/locks',
      '/login/login_secretly',
      '/secretly/there/is/nothing/at/all',
    ];
    for (const address of addresses) await (await ask(address)).text();
    const response = await ask('/metrics');
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    const odd = text
      .split('\n')
      .filter((line) => line !== '' && !/^# (?:HELP|TYPE) [a-z_]+ /.test(line))
      .filter((line) => !/^[a-z_]+(?:\{(?:[a-z]+="[^"]*",?)+\})? (?:[-+\d.e]+|NaN)$/.test(line));
    expect(odd).toEqual([]);
    expect(text).not.toContain('secretly');
    const routes = [...text.matchAll(/^pika_http_requests_total\{.*route="([^"]*)"/gm)].map(
      ([, name]) => name,
    );
    expect(routes).toEqual(
      expect.arrayContaining([
        '/:owner/:repo/tree',
        '/:owner/:repo',
        '/api/v1/repos/:owner/:repo/branches/:number',
        '/:owner/:repo/info/lfs/locks',
        '/login/:secret',
        'none',
      ]),
    );
  });

  test('counts what happens, and looks up what there is', async () => {
    const { events } = served.forge;
    events.emit('run-finished', { repoId: 1, branchId: undefined, runId: 1, state: 'failed' });
    expect(await figure('pika_runs_ended_total{state="failed"}')).toBe(
      'pika_runs_ended_total{state="failed"} 1',
    );
    expect(await figure('pika_repositories')).toBe('pika_repositories 0');
    expect(await figure('pika_loop_state{loop="mail",state="disabled"}')).toMatch(/ 1$/);
    expect(Number((await figure('pika_database_bytes'))?.split(' ')[1])).toBeGreaterThan(4096);
  });
});

describe('a request', () => {
  test('has the id that a trusted proxy gave it, or one of its own', async () => {
    const idOf = async (given?: string): Promise<string | null> =>
      (await ask('/healthz', given === undefined ? {} : { 'x-request-id': given })).headers.get(
        'x-request-id',
      );
    expect(await idOf('proxy-7.a')).toBe('proxy-7.a');
    expect(await idOf()).toMatch(/^[0-9a-f]{16}$/);
    for (const bad of ['a b', '{"a":1}', 'x'.repeat(65)]) expect(await idOf(bad)).toMatch(/^[0-9a-f]{16}$/);
  });

  test('that fails on our side is found in the log by the id that its answer shows', async () => {
    const { db } = served.forge;
    db.exec('ALTER TABLE audit RENAME TO audit_gone');
    try {
      const json = await ask('/api/v1/audit', { ...bearer(admin), 'x-request-id': 'broken-1' });
      expect(await json.json()).toMatchObject({ error: { code: 'internal', requestId: 'broken-1' } });
      const page = await ask('/admin/audit', {
        ...bearer(admin),
        accept: 'text/html',
        'x-request-id': 'broken-2',
      });
      expect(await page.text()).toContain('<code>broken-2</code>');
    } finally {
      db.exec('ALTER TABLE audit_gone RENAME TO audit');
    }
    const failed = (id: string) => lineOf((line) => line['requestId'] === id && line['err'] !== undefined);
    expect(await failed('broken-1')).toMatchObject({ msg: 'a request failed', route: '/api/v1/audit' });
    expect(await failed('broken-2')).toMatchObject({ route: '/admin/audit' });
  });

  test('is logged without its address, which may hold the secret of a link', async () => {
    await ask('/login/login_hush-hush', { 'x-request-id': 'quiet-1' });
    const line = await lineOf((one) => one['requestId'] === 'quiet-1');
    expect(line).toMatchObject({ method: 'GET', route: '/login/:secret', status: 400 });
    expect(readFileSync(join(folder, 'forge.log'), 'utf8')).not.toContain('hush');
  });

  test('that takes long is logged as slow, unless it waits on purpose', async () => {
    const { health } = served.forge.config;
    const before = health.slowRequestMs;
    // Nothing is faster.
    health.slowRequestMs = 0;
    try {
      await (await ask('/help', { 'x-request-id': 'slow-1' })).text();
      await (await ask('/ada/app/info/refs', { 'x-request-id': 'patient-1' })).text();
      const slow = await lineOf(({ requestId }) => requestId === 'slow-1');
      expect(slow).toMatchObject({ msg: 'a request was slow', level: 40, route: '/help' });
      const patient = await lineOf(({ requestId }) => requestId === 'patient-1');
      expect(patient).toMatchObject({ msg: 'a request was answered', level: 30 });
    } finally {
      health.slowRequestMs = before;
    }
  });
});

test('admins read over the API how the forge does', async () => {
  const response = await ask('/api/v1/health', bearer(admin));
  expect(response.status).toBe(200);
  const health = (await response.json()) as { loops: { name: string }[]; checks: { name: string }[] };
  expect(health.loops.map(({ name }) => name)).toEqual(expect.arrayContaining(['branches', 'ci', 'mail']));
  expect(health.checks.map(({ name }) => name)).toEqual(['database', 'disk', 'git', 'hooks', 'ssh', 'loops']);
});

test('no thread is kept ready for lanes until somebody begins to push', async () => {
  const lanes = (): number =>
    readdirSync('/proc/self/task').filter((task) => {
      try {
        return readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim() === 'lane';
      } catch {
        return false;
      }
    }).length;
  expect(lanes()).toBe(0);
  served.forge.events.emit('push-begun', { repoId: 1 });
  await vi.waitFor(() => expect(lanes()).toBe(2), patience);
});
