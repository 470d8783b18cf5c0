// The inbox over HTTP: everybody sees and changes his own alone.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recentAudit } from '../../src/accounts/audit.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import type { Account, TokenScope } from '../../src/accounts/model.ts';
import type { Branch } from '../../src/branches/model.ts';
import { livePages } from '../../src/front/live.ts';
import { inboxApi } from '../../src/inbox/api.ts';
import { countUnread } from '../../src/inbox/find.ts';
import { lookAtBranch } from '../../src/inbox/look.ts';
import { inboxView } from '../../src/inbox/model.ts';
import { countForPages, inboxPages } from '../../src/inbox/pages.ts';
import { putMember } from '../../src/repos/store.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { LiveFeed } from '../../src/web/sse.ts';
import { recordHead } from '../support/ci.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';

let it: TestForge;
let origin: string;
beforeAll(async () => {
  it = await openTestForge();
  const { forge } = it;
  const app = createApp({ trustedProxies: [], maxRequestBytes: 100_000 });
  app.use(
    identify(forge, () => true),
    countForPages(forge),
    ...bodyParsers({ maxRequestBytes: 100_000 }),
    refuseForgery,
  );
  const live = new LiveFeed(10);
  app.use(livePages(forge, live), inboxApi(forge), inboxPages(forge), notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  it.defer(() => {
    live.close();
    server.close();
    server.closeAllConnections();
  });
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => it.dispose());

let staged = 0;

/** `ana` owns a repository with as many branches of `ben`'s as asked for. */
async function stage(count = 2) {
  staged += 1;
  const [ana, ben] = [it.account(`ana${staged}`), it.account(`ben${staged}`)];
  const repo = await it.repo(`${ana.account.name}/app`);
  putMember(it.forge.db, { repoId: repo.id, accountId: ben.account.id, role: 'write' });
  const branches: Branch[] = [];
  for (let number = 1; number <= count; number += 1) {
    const name = `topic-${number}`;
    const branch = recordHead(it.forge, repo, { name, head: String(number).repeat(40), base: undefined });
    it.forge.db.run('UPDATE branches SET author_id = :by, title = :title, created_at = :at WHERE id = :id', {
      id: branch.id,
      by: ben.account.id,
      title: `Change ${number} <b>`,
      at: it.forge.clock.now() + number,
    });
    lookAtBranch(it.forge, branch.id);
    branches.push(branch);
  }
  const name = `${repo.owner}/${repo.name}`;
  return { ana, ben, repo, name, branches, unread: () => countUnread(it.forge, ana.caller) };
}

function as(account?: Account, scope: TokenScope = 'admin') {
  const bearer = account && createToken(it.forge, { accountId: account.id, scope });
  const headers: Record<string, string> = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  return async (method: string, path: string, body?: object | URLSearchParams) => {
    const isForm = body instanceof URLSearchParams;
    const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json';
    const sent = body && {
      body: isForm ? body : JSON.stringify(body),
      headers: { ...headers, 'content-type': type },
    };
    const response = await fetch(origin + path, { method, headers, redirect: 'manual', ...sent });
    return { status: response.status, text: await response.text(), to: response.headers.get('location') };
  };
}

test('the API tells what needs the caller, and takes out what the caller names and sees', async () => {
  const { ana, ben, name, branches, unread } = await stage();
  const other = await stage(1);
  const ask = as(ana.account);
  const told = inboxView.parse(JSON.parse((await ask('GET', '/api/v1/inbox')).text));
  expect(told).toMatchObject({ unread: 2, next: null });
  expect(
    told.entries.map(({ repo, number, reasons }) => [repo, number, reasons.map(({ text }) => text)]),
  ).toEqual([
    [name, 2, [`${ben.account.name} asks for your review`]],
    [name, 1, [`${ben.account.name} asks for your review`]],
  ]);
  const named = [
    { repo: name, number: 1 },
    { repo: name, number: 99 },
    { repo: other.name, number: 1 },
  ];
  const dismissed = await ask('POST', '/api/v1/inbox/dismiss', { branches: named });
  expect([dismissed.status, JSON.parse(dismissed.text)]).toEqual([200, { dismissed: 1, unread: 1 }]);
  expect([unread(), other.unread()]).toEqual([1, 1]);
  expect(JSON.parse((await ask('POST', '/api/v1/inbox/dismiss', { all: true })).text)).toEqual({
    dismissed: 1,
    unread: 0,
  });
  expect(JSON.parse((await ask('GET', '/api/v1/inbox')).text)).toEqual({
    entries: [],
    unread: 0,
    next: null,
  });
  const rows = recentAudit(it.forge, 5).filter(({ account }) => account === ana.account.name);
  expect(rows.map(({ action }) => action)).toEqual(['inbox.dismiss', 'inbox.dismiss']);
  expect(branches).toHaveLength(2);
});

test('nobody in particular has none, and a token that may only read changes nothing', async () => {
  const { ana, unread } = await stage(1);
  for (const [method, path] of [
    ['GET', '/api/v1/inbox'],
    ['POST', '/api/v1/inbox/dismiss'],
    ['GET', '/inbox'],
    ['GET', '/inbox/review'],
    ['POST', '/inbox/dismiss'],
  ] as const) {
    expect((await as()(method, path, method === 'POST' ? { all: true } : undefined)).status, path).toBe(401);
  }
  const reader = as(ana.account, 'read');
  expect((await reader('GET', '/api/v1/inbox')).status).toBe(200);
  expect((await reader('POST', '/api/v1/inbox/dismiss', { all: true })).status).toBe(403);
  expect((await reader('POST', '/inbox/dismiss', new URLSearchParams({ all: 'yes' }))).status).toBe(403);
  expect(unread()).toBe(1);
});

test.each([
  [{}, 'name branches, or say all'],
  [{ all: true, branches: [{ repo: 'a/b', number: 1 }] }, 'name branches, or say all'],
  [{ branches: [{ repo: 'ab', number: 1 }] }, 'owner/name'],
])('%j is refused', async (body, why) => {
  const { ana } = await stage(0);
  const answer = await as(ana.account)('POST', '/api/v1/inbox/dismiss', body);
  expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(why)]);
});

test('the page dismisses one, those that are ticked, or all, and its badge counts', async () => {
  const { ana, branches, unread } = await stage(4);
  const ask = as(ana.account);
  const page = await ask('GET', '/inbox');
  // What a branch is called and how it stands changes without anything that its readers are told.
  expect(page.text).toMatch(/data-live="inbox:\d+ home"/);
  expect(page.text).toContain('Change 4 &lt;b&gt;');
  expect(page.text.match(/class="list-item inbox-entry unread"/g)).toHaveLength(4);
  expect((await ask('GET', '/inbox?fragment=badge')).text).toContain('>4<');
  const [one, two, three, four] = branches.map(({ id }) => String(id));
  const send = (fields: [string, string][]) => ask('POST', '/inbox/dismiss', new URLSearchParams(fields));
  expect(
    (
      await send([
        ['branch', one!],
        ['branch', two!],
      ])
    ).to,
  ).toBe('/inbox');
  expect(unread()).toBe(2);
  // The button of one entry is about that one, whatever is ticked.
  await send([
    ['branch', four!],
    ['only', three!],
  ]);
  expect((await ask('GET', '/inbox?fragment=list')).text).toContain('Change 4');
  expect((await send([])).status).toBe(303);
  expect(unread()).toBe(1);
  await send([['all', 'yes']]);
  expect((await ask('GET', '/inbox')).text).toContain('Nothing needs you');
});

test('going through it leads from branch to branch, and back when nothing is left', async () => {
  const { ana, name, branches } = await stage();
  const ask = as(ana.account);
  const [first, second] = branches;
  expect((await ask('GET', '/inbox/review')).to).toBe(`/${name}/branches/2?inbox=review`);
  const form = new URLSearchParams({ only: String(second?.id), next: String(first?.id) });
  expect((await ask('POST', '/inbox/dismiss', form)).to).toBe(`/${name}/branches/1?inbox=review`);
  const last = new URLSearchParams({ only: String(first?.id), next: String(second?.id) });
  expect((await ask('POST', '/inbox/dismiss', last)).to).toBe('/inbox');
  expect((await ask('GET', '/inbox/review')).to).toBe('/inbox');
});

test('nobody hears when something comes to somebody else', async () => {
  const { ana, ben } = await stage(0);
  expect((await as(ben.account)('GET', `/live?topic=inbox:${ana.account.id}`)).status).toBe(404);
  expect((await as()('GET', `/live?topic=inbox:${ana.account.id}`)).status).toBe(401);
});
