import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import { ciApi } from '../../src/ci/api.ts';
import { ciPages } from '../../src/ci/pages.ts';
import { runTestsView } from '../../src/ci/tests/model.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { told, ToldLanes } from '../support/told-tests.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const open = useForge();
const failed = {
  state: 'failed',
  message: 'expected <4> to be 3',
  output: 'Error: expected <4> to be 3\n    at test/a.test.ts:2:7\n    at test/a.test.ts:20:7',
  file: 'test/a.test.ts',
  line: 2,
} as const;

async function serve() {
  let testForge: TestForge | undefined;
  const lanes = await ToldLanes.open(async (options) => (testForge = await open(options)));
  const { forge, ci } = lanes;
  const app = createApp({ trustedProxies: [], maxRequestBytes: 100_000 });
  app.use(
    identify(forge, () => true),
    bodyParsers({ maxRequestBytes: 100_000 }),
    refuseForgery,
  );
  app.use(ciApi(forge, ci), ciPages(forge, ci), notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  testForge?.defer(() => void server.closeAllConnections());
  testForge?.defer(() => void server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const token = createToken(forge, { accountId: lanes.caller.account?.id ?? 0, scope: 'read' });
  const ask = (path: string, headers: Record<string, string> = { authorization: `Bearer ${token}` }) =>
    fetch(origin + path, { headers: { accept: 'text/html', ...headers }, redirect: 'manual' });
  const page = async (path: string) => {
    const answer = await ask(path);
    expect(answer.status, path).toBe(200);
    return answer.text();
  };
  const json = async (path: string): Promise<unknown> => (await ask(`/api/v1/repos/demo/app${path}`)).json();
  return { lanes, ask, page, json };
}

describe('the page of a lane and of its run', () => {
  test('show what failed, its output with a link to its line, and how it did before', async () => {
    const { lanes, page } = await serve();
    await lanes.push('other', told({ name: 'a <b> cart' }));
    const run = await lanes.push('work', told({ name: 'a <b> cart', ...failed }, { name: 'adds' }));
    const href = `/demo/app/blob/${run.headOid}/test/a.test.ts#L2`;
    for (const path of [`/demo/app/runs/${run.number}`, `/demo/app/runs/${run.number}/lanes/unit`]) {
      const html = await page(path);
      expect(html).toContain('1 failing test');
      expect(html).toContain('<h3>a &lt;b&gt; cart</h3>');
      expect(html).toContain(`<a class="mono test-place" href="${href}">test/a.test.ts:2</a>`);
      expect(html).toContain(`<a class="link" href="${href}">test/a.test.ts:2</a>:7`);
      // Line 20 is another one.
      expect(html).toContain('at test/a.test.ts:20:7');
      expect(html).toContain('first result here, never in 1 elsewhere');
      expect(html).not.toContain('expected <4>');
    }
    const fragment = await page(`/demo/app/runs/${run.number}/lanes/unit/failures`);
    expect(fragment).toContain('<h3>a &lt;b&gt; cart</h3>');
  });

  test('say so when all passed, a report could not be read, or the lane succeeded all the same', async () => {
    const { lanes, page } = await serve();
    const green = await lanes.push('green', told({}, { name: 'more', state: 'skipped' }));
    expect(await page(`/demo/app/runs/${green.number}/lanes/unit`)).toMatch(/1 test passed.*1 skipped/);
    expect(await page(`/demo/app/runs/${green.number}`)).not.toContain('tests-h-1');
    const broken = await lanes.push('broken', {
      reports: [{ path: 'junit.xml', tests: 0, problem: 'it is <empty>' }],
      tests: [],
    });
    expect(await page(`/demo/app/runs/${broken.number}`)).toMatch(
      /junit\.xml<\/code>: it is &lt;empty&gt;\./,
    );
    const brave = await lanes.push('brave', told(failed));
    lanes.forge.db.run(`UPDATE lane_attempts SET state = 'success' WHERE id = :id`, {
      id: lanes.newest.ref.attemptId,
    });
    expect(await page(`/demo/app/runs/${brave.number}/lanes/unit`)).toContain(
      'The lane succeeded all the same',
    );
  });

  test('name a test flaky that passes now and failed with the same files', async () => {
    const { lanes, page } = await serve();
    const run = await lanes.push('work', told(failed));
    await lanes.rerun(run, told({}));
    const path = `/demo/app/runs/${run.number}/lanes/unit`;
    expect(await page(path)).toContain('known to be flaky');
    expect(await page(`${path}?attempt=1`)).toMatch(/<h3>adds<\/h3><span class="badge warning">/);
  });
});

describe('the pages of tests', () => {
  test('list all of an attempt, page after page', async () => {
    const { lanes, page } = await serve();
    const many = Array.from({ length: 60 }, (_, at) => ({ name: `test ${at}`, durationMs: at }));
    const run = await lanes.push('work', told(...many, { name: 'broken', ...failed }));
    const path = `/demo/app/runs/${run.number}/lanes/unit/tests`;
    const first = await page(path);
    expect(first).toContain('60 passed, 1 failed, 0 skipped');
    expect(first.indexOf('>broken<')).toBeLessThan(first.indexOf('>test 59<'));
    expect(first).not.toContain('>test 0<');
    expect(await page(`${path}?page=2`)).toContain('>test 0<');
  });

  test('list those of the repository: all, failing, flaky, slow, or with a text in their names', async () => {
    const { lanes, page } = await serve();
    const run = await lanes.push(
      'work',
      told(
        { name: 'wobbles', ...failed },
        { name: 'broken', ...failed },
        { name: 'slow', durationMs: 99_000 },
      ),
    );
    await lanes.rerun(
      run,
      told({ name: 'wobbles' }, { name: 'broken', ...failed }, { name: 'slow', durationMs: 99_000 }),
    );
    const names = async (query: string) =>
      [...(await page(`/demo/app/tests?${query}`)).matchAll(/class="title-link" href="[^"]*">([^<]*)</g)].map(
        ([, name]) => name,
      );
    expect(await names('')).toEqual(['broken', 'slow', 'wobbles']);
    expect(await names('show=failing')).toEqual(['broken']);
    expect(await names('show=flaky')).toEqual(['wobbles']);
    expect((await names('show=slow'))[0]).toBe('slow');
    expect(await names('q=OBB')).toEqual(['wobbles']);
    expect(await names('lane=nope')).toEqual([]);
    expect(await names('show=all&q=&lane=')).toHaveLength(3);
  });

  test('tell the history of one test, and which results contradict each other', async () => {
    const { lanes, page } = await serve();
    const run = await lanes.push('work', told(failed));
    await lanes.rerun(run, told({}));
    await lanes.push('other', told({ ...failed, suite: 'else' }), { x: 'x' });
    const html = await page('/demo/app/tests?lane=unit&suite=unit&name=adds');
    expect(html).toContain('<strong>Flaky.</strong>');
    expect(html.match(/same files, both results/g)).toHaveLength(2);
    expect(html).toContain(`/demo/app/runs/${run.number}/lanes/unit?attempt=2`);
    expect(html).toContain('expected &lt;4&gt; to be 3');
    expect(await page('/demo/app/tests?name=adds')).toContain('2 tests of this name');
  });

  test.each([
    ['/demo/app/tests?name=nope', 404],
    ['/demo/app/tests?show=best', 400],
    ['/demo/app/tests?page=0', 400],
    ['/demo/none/tests', 404],
    ['/demo/app/runs/9/lanes/unit/tests', 404],
    ['/demo/app/runs/1/lanes/nope/tests', 404],
    ['/api/v1/repos/demo/app/tests?name=nope', 404],
    ['/api/v1/repos/demo/app/runs/9/tests', 404],
  ])('answer %s with %i', async (path, status) => {
    const { lanes, ask } = await serve();
    await lanes.push('work', told({}));
    expect((await ask(path)).status).toBe(status);
  });

  test('and their JSON are not for strangers', async () => {
    const { lanes, ask } = await serve();
    await lanes.push('work', told({}));
    const api = '/api/v1/repos/demo/app';
    for (const path of [
      '/demo/app/tests',
      '/demo/app/runs/1/lanes/unit/tests',
      `${api}/tests`,
      `${api}/runs/1/tests`,
      `${api}/runs/1/lanes/unit/tests`,
    ]) {
      expect([401, 404], path).toContain((await ask(path, {})).status);
    }
  });
});

describe('the API of tests', () => {
  test('answers what failed in a run, all of an attempt, and the history of a test', async () => {
    const { lanes, json } = await serve();
    const run = await lanes.push('work', told({ ...failed, durationMs: 7 }, { name: 'more' }));
    await lanes.rerun(run, told({ ...failed }, { name: 'more' }));
    expect(runTestsView.parse(await json(`/runs/${run.number}/tests`))).toMatchObject({
      run: run.number,
      lanes: [
        {
          lane: 'unit',
          attempt: 2,
          passed: 1,
          failed: 1,
          reports: [{ path: 'junit.xml', problem: null }],
          failures: [{ name: 'adds', file: 'test/a.test.ts', line: 2, flakyAt: null }],
        },
      ],
    });
    expect(await json(`/runs/${run.number}/lanes/unit/tests?attempt=1`)).toMatchObject({
      attempt: 1,
      tests: [
        { name: 'adds', state: 'failed', durationMs: 7 },
        { name: 'more', message: null },
      ],
      nextPage: null,
    });
    expect(await json('/tests?show=failing')).toMatchObject({ tests: [{ name: 'adds', lane: 'unit' }] });
    expect(await json('/tests?name=adds')).toMatchObject({
      lane: 'unit',
      suite: 'unit',
      results: [
        { attempt: 2, state: 'failed', contradicted: false },
        { attempt: 1, branch: 'work' },
      ],
      next: null,
    });
  });

  test('go back through the history of a test page by page, each result once', async () => {
    const { lanes, json, page } = await serve();
    lanes.forge.config.limits.maxRowsPerPage = 2;
    const run = await lanes.push('work', told({ durationMs: 7 }));
    for (let time = 1; time <= 3; time += 1) await lanes.rerun(run, told({}));
    const history = async (query: string) => {
      const { results, next } = (await json(`/tests?name=adds${query}`)) as {
        results: { attempt: number }[];
        next: number | null;
      };
      return { attempts: results.map(({ attempt }) => attempt), next };
    };
    const first = await history('');
    expect(first).toEqual({ attempts: [4, 3], next: expect.any(Number) });
    // A page that is just full is the last one.
    expect(await history(`&before=${first.next}`)).toEqual({ attempts: [2, 1], next: null });
    const href = /href="([^"]*before=[^"]*)"/.exec(await page('/demo/app/tests?name=adds'))?.[1] ?? '';
    expect(href).toContain(`before=${first.next}`);
  });
});
