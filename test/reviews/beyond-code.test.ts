// Comments on what is no code: a step of the tutorial, and lines of a lane's log, over the API, by `ph` and by the forms
// of the pages.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { threadView, tutorialView } from '../../src/reviews/model.ts';
import type { GitClient } from '../support/git-client.ts';
import { makePh, type Ph } from '../support/ph.ts';
import { manifestOf, pushBranch, pushProject } from '../support/sample-project.ts';
import { disposeServed, startForge, type ServedForge } from '../support/serve.ts';

let served: ServedForge;
let ada: GitClient;
let ph: Ph;
let token: string;
const route = '/api/v1/repos/ada/app/branches/1';

const ask = (path: string, body?: unknown): Promise<Response> =>
  fetch(`${served.http}${path}`, {
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
const page = async (path: string): Promise<string> => (await ask(path)).text();

beforeAll(async () => {
  served = await startForge();
  ada = await served.person('ada', 'admin');
  ph = await makePh(served, ada);
  token = await served.token('ada');
  const lanes = [{ id: 'unit', command: 'for n in $(seq 30); do echo "line $n <b>"; done' }];
  await pushProject(served, {
    client: ada,
    repo: 'ada/app',
    files: { '.pika/lanes.toml': manifestOf(lanes) },
  });
  const files = { 'src/cart.ts': 'export const total = 1;\n', 'docs/cart.md': '# Cart\n' };
  await pushBranch(ada, { name: 'topic', message: 'Add a cart', files });
  expect(await ph('wait', 'topic')).toMatchObject({ status: 0 });
  await vi.waitFor(
    async () => expect(await (await ask(`${route}/tutorial`)).json()).toMatchObject({ state: 'ready' }),
    { timeout: 60_000 },
  );
}, 120_000);
afterAll(() => disposeServed(served), 60_000);

test('a step of the tutorial is commented on, and stays in the discussion when there is no such step any more', async () => {
  const { steps } = tutorialView.parse(await (await ask(`${route}/tutorial`)).json());
  const title = steps[0]?.title ?? '';
  expect(await ph('comment', 'topic', '--step', '1', '--message', 'Why **first**?')).toMatchObject({
    status: 0,
  });
  const begun = threadView.parse(await (await ask(`${route}/threads`, { step: 1, body: 'And this' })).json());
  expect(begun).toMatchObject({
    kind: 'step',
    step: title,
    state: 'open',
    now: { state: 'here' },
    path: null,
  });
  const tutorial = await page('/ada/app/branches/1?tab=tutorial&steps=all');
  expect(tutorial).toContain(`id="thread-${begun.id}"`);
  expect(tutorial).toContain('Why <strong>first</strong>?');
  expect((await ph('comment', 'topic')).stdout).toContain(`step "${title}"`);
  await ada.git('switch', '--quiet', 'topic');
  await ada.git('reset', '--quiet', '--hard', 'HEAD~1');
  await ada.commit('Say something else', { 'other.txt': 'x\n' });
  await ada.git('push', '--quiet', '--force', 'origin', 'topic');
  await expect
    .poll(async () => threadView.parse(await (await ask(`${route}/threads/${begun.id}`)).json()).now.state)
    .toBe('outdated');
  expect(await page('/ada/app/branches/1?tab=discussion')).toContain(`id="thread-${begun.id}"`);
  const unlike = await ask(`${route}/threads`, { step: 99, body: 'x' });
  expect([unlike.status, await unlike.text()]).toEqual([400, expect.stringContaining('name one of them')]);
});

test('lines of a log are commented on with the lines kept, and the comment leads back to them', async () => {
  const request = { lane: 'unit', run: 1, firstLine: 10, line: 11, body: 'This is new' };
  const begun = threadView.parse(await (await ask(`${route}/threads`, request)).json());
  expect(begun).toMatchObject({
    kind: 'log',
    log: { run: 1, lane: 'unit', attempt: 1 },
    now: { state: 'here' },
  });
  expect(begun.context.map(({ number, text }) => `${number} ${text}`)).toEqual(
    // The first line of a log says what runs.
    Array.from({ length: 8 }, (_, at) => `${at + 7} line ${at + 6} <b>`),
  );
  const said = await ph(
    'comment',
    'topic',
    '--lane',
    'unit',
    '--log-lines',
    '12',
    '--message',
    'By ph',
    '--json',
  );
  // The newest revision may have a run of its own by now.
  expect(JSON.parse(said.stdout) as object).toMatchObject({ kind: 'log', firstLine: 12, line: 12 });
  const discussion = await page('/ada/app/branches/1?tab=discussion');
  expect(discussion).toContain('href="/ada/app/runs/1/lanes/unit?attempt=1&amp;line=11#L10-L11"');
  expect(discussion).toContain('line 10 &lt;b&gt;');
  expect((await ph('comment', 'topic')).stdout).toContain('log of unit:10-11 (run 1, attempt 1)');
});

test('the form of the lane page begins a thread, and who cannot sign in does not see it', async () => {
  const path = '/ada/app/runs/1/lanes/unit?attempt=1';
  expect(await page(path)).toContain('action="/ada/app/branches/1/threads"');
  const form = {
    back: 'discussion',
    lane: 'unit',
    run: '1',
    attempt: '1',
    line: '3',
    firstLine: '',
    how: 'now',
    body: 'By form',
  };
  const sent = await fetch(`${served.http}/ada/app/branches/1/threads`, {
    method: 'POST',
    redirect: 'manual',
    headers: { authorization: `Bearer ${token}` },
    body: new URLSearchParams(form),
  });
  expect(sent.status).toBe(303);
  const [, id] = /#thread-(\d+)$/.exec(sent.headers.get('location') ?? '') ?? [];
  const thread = threadView.parse(await (await ask(`${route}/threads/${id}`)).json());
  expect(thread).toMatchObject({ kind: 'log', firstLine: 3, line: 3, comments: [{ body: 'By form' }] });
  const reader = await served.token('ada', 'read');
  const read = await fetch(`${served.http}${path}`, { headers: { authorization: `Bearer ${reader}` } });
  expect(await read.text()).not.toContain('data-log-comment');
});

test('a step, a lane or lines that are not there are refused with what there is, and nothing is kept', async () => {
  const before = (await (await ask(`${route}/threads`)).json()) as { threads: unknown[] };
  for (const [about, sentence] of [
    [{ step: 99 }, /name one of them|has no tutorial yet/],
    [{ step: 1, lane: 'unit' }, /about one thing/],
    [{ lane: 'nope', run: 1 }, /no lane .*nope/],
    [{ lane: 'unit', run: 77 }, /no run 77/],
    [{ lane: 'unit', run: 1, attempt: 9 }, /1 attempts/],
    [{ lane: 'unit', run: 1, line: 4000 }, /the log has \d+ lines/],
    [{ lane: 'unit', run: 1, line: 3, firstLine: 9 }, /ends behind its first line/],
    [{ line: 3 }, /name the file/],
  ] as const) {
    const answer = await ask(`${route}/threads`, { ...about, body: 'x' });
    expect([answer.status, await answer.text()], JSON.stringify(about)).toEqual([
      expect.toSatisfy((status: number) => status === 400 || status === 404),
      expect.stringMatching(sentence),
    ]);
  }
  for (const args of [
    ['--step', 'x', '--message', 'y'],
    ['--log-lines', '3', '--message', 'y'],
    ['--lane', 'unit', '--log-lines', 'all', '--message', 'y'],
    ['--lane', 'unit', '--step', '1', '--message', 'y'],
    ['--step', '1'],
  ]) {
    expect((await ph('comment', 'topic', ...args)).status, args.join(' ')).toBe(2);
  }
  const after = (await (await ask(`${route}/threads`)).json()) as { threads: unknown[] };
  expect(after.threads).toHaveLength(before.threads.length);
});
