// The routes of reviews over real HTTP, each answer held against its model.
import '../support/check-answers.ts';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import { reviewsApi } from '../../src/reviews/api.ts';
import { reviewsView, reviewView, threadsView, threadView } from '../../src/reviews/model.ts';
import { reviewsPages } from '../../src/reviews/pages.ts';
import { reviewersView } from '../../src/reviews/request-model.ts';
import { digestOf } from '../../src/reviews/suggestion-digest.ts';
import { appliedView } from '../../src/reviews/suggestion-model.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { closeRenderPool } from '../../src/web/render-pool.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';
import { numbered, stageReview, type Person, type StagedReview } from './stage-review.ts';

let testForge: TestForge;
let origin: string;
let one: StagedReview;
let other: StagedReview;
let count = 0;

beforeAll(async () => {
  testForge = await openTestForge({ settings: { limits: { maxRowsPerPage: 2 } } });
  const { forge } = testForge;
  const web = { trustedProxies: [], maxRequestBytes: forge.config.limits.maxRequestBytes };
  const app = createApp(web);
  app.use(
    identify(forge, () => true),
    bodyParsers(web),
    refuseForgery,
  );
  app.use(reviewsApi(forge), reviewsPages(forge), notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  testForge.defer(() => void server.close());
  testForge.defer(() => server.closeAllConnections());
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await testForge.dispose();
  await closeRenderPool();
});

// The tests come in any order, so each has repositories of its own.
beforeEach(async () => {
  count += 1;
  const staged = { files: { 'a.txt': numbered(20) }, change: { 'b.txt': numbered(5) } };
  one = await stageReview(testForge, { name: `one${count}`, ...staged });
  other = await stageReview(testForge, { name: `other${count}`, ...staged });
});

const pathOf = ({ repo }: StagedReview): string => `/${repo.owner}/${repo.name}/branches/1`;

async function ask(
  by: Person | undefined,
  request: { method?: string; path: string; body?: unknown; staged?: StagedReview; page?: boolean },
): Promise<{ status: number; text: string; json: unknown }> {
  const { forge } = testForge;
  const token = by && createToken(forge, { accountId: by.account.id, scope: 'write' });
  const { staged = one, page = false } = request;
  const base = page ? pathOf(staged) : `/api/v1/repos${pathOf(staged)}`;
  const response = await fetch(`${origin}${base}${request.path}`, {
    method: request.method ?? (request.body === undefined ? 'GET' : 'POST'),
    redirect: 'manual',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return { status: response.status, text, json: isJson ? JSON.parse(text) : undefined };
}

async function get<Schema extends z.ZodType>(
  schema: Schema,
  ...[by, request]: Parameters<typeof ask>
): Promise<z.output<Schema>> {
  const { status, json, text } = await ask(by, request);
  expect(status, text).toBeLessThan(300);
  return schema.parse(json);
}

test('a thread is begun, answered, settled and read, page by page, with its place in the newest revision', async () => {
  const { author, reviewer, reader } = one;
  const begun = await get(threadView, reviewer, {
    path: '/threads',
    body: { body: 'Why **two**?', path: 'b.txt', line: 3, firstLine: 2 },
  });
  expect(begun).toMatchObject({ kind: 'line', state: 'open', now: { state: 'here', firstLine: 2, line: 3 } });
  const path = `/threads/${begun.id}`;
  expect((await ask(author, { path: `${path}/comments`, body: { body: 'So.' } })).status).toBe(201);
  expect((await ask(author, { method: 'POST', path: `${path}/resolve` })).json).toMatchObject({
    state: 'resolved',
    resolvedBy: author.account.name,
  });
  await one.push({ 'b.txt': `first\n${numbered(5)}` });
  const moved = await get(threadView, reader, { path });
  expect(moved.now).toMatchObject({ state: 'here', firstLine: 3, line: 4 });
  expect(moved.comments.map(({ body }) => body)).toEqual(['Why **two**?', 'So.']);
  for (const body of ['two', 'three']) await ask(reader, { path: '/threads', body: { body } });
  const first = await get(threadsView, reader, { path: '/threads' });
  expect(first.threads).toHaveLength(2);
  const rest = await get(threadsView, reader, { path: `/threads?after=${first.next}` });
  expect(rest).toMatchObject({ next: null, threads: [{ comments: [{ body: 'three' }] }] });
  // A page that is just full is the last one.
  const open = await get(threadsView, reader, { path: '/threads?state=open' });
  expect([open.threads.length, open.next]).toEqual([2, null]);
  const resolved = await get(threadsView, reader, { path: '/threads?state=resolved' });
  expect(resolved.threads.map(({ id }) => id)).toEqual([begun.id]);
});

test('whoever may comment is told whom a comment can name, and nobody who could not read it', async () => {
  const { reviewer, reader } = one;
  const stranger = other.author.account.name;
  const mentions = (by: Person | undefined, begins: string) =>
    ask(by, { path: `/mentions?begins=${begins}` });
  const names = async (begins: string) =>
    ((await mentions(reviewer, begins)).json as { names: string[] }).names;
  expect(await names('READER-')).toContain(reader.account.name);
  expect(await names(reviewer.account.name)).toEqual([]);
  expect(await names(stranger)).toEqual([]);
  expect((await names('')).length).toBeLessThanOrEqual(8);
  expect((await mentions(undefined, '')).status).toBeGreaterThanOrEqual(401);
});

test('a review carries its drafts, and the list tells who decided what', async () => {
  const { reviewer, author } = one;
  const head = one.branch().headOid;
  await ask(reviewer, { path: '/threads', body: { body: 'A draft', path: 'b.txt', draft: true } });
  expect((await get(reviewsView, reviewer, { path: '/reviews' })).drafts).toBe(1);
  const given = await get(reviewView, reviewer, { path: '/reviews', body: { verdict: 'changes', head } });
  expect(given).toMatchObject({ verdict: 'changes', note: null });
  const own = await get(reviewView, author, { path: '/reviews', body: { verdict: 'approve', head } });
  expect(own).toMatchObject({ verdict: 'comment', note: expect.stringMatching(/own work/) });
  const list = await get(reviewsView, author, { path: '/reviews' });
  expect(list).toMatchObject({
    verdicts: [{ name: reviewer.account.name, verdict: 'changes', current: true }],
    drafts: 0,
    reviews: [{ id: own.id }, { id: given.id }],
    next: null,
  });
  const more = await get(reviewView, reviewer, { path: '/reviews', body: { verdict: 'approve', head } });
  expect(await get(reviewsView, author, { path: '/reviews' })).toMatchObject({
    reviews: [{ id: more.id }, { id: own.id }],
    next: own.id,
  });
  const rest = await get(reviewsView, author, { path: `/reviews?before=${own.id}` });
  expect([rest.reviews.map(({ id }) => id), rest.next]).toEqual([[given.id], null]);
});

test('the difference and its patch are read by those who may read', async () => {
  const diff = await ask(one.reader, { path: '/diff?revision=1' });
  expect(diff.json).toMatchObject({ revision: 1, files: [{ path: 'b.txt', status: 'added', added: 5 }] });
  const patch = await ask(one.reader, { path: '/patch?revision=1' });
  expect(patch.text).toContain('+++ b/b.txt\n@@ -0,0 +1,5 @@\n+line 1\n');
  expect((await ask(one.reader, { path: '/diff?revision=99' })).status).toBe(404);
  expect((await ask(one.reader, { path: '/tutorial' })).json).toMatchObject({ state: 'none', steps: [] });
  expect((await ask(undefined, { path: '/diff' })).status).toBe(401);
  expect((await ask(other.reader, { path: '/patch' })).status).toBe(404);
});

test('Z3: threads and comments of another branch are not found under the name of this one', async () => {
  const { reviewer } = other;
  const foreign = await get(threadView, reviewer, {
    staged: other,
    path: '/threads',
    body: { body: 'Elsewhere', path: 'b.txt' },
  });
  const comment = foreign.comments[0]!.id;
  const owner = one.owner;
  const asked: { method: string; path: string; body?: unknown; page?: boolean }[] = [
    { method: 'GET', path: `/threads/${foreign.id}` },
    { method: 'POST', path: `/threads/${foreign.id}/comments`, body: { body: 'x' } },
    { method: 'POST', path: `/threads/${foreign.id}/resolve` },
    { method: 'POST', path: `/threads/${foreign.id}/unresolve` },
    { method: 'PUT', path: `/comments/${comment}`, body: { body: 'x' } },
    { method: 'DELETE', path: `/comments/${comment}` },
    { method: 'POST', path: `/threads/${foreign.id}/reply`, body: { body: 'x' }, page: true },
    { method: 'POST', path: `/threads/${foreign.id}/resolve`, body: {}, page: true },
    { method: 'POST', path: `/comments/${comment}/edit`, body: { body: 'x' }, page: true },
    { method: 'POST', path: `/comments/${comment}/delete`, body: {}, page: true },
  ];
  for (const request of asked) {
    expect((await ask(owner, request)).status, `${request.method} ${request.path}`).toBe(404);
    const stranger = { ...request, staged: other };
    expect((await ask(owner, stranger)).status, `${request.method} ${request.path} by a stranger`).toBe(404);
  }
  expect(
    (await get(threadView, reviewer, { staged: other, path: `/threads/${foreign.id}` })).comments,
  ).toMatchObject([{ body: 'Elsewhere', state: 'published' }]);
});

test('a form goes back to the tab it was sent from, and answers the script of the page with the thread', async () => {
  const body = { body: 'By form', path: 'b.txt', side: 'new', line: '1', firstLine: '', back: 'changes' };
  const sent = await ask(one.reviewer, { path: '/threads', body, page: true });
  expect(sent.status).toBe(303);
  expect(
    (await ask(one.reviewer, { path: '/threads', body: { ...body, body: ' ' }, page: true })).status,
  ).toBe(400);
  const decided = await ask(one.reviewer, {
    path: '/reviews',
    body: { verdict: 'approve', head: one.branch().headOid },
    page: true,
  });
  expect(decided.status).toBe(303);
});

test('a suggestion is applied over the API and by the form of the page, for whoever may write', async () => {
  const { author, reader } = one;
  const suggest = (line: number) =>
    get(threadView, reader, {
      path: '/threads',
      body: { path: 'b.txt', line, body: '```suggestion\nbetter\n```' },
    });
  const [first, second] = [await suggest(1), await suggest(2)];
  const [comment] = first.comments;
  const { headOid: head } = one.branch();
  const body = { suggestions: [{ comment: comment!.id }], head };
  expect((await ask(reader, { path: '/suggestions/apply', body })).status).toBe(403);
  const applied = await get(appliedView, author, { path: '/suggestions/apply', body });
  expect(applied).toEqual({ applied: 1, head: one.branch().headOid, revision: 2 });
  expect((await ask(author, { path: '/suggestions/apply', body })).status).toBe(409);
  const suggestion = `${second.comments[0]!.id}.1.${digestOf(['better'])}`;
  const form = { path: '/suggestions/apply', page: true };
  const sent = await ask(author, { ...form, body: { suggestion, head: applied.head, back: 'changes' } });
  expect(sent.status).toBe(303);
  expect(one.branch().revision).toBe(3);
  const stale = { suggestion: suggestion.replace(/.{64}$/, '0'.repeat(64)), head: one.branch().headOid };
  expect((await ask(author, { ...form, body: stale })).status).toBe(409);
  expect((await ask(author, { ...form, body: { suggestion: [], head } })).status).toBe(400);
});

test('who is asked for a review is listed, and taken from the list again', async () => {
  const { author, reviewer, reader } = one;
  const { name } = reviewer.account;
  const asked = await get(reviewersView, author, { path: '/reviewers', body: { names: [name] } });
  expect(asked.reviewers).toMatchObject([{ name, by: author.account.name, answered: false }]);
  expect(await get(reviewersView, reader, { path: '/reviewers' })).toEqual(asked);
  const gone = await ask(reader, { method: 'DELETE', path: `/reviewers/${name}` });
  expect(gone.status).toBe(403);
  const left = await get(reviewersView, reviewer, { method: 'DELETE', path: `/reviewers/${name}` });
  expect(left.reviewers).toEqual([]);
  const form = { page: true, path: '/reviewers', body: { names: `${name}, ${reader.account.name}` } };
  expect((await ask(author, form)).status).toBe(303);
  const back = { method: 'POST', page: true, path: `/reviewers/${name}/withdraw` };
  expect((await ask(author, back)).status).toBe(303);
  const now = await get(reviewersView, author, { path: '/reviewers' });
  expect(now.reviewers.map((each) => each.name)).toEqual([reader.account.name]);
});
