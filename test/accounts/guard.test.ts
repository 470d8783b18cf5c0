import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { expect, test } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { callerOf, identify, refuseForgery } from '../../src/accounts/guard.ts';
import { createSession } from '../../src/accounts/sign-in.ts';
import { bodyParsers } from '../../src/web/app.ts';
import { answerErrors } from '../../src/web/errors.ts';
import { useForge, type TestForge } from '../support/forge.ts';

const open = useForge();

/** A server with one page and one write, guarded as the forge guards its own. */
async function guarded(): Promise<TestForge & { origin: string; cookie: string; token: string }> {
  const testForge = await open();
  const { forge } = testForge;
  const { account } = testForge.account('ada');
  const app = express();
  app.use(identify(forge, () => true));
  app.use(bodyParsers({ maxRequestBytes: 1000 }));
  app.use(refuseForgery);
  app.get(
    '/api/who',
    (_request, response) => void response.json({ name: callerOf(response).account?.name ?? null }),
  );
  app.get('/api/form', (_request, response) => void response.json(response.locals['page']));
  app.post('/api/write', (_request, response) => void response.json({ done: true }));
  app.use(answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  testForge.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  const session = createSession(forge, { accountId: account.id, address: '', userAgent: '' });
  return {
    ...testForge,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cookie: `pika_session=${session.secret}`,
    token: createToken(forge, { accountId: account.id, scope: 'write' }),
  };
}

test('a session cookie, a bearer token and a Basic password each say who asks', async () => {
  const { origin, cookie, token } = await guarded();
  const basic = `Basic ${Buffer.from(`anything:${token}`).toString('base64')}`;
  for (const headers of [{ cookie }, { authorization: `Bearer ${token}` }, { authorization: basic }]) {
    const answer = await fetch(`${origin}/api/who`, { headers: headers as Record<string, string> });
    expect(await answer.json()).toEqual({ name: 'ada' });
  }
});

test('a dead cookie is nobody, a bad token is refused', async () => {
  const { origin } = await guarded();
  const nobody = await fetch(`${origin}/api/who`, { headers: { cookie: 'pika_session=session_x' } });
  expect(await nobody.json()).toEqual({ name: null });
  for (const authorization of ['Bearer pika_x', 'Basic', 'Basic e', 'Digest a']) {
    const refused = await fetch(`${origin}/api/who`, { headers: { authorization } });
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ error: { code: 'unauthenticated' } });
  }
});

test('C1: a write with a session needs the token of our own form', async () => {
  const { origin, cookie } = await guarded();
  const write = (headers: Record<string, string>) =>
    fetch(`${origin}/api/write`, { method: 'POST', headers });
  expect((await write({ cookie })).status).toBe(403);
  expect((await write({ cookie, 'x-form-token': 'wrong' })).status).toBe(403);
  const page = (await (await fetch(`${origin}/api/form`, { headers: { cookie } })).json()) as {
    formToken: string;
  };
  expect((await write({ cookie, 'x-form-token': page.formToken })).status).toBe(200);
});

test('C1: a write that another site sent is refused, even without a session', async () => {
  const { origin, token } = await guarded();
  const write = (headers: Record<string, string>) =>
    fetch(`${origin}/api/write`, { method: 'POST', headers });
  expect((await write({ origin: 'http://evil.example' })).status).toBe(403);
  expect((await write({ origin: 'null' })).status).toBe(403);
  expect((await write({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await write({ 'sec-fetch-site': 'same-site' })).status).toBe(403);
  expect((await write({ origin: 'http://evil.example', authorization: `Bearer ${token}` })).status).toBe(200);
});
