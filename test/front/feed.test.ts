import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify } from '../../src/accounts/guard.ts';
import { settleBranch } from '../../src/branches/settle.ts';
import { feedPages } from '../../src/front/feed.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { recordHead } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();

test('the feed tells what was opened, landed and closed, the newest first, to whoever may read the repository', async () => {
  const clock = new SettableClock();
  const it = await open({ clock });
  const { forge } = it;
  const { account } = it.account('ada');
  const repo = await it.repo('ada/app');
  const push = (name: string, digit: number) => {
    clock.advance(1000);
    return recordHead(forge, repo, { name, head: String(digit).repeat(40), base: undefined });
  };
  const one = push('one', 1);
  const two = push('two', 2);
  forge.db.run('UPDATE branches SET title = :title WHERE id = :id', {
    id: two.id,
    title: 'A <b>&amp;</b> "quote"\u0007\uFFFF \uD800',
  });
  clock.advance(1000);
  settleBranch(forge, { branchId: one.id, state: 'merged', mergeOid: '3'.repeat(40), actorId: account.id });
  const app = createApp({ trustedProxies: [], maxRequestBytes: 1000 });
  app.use(
    identify(forge, () => true),
    feedPages(forge),
    notFound,
    answerErrors(forge.log),
  );
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  it.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ada/app/feed.atom`;
  const token = createToken(forge, { accountId: account.id, scope: 'read' });
  // As a reader of feeds sends what it was given as a password.
  const headers = { authorization: `Basic ${Buffer.from(`feeds:${token}`).toString('base64')}` };
  const answer = await fetch(url, { headers });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    'application/atom+xml; charset=utf-8',
  ]);
  const text = await answer.text();
  expect([...text.matchAll(/<title>([^<]*)<\/title>/g)].map((match) => match[1])).toEqual([
    'ada/app',
    'one (#1) merged',
    'A &lt;b&gt;&amp;amp;&lt;/b&gt; &quot;quote&quot;⟨U+0007⟩ \uFFFD (#2) opened',
    'one (#1) opened',
  ]);
  const ids = [...text.matchAll(/<id>([^<]*)<\/id>/g)].map((match) => match[1]);
  expect(new Set(ids).size).toBe(4);
  const again = await fetch(url, {
    headers: { ...headers, 'if-none-match': answer.headers.get('etag') ?? '', 'cache-control': 'max-age=0' },
  });
  expect(again.status).toBe(304);
  expect((await fetch(url)).status).toBe(401);
});
