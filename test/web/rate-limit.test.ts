// Limits as somebody meets them who comes through a proxy; the machine of the forge itself is not counted.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterEach, expect, test } from 'vitest';
import { createLog } from '../../src/lib/log.ts';
import { answerErrors } from '../../src/web/errors.ts';
import { limitRates, type Rates } from '../../src/web/rate-limit.ts';

const roomy: Rates = {
  requestsPerMinute: 100,
  writesPerMinute: 100,
  costlyPerMinute: 100,
  signInsPerMinute: 100,
};
const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

type Ask = (
  path: string,
  options?: { method?: string; from?: string; account?: string },
) => Promise<Response>;

async function serveLimited(rates: Partial<Rates>): Promise<Ask> {
  const app = express();
  app.set('trust proxy', '127.0.0.1');
  app.use((request, response, next) => {
    response.locals['account'] = request.get('x-account');
    next();
  });
  const accountOf = (response: express.Response) =>
    response.locals['account'] === undefined ? undefined : Number(response.locals['account']);
  app.use(limitRates({ ...roomy, ...rates }, accountOf));
  app.use((_request, response) => void response.json({ ok: true }));
  app.use(answerErrors(createLog('silent')));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  return (path, { method = 'GET', from, account } = {}) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { ...(from && { 'x-forwarded-for': from }), ...(account && { 'x-account': account }) },
    });
}

test('over the limit the answer is 429, says why, and when to go on', async () => {
  const ask = await serveLimited({ requestsPerMinute: 2 });
  const from = '192.0.2.1';
  const first = await ask('/api/v1/repos', { from });
  expect(first.status).toBe(200);
  expect(first.headers.get('RateLimit-Policy')).toMatch(/"requests"; q=2; w=60/);
  expect(first.headers.get('RateLimit')).toMatch(/"requests"; r=1; t=\d+/);
  await ask('/api/v1/repos', { from });

  const refused = await ask('/api/v1/repos', { from });
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0);
  expect(await refused.json()).toMatchObject({
    error: {
      code: 'limited',
      message: expect.stringMatching(/more than 2 requests in a minute; go on in \d+ s/),
    },
  });
});

test('each address has its own, and an account the same wherever it asks from', async () => {
  const ask = await serveLimited({ writesPerMinute: 1 });
  const write = (from: string, account?: string) =>
    ask('/api/v1/repos', { method: 'POST', from, ...(account && { account }) }).then(({ status }) => status);
  expect(await write('192.0.2.1')).toBe(200);
  expect(await write('192.0.2.1')).toBe(429);
  expect(await write('192.0.2.2')).toBe(200);
  expect(await write('192.0.2.1', '7')).toBe(200);
  expect(await write('192.0.2.2', '7')).toBe(429);
  // An address of IPv6 is the network that somebody has, or it would be no limit.
  expect(await write('2001:db8::1')).toBe(200);
  expect(await write('2001:db8::2')).toBe(429);
  // Who has written as much as he may, may still read.
  expect((await ask('/ada/app', { from: '192.0.2.1' })).status).toBe(200);
});

test('the files that every page needs are not counted', async () => {
  const ask = await serveLimited({ requestsPerMinute: 1 });
  const from = '192.0.2.5';
  for (const path of ['/assets/1/app.css', '/assets/1/app.js', '/', '/assets/1/icons.svg'])
    expect([path, (await ask(path, { from })).status]).toEqual([path, 200]);
  expect((await ask('/', { from })).status).toBe(429);
});

test('what costs much and what signs in are counted for themselves', async () => {
  const ask = await serveLimited({ costlyPerMinute: 1, signInsPerMinute: 1 });
  const from = '192.0.2.3';
  const status = async (path: string, method = 'GET') => (await ask(path, { method, from })).status;
  expect(await status('/ada/app/blame/main/a.txt')).toBe(200);
  for (const path of [
    '/api/v1/repos/ada/app/search/main?q=x',
    '/ada/app/archive/x.zip',
    '/ada/app/compare/main...topic',
    '/ada/app/commits/main',
    '/ada/app/runs/1/lanes/unit/log/search',
    '/api/v1/repos/ada/app/branches/1/diff',
    '/ada/app/branches/1/conflicts',
  ])
    expect([path, await status(path)]).toEqual([path, 429]);
  for (const path of [
    '/ada/app/tree/main',
    '/ada/app/branches/1',
    '/ada/search',
    '/login/secret',
    '/join/secret',
  ])
    expect([path, await status(path)]).toEqual([path, 200]);
  expect(await status('/login/secret', 'POST')).toBe(200);
  for (const path of ['/api/v1/sessions', '/api/v1/sessions/nostr', '/join/secret', '/account/tokens'])
    expect([path, await status(path, 'POST')]).toEqual([path, 429]);
  expect(await status('/api/v1/repos', 'POST')).toBe(200);
});

test('the machine itself is not counted, unless a proxy there passes somebody on', async () => {
  const ask = await serveLimited({ requestsPerMinute: 1 });
  for (let time = 0; time < 3; time += 1) expect((await ask('/')).status).toBe(200);
  expect((await ask('/', { from: '192.0.2.4' })).status).toBe(200);
  expect((await ask('/', { from: '192.0.2.4' })).status).toBe(429);
});
