// Reading a branch by its tutorial, over real HTTP: one step at a time, what was viewed, and threads beside their lines.
import '../support/check-answers.ts';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import { findOpenBranch } from '../../src/branches/find.ts';
import type { Branch } from '../../src/branches/model.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { frontPages } from '../../src/front/pages.ts';
import { Slots } from '../../src/lib/slot.ts';
import type { Repo } from '../../src/repos/model.ts';
import { reviewsPages } from '../../src/reviews/pages.ts';
import { tutorialsApi } from '../../src/tutorials/api.ts';
import { generateTutorials } from '../../src/tutorials/desk.ts';
import { newestTutorial } from '../../src/tutorials/find.ts';
import { tutorialsPages } from '../../src/tutorials/pages.ts';
import { tutorialSections } from '../../src/tutorials/view.ts';
import { writerCosts } from '../../src/tutorials/costs.ts';
import { outlineWriter } from '../../src/tutorials/writers/outline.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { readDiffChoice } from '../../src/web/diff-choice.ts';
import { closeRenderPool } from '../../src/web/render-pool.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';
import { pushFiles, type Files } from '../support/push-files.ts';

let testForge: TestForge;
let origin: string;
let ada: ReturnType<TestForge['account']>['account'];
let repo: Repo;
let branch: Branch;
let count = 0;

beforeAll(async () => {
  testForge = await openTestForge();
  const { forge } = testForge;
  const web = { trustedProxies: [], maxRequestBytes: forge.config.limits.maxRequestBytes };
  const app = createApp(web);
  app.use(
    identify(forge, () => true),
    readDiffChoice(),
    bodyParsers(web),
    refuseForgery,
  );
  app.use(tutorialsApi(forge), tutorialsPages(forge), reviewsPages(forge));
  app.use(frontPages(forge, new Slots()), notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  testForge.defer(() => void server.close());
  testForge.defer(() => server.closeAllConnections());
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  ({ account: ada } = testForge.account('ada', 'admin'));
});
afterAll(async () => {
  await testForge.dispose();
  await closeRenderPool();
});

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}\n`).join('');
const bothEnds = numbered(1, 60).replace('line 5\n', 'line five\n').replace('line 50\n', 'line fifty\n');

async function push(files: Files, from = 'refs/heads/main'): Promise<void> {
  const folder = testForge.repoFolder(repo);
  await pushFiles(testForge.forge.git, { repo: folder, branch: 'change', from, files });
  await scanRepo(testForge.forge, repo);
  branch = findOpenBranch(testForge.forge, repo.id, 'change')!;
  await generateTutorials(testForge.forge, outlineWriter);
}

// The tests come in any order, so each has a repository of its own.
beforeEach(async () => {
  count += 1;
  repo = await testForge.repo(`ada/app${count}`, {
    files: { 'src/a.txt': numbered(1, 60), 'docs/read.md': 'one\n' },
  });
  await push({ 'db/a.sql': 'create table a (id integer);\n', 'src/a.ts': bothEnds, 'docs/read.md': 'two\n' });
});

interface Asked {
  method?: string;
  form?: Record<string, string>;
  json?: unknown;
  cookie?: string;
  scope?: 'read' | 'write' | 'none';
}

async function ask(path: string, { method, form, json, cookie, scope = 'write' }: Asked = {}) {
  const api = path.startsWith('/api') ? '' : `/${repo.owner}/${repo.name}/branches/1`;
  const token = scope === 'none' ? undefined : createToken(testForge.forge, { accountId: ada.id, scope });
  const response = await fetch(origin + api + path, {
    method: method ?? (form === undefined ? 'GET' : 'POST'),
    redirect: 'manual',
    headers: {
      accept: api === '' ? 'application/json' : 'text/html',
      ...(token && { authorization: `Bearer ${token}` }),
      ...(cookie && { cookie }),
      ...(json !== undefined && { 'content-type': 'application/json' }),
    },
    ...(form && { body: new URLSearchParams(form) }),
    ...(json !== undefined && { body: JSON.stringify(json) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    to: response.headers.get('location'),
    cookie: response.headers.get('set-cookie'),
    text,
    shown: [...text.matchAll(/<details class="step[^"]*" id="step-(\d+)"/g)].map(([, number]) =>
      Number(number),
    ),
  };
}

const stepsPath = () => `/api/v1/repos/${repo.owner}/${repo.name}/branches/1/tutorial`;
const guideOf = () => tutorialSections(testForge.forge, branch, { viewerId: ada.id });

test('steps are read one at a time or all together, as the reader chose last', async () => {
  expect((await ask('?tab=tutorial')).shown).toEqual([1, 2, 3]);
  expect((await ask('?tab=tutorial&step=2')).shown).toEqual([2]);
  const chosen = await ask('?tab=tutorial&steps=one');
  expect(chosen.shown).toEqual([1]);
  expect(chosen.cookie).toContain('tutorial_steps=one');
  const cookie = 'tutorial_steps=one';
  expect((await ask('?tab=tutorial', { cookie })).shown).toEqual([1]);
  const last = await ask('?tab=tutorial&step=99', { cookie });
  expect(last.shown).toEqual([3]);
  expect(last.text).toContain('step=2" data-key="ArrowLeft"');
  expect(last.text).not.toContain('data-key="ArrowRight"');
  expect((await ask('?tab=tutorial&steps=all', { cookie })).shown).toEqual([1, 2, 3]);
});

test('the files behind those that a page shows at once are a fragment of their step, and a page by themselves', async () => {
  const part = await ask('?tab=tutorial&step=2&from=0&fragment=step');
  expect(part.shown).toEqual([]);
  expect(part.text.match(/class="file-diff"/g)).toHaveLength(1);
  expect((await ask('?tab=tutorial&step=2&from=9&fragment=step')).text).not.toContain('file-diff');
  const page = await ask('?tab=tutorial&step=2&from=0');
  expect(page.shown).toEqual([2]);
  const many = Array.from({ length: 33 }, (_, index): [string, string] => [
    `src/n${index}.ts`,
    'export {};\n',
  ]);
  await push(Object.fromEntries(many));
  const { steps } = await guideOf();
  const [step] = steps!.filter(({ left }) => left > 0);
  const { text } = await ask('?tab=tutorial');
  const more = `?tab=tutorial&amp;step=${step!.number}&amp;from=${step!.nextFile}`;
  expect(text).toContain(`data-more="/${repo.owner}/${repo.name}/branches/1${more}&amp;fragment=step"`);
  expect(text.match(/class="file-diff"/g)).toHaveLength(30);
});

test('a step that was viewed is counted, and the next one opens; the mark can be taken back', async () => {
  const form = { revision: '1', viewed: 'yes', next: '2', steps: 'one' };
  const answer = await ask('/tutorial/steps/1/viewed', { form });
  expect(answer.to).toMatch(/branches\/1\?tab=tutorial&step=2$/);
  expect((await ask('?tab=tutorial', { cookie: 'tutorial_steps=one' })).shown).toEqual([2]);
  expect(await guideOf()).toMatchObject({ viewedSteps: 1, viewedCount: 1, nextStep: 2 });
  const page = await ask('?tab=tutorial');
  expect(page.text).toContain('1 of 3 steps viewed');
  expect(page.text).toContain('1 of 3 hunks viewed');
  const taken = await ask('/tutorial/steps/1/viewed', { form: { ...form, viewed: 'no', steps: 'all' } });
  expect(taken.to).toMatch(/tab=tutorial#step-2$/);
  expect(await guideOf()).toMatchObject({ viewedSteps: 0, viewedCount: 0, nextStep: 1 });
  // Nobody else sees it.
  expect((await ask('?tab=tutorial', { scope: 'none' })).status).toBe(401);
});

test('hunks that a rebase only moves stay viewed; those that change do not', async () => {
  for (const step of [1, 2, 3])
    expect(
      (await ask(`${stepsPath()}/steps/${step}/viewed`, { method: 'PUT', json: { revision: 1 } })).status,
    ).toBe(200);
  expect(await guideOf()).toMatchObject({ viewedSteps: 3, viewedCount: 3, nextStep: undefined });
  const folder = testForge.repoFolder(repo);
  await pushFiles(testForge.forge.git, { repo: folder, branch: 'main', files: { 'other.txt': 'x\n' } });
  await push({
    'db/a.sql': 'create table a (id integer);\n',
    'src/a.ts': bothEnds,
    'docs/read.md': 'three\n',
  });
  expect(branch.revision).toBe(2);
  const guide = await guideOf();
  expect(guide).toMatchObject({ revision: 2, viewedSteps: 2, viewedCount: 2, nextStep: 3 });
});

test('marks are refused for a step or a tutorial that is not there, and to who may not write', async () => {
  const put = (step: number, json: unknown, scope?: Asked['scope']) =>
    ask(`${stepsPath()}/steps/${step}/viewed`, { method: 'PUT', json, ...(scope && { scope }) });
  expect((await put(9, {})).status).toBe(404);
  expect((await put(1, { revision: 7 })).status).toBe(409);
  expect((await put(1, {}, 'read')).status).toBe(403);
  expect((await put(1, {}, 'none')).status).toBe(401);
});

test('a comment on a line stands in the step that shows it, and its form goes back there', async () => {
  const { text } = await ask('?tab=tutorial');
  expect(text).toContain('tab=tutorial&amp;comment=src/a.ts:new:5');
  const form = await ask('?tab=tutorial&comment=docs/read.md:new:1&fragment=form');
  expect(form.text).toContain('name="back" value="tutorial"');
  const head = branch.headOid;
  const sent = {
    back: 'tutorial',
    head,
    path: 'docs/read.md',
    side: 'new',
    line: '1',
    firstLine: '1',
    body: 'Why?',
  };
  const answer = await ask('/threads', { form: sent });
  expect(answer.to).toMatch(/\?tab=tutorial#thread-\d+$/);
  const [, second, third] = (await ask('?tab=tutorial')).text.split('<details class="step');
  expect(second).not.toContain('class="thread"');
  const all = await ask('?tab=tutorial');
  expect(all.text.match(/id="thread-\d+"/g)).toHaveLength(1);
  expect(third).toBeDefined();
  expect((await ask('?tab=tutorial&step=3')).text).toMatch(/id="thread-\d+"/);
  expect((await ask('?tab=tutorial&step=2')).text).not.toMatch(/id="thread-\d+"/);
});

test('what is being read is not replaced, and a comment with an address of its own neither: a newer tutorial is offered', async () => {
  const commenting = await ask('?tab=tutorial&comment=docs/read.md:new:1');
  expect(commenting.text).toContain('id="comment-form"');
  expect(commenting.text).not.toContain('fragment=tab"');
  // The steps come into a page that waited for them, and are not fetched again from then on.
  const { text } = await ask('?tab=tutorial&fragment=tab');
  expect(text).toContain('data-stays');
  const explains = /data-explains="([^"]+)"/.exec(text)?.[1];
  const newest = async () => /data-explained="([^"]+)"/.exec((await ask('?fragment=head')).text)?.[1];
  expect(await newest()).toBe(explains);
  await push({ 'docs/read.md': 'three\n' });
  expect(await newest()).not.toBe(explains);
});

test('it is written again for who may write, once at a time, with what stood there until then', async () => {
  const { forge } = testForge;
  const woken = forge.events.next('tutorial-changed', ({ state }) => state === 'queued');
  expect((await ask('/tutorial/write', { form: {} })).to).toMatch(/\?tab=tutorial$/);
  expect(await woken).toMatchObject({ branchId: branch.id, revision: 1 });
  expect((await ask('?tab=tutorial')).shown).toEqual([1, 2, 3]);
  expect((await ask(`${stepsPath()}/write`, { method: 'POST' })).status).toBe(409);
  await generateTutorials(forge, {
    name: 'scribe',
    write: () => ({
      body: { summary: 'Told anew', steps: [] },
      usage: { model: 'm', shownHunks: 3, allHunks: 3, inputTokens: 100, outputTokens: 20 },
    }),
  });
  expect(newestTutorial(forge, branch.id)).toMatchObject({
    writer: 'scribe',
    body: { summary: 'Told anew' },
  });
  expect(writerCosts(forge, 30)).toContainEqual(
    expect.objectContaining({ writer: 'scribe', model: 'm', inputTokens: 100, outputTokens: 20 }),
  );
  expect((await ask(`${stepsPath()}/write`, { method: 'POST', scope: 'read' })).status).toBe(403);
  expect((await ask(`${stepsPath()}/write`, { method: 'POST' })).status).toBe(202);
  await generateTutorials(forge, outlineWriter);
});

test('while the newest revision has none, the one before is shown and says so', async () => {
  const folder = testForge.repoFolder(repo);
  await pushFiles(testForge.forge.git, { repo: folder, branch: 'change', files: { 'new.txt': 'x\n' } });
  await scanRepo(testForge.forge, repo);
  const { text, shown } = await ask('?tab=tutorial');
  expect(shown).toEqual([1, 2, 3]);
  expect(text).toContain('Explains revision 1');
  expect(text).toContain('moved on to revision 2');
  await generateTutorials(testForge.forge, outlineWriter);
});
