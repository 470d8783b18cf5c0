// Mirrors over the API and as pages: who may see and change them, one sync at a time, and a token that never comes out.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import type { Account } from '../../src/accounts/model.ts';
import { frontPages } from '../../src/front/pages.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { Slots } from '../../src/lib/slot.ts';
import { mirrorApi } from '../../src/mirror/api.ts';
import {
  mirrorListView,
  mirrorRefsView,
  mirrorSyncsView,
  mirrorSyncView,
  mirrorView,
} from '../../src/mirror/model.ts';
import { mirrorPages } from '../../src/mirror/pages.ts';
import { putMember } from '../../src/repos/store.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { useForge } from '../support/forge.ts';
import { mirrorSettings, stageMirror } from './stage-mirror.ts';

const open = useForge();
const api = '/api/v1/repos/ada/app/mirrors';
const token = 'ghp_0123456789abcdefXYZ';

async function serve() {
  const clock = new SettableClock();
  const it = await open({ clock, settings: mirrorSettings });
  const staged = await stageMirror(it, clock);
  const { forge, mirrors } = staged;
  await it.repo('ada/other');
  const app = createApp({ trustedProxies: [], maxRequestBytes: 100_000 });
  app.use(
    identify(forge, () => true),
    ...bodyParsers({ maxRequestBytes: 100_000 }),
    refuseForgery,
  );
  app.use(mirrorApi(forge, mirrors), mirrorPages(forge, mirrors), frontPages(forge, new Slots()));
  app.use(notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  it.defer(() => void server.close());
  it.defer(() => server.closeAllConnections());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const as = (account: Account) => {
    const bearer = createToken(forge, { accountId: account.id, scope: 'admin' });
    return async (method: string, path: string, body?: object | URLSearchParams) => {
      const isForm = body instanceof URLSearchParams;
      const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json';
      const response = await fetch(origin + path, {
        method,
        headers: { authorization: `Bearer ${bearer}`, 'content-type': type },
        redirect: 'manual',
        ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
      });
      return { status: response.status, text: await response.text() };
    };
  };
  return { ...staged, as, asAda: as(staged.account) };
}

test('a mirror is added, looked at, synced once at a time, changed and removed', async () => {
  const { far, mirrors, asAda, push, git } = await serve();
  const there = await far('there');
  there.hook('pre-receive', 'while [ -e hold ]; do sleep 0.05; done');
  const added = await asAda('POST', api, { name: 'there', url: there.folder, patterns: ['refs/heads/**'] });
  expect(added.status).toBe(201);
  expect(mirrorView.parse(JSON.parse(added.text))).toMatchObject({ name: 'there', credential: 'none' });
  await mirrors.settled();
  there.hold();
  await push('main', 'while it is held');
  const [one, other] = await Promise.all([
    asAda('POST', `${api}/there/sync`),
    asAda('POST', `${api}/there/sync`),
  ]);
  expect([one.status, other.status].toSorted()).toEqual([200, 409]);
  const sync = mirrorSyncView.parse(JSON.parse(one.status === 200 ? one.text : other.text));
  there.release();
  await mirrors.settled();
  const { syncs } = mirrorSyncsView.parse(JSON.parse((await asAda('GET', `${api}/there/syncs`)).text));
  expect(syncs[0]).toMatchObject({ id: sync.id, state: 'done', by: 'ada', cause: 'manual', pushed: 1 });
  expect(await there.refs()).toEqual({ 'refs/heads/main': await git('rev-parse', 'refs/heads/main') });
  const { refs } = mirrorRefsView.parse(JSON.parse((await asAda('GET', `${api}/there/refs?state=all`)).text));
  expect(refs.map(({ ref, state }) => [ref, state])).toEqual([['refs/heads/main', 'in-step']]);
  const off = await asAda('PATCH', `${api}/there`, { active: false });
  expect(JSON.parse(off.text)).toMatchObject({ active: false, state: 'off' });
  expect((await asAda('POST', `${api}/there/sync`)).status).toBe(409);
  expect((await asAda('DELETE', `${api}/there`)).status).toBe(204);
  expect(mirrorListView.parse(JSON.parse((await asAda('GET', api)).text)).mirrors).toEqual([]);
});

test('readers see no mirrors, writers see and sync them, and one of another repository is unknown', async () => {
  const { it, forge, repo, add, far, as, asAda } = await serve();
  const there = await far('there');
  add('there', there.folder);
  const reader = it.account('rea').account;
  const writer = it.account('wri').account;
  putMember(forge.db, { repoId: repo.id, accountId: reader.id, role: 'read' });
  putMember(forge.db, { repoId: repo.id, accountId: writer.id, role: 'write' });
  const paths = [api, `${api}/there`, `${api}/there/refs`, '/ada/app/mirrors', '/ada/app/mirrors/there'];
  for (const path of paths) {
    expect((await as(reader)('GET', path)).status, path).toBe(403);
    expect((await as(writer)('GET', path)).status, path).toBe(200);
  }
  for (const page of ['/ada/app', '/ada/app?fragment=mirrors']) {
    expect((await as(reader)('GET', page)).text, page).not.toContain('/ada/app/mirrors');
    expect((await as(writer)('GET', page)).text, page).toContain('href="/ada/app/mirrors/there"');
  }
  expect((await as(writer)('DELETE', `${api}/there`)).status).toBe(403);
  expect((await as(writer)('GET', '/ada/app/settings/mirrors')).status).toBe(403);
  for (const path of ['/api/v1/repos/ada/other/mirrors/there', '/ada/other/mirrors/there']) {
    expect((await asAda('GET', path)).status, path).toBe(404);
  }
});

test('a form keeps what was typed when it is refused, and a token that was given is in no page and no answer', async () => {
  const { asAda, mirror } = await serve();
  const form = (fields: Record<string, string>) =>
    new URLSearchParams({ patterns: 'refs/heads/**', active: 'on', ...fields });
  const page = '/ada/app/settings/mirrors';
  const refused = await asAda('POST', page, form({ name: 'there', url: 'ext::sh -c id', token }));
  expect(refused).toMatchObject({ status: 400, text: expect.stringContaining('ext::sh -c id') });
  expect(refused.text).not.toContain(token);
  const url = 'https://mirror.invalid/ada/app.git';
  expect((await asAda('POST', page, form({ name: 'there', url, token }))).status).toBe(303);
  expect(mirror('there').credential).toBe('token');
  const seen = [page, `${page}/there`, '/ada/app/mirrors', '/ada/app/mirrors/there', api, `${api}/there`];
  for (const path of seen) {
    const answer = await asAda('GET', path);
    expect(answer.status, path).toBe(200);
    expect(answer.text, path).not.toContain(token);
  }
  const changed = await asAda(
    'POST',
    `${page}/there`,
    form({ url, credential: 'keep', patterns: 'refs/tags/**' }),
  );
  expect(changed.status).toBe(303);
  expect(mirror('there')).toMatchObject({ credential: 'token', patterns: ['refs/tags/**'] });
  const pika = await asAda('POST', `${page}/there`, form({ url, patterns: 'refs/pika/**' }));
  expect(pika).toMatchObject({ status: 400, text: expect.stringContaining('nothing else leaves the forge') });
});
