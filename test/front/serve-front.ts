// The pages of src/front over real HTTP, asked as accounts with a token or as nobody.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import type { Account } from '../../src/accounts/model.ts';
import { livePages } from '../../src/front/live.ts';
import { frontPages } from '../../src/front/pages.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { LiveFeed } from '../../src/web/sse.ts';
import { stageRepo } from '../landing/staged-branch.ts';
import type { TestForge } from '../support/forge.ts';

/** Serves until the test ends. */
export async function serveFront(testForge: TestForge) {
  const { forge } = testForge;
  const staged = await stageRepo(testForge);
  const live = new LiveFeed(10);
  const app = createApp({ trustedProxies: [], maxRequestBytes: 100_000 });
  app.use(
    identify(forge, () => true),
    ...bodyParsers({ maxRequestBytes: 100_000 }),
    refuseForgery,
  );
  app.use(livePages(forge, live), frontPages(forge, staged.slots), notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  testForge.defer(() => void server.close());
  testForge.defer(() => void server.closeAllConnections());
  testForge.defer(() => live.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  /** Asks as an account, or as nobody. */
  const as = (account?: Account) => {
    const token = account && createToken(forge, { accountId: account.id, scope: 'write' });
    const headers = { accept: 'text/html', ...(token && { authorization: `Bearer ${token}` }) };
    /** `known` is the tag of what the asker has already. */
    return async (path: string, form?: Record<string, string>, known?: string) => {
      const sent = form && { method: 'POST', body: new URLSearchParams(form) };
      const had = known === undefined ? {} : { 'if-none-match': known, 'cache-control': 'max-age=0' };
      const all = { ...headers, ...had };
      const response = await fetch(origin + path, { headers: all, redirect: 'manual', ...sent });
      const tag = response.headers.get('etag') ?? '';
      const html = await response.text();
      return { status: response.status, to: response.headers.get('location'), tag, html };
    };
  };
  return { testForge, forge, staged, as, ada: as(staged.account) };
}
