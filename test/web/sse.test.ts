import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterEach, expect, test } from 'vitest';
import { createLog } from '../../src/lib/log.ts';
import { answerErrors } from '../../src/web/errors.ts';
import { LiveFeed } from '../../src/web/sse.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A feed on a server of its own; `hear` answers what a page that opens its stream is told before `until` is published. */
async function openFeed(maxPages = 10) {
  const feed = new LiveFeed(maxPages);
  const app = express();
  app.get('/live', (request, response) => {
    const { since } = request.query;
    feed.subscribe(request, response, {
      topics: ['run:1', 'end'],
      since: since === undefined ? undefined : Number(since),
    });
  });
  app.use(answerErrors(createLog('silent')));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    feed.close();
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ids: string[] = [];
  const hear = async (
    query: string,
    { isEnded = true, lastSeen }: { isEnded?: boolean; lastSeen?: string } = {},
  ): Promise<string[]> => {
    const headers = lastSeen === undefined ? {} : { 'last-event-id': lastSeen };
    const response = await fetch(`${origin}/live${query}`, { headers });
    if (isEnded) feed.publish('end');
    let text = '';
    for await (const chunk of response.body!) {
      text += Buffer.from(chunk as Uint8Array).toString('utf8');
      if (text.includes('"topic":"end"') || text.includes('resync')) break;
    }
    ids.push(...[...text.matchAll(/^id: (\d+)$/gm)].map(([, id = '']) => id));
    return [...text.matchAll(/"topic":"([^"]+)"|event: (resync)/g)].map(
      ([, topic, resync]) => topic ?? resync ?? '',
    );
  };
  return { feed, hear, ids, origin };
}

test('what changes between the answer with a page and the opening of its stream is told', async () => {
  const { feed, hear } = await openFeed();
  const at = Date.now();
  feed.publish('run:1');
  feed.publish('run:2');
  expect(await hear(`?since=${at}`)).toEqual(['run:1', 'end']);
});

test('what changed before the page was asked for is not told again', async () => {
  const { feed, hear } = await openFeed();
  feed.publish('run:1');
  expect(await hear(`?since=${Date.now() + 60_000}`)).toEqual(['end']);
  expect(await hear('')).toEqual(['end']);
});

test('a page from so long ago that not everything since is remembered is told to fetch all', async () => {
  const { feed, hear } = await openFeed();
  const at = Date.now();
  for (let many = 0; many < 1001; many += 1) feed.publish('run:2');
  expect(await hear(`?since=${at}`)).toEqual(['resync']);
});

test('a stream that was cut off goes on behind what it told, and one of another start is told to fetch all', async () => {
  const { feed, hear, ids } = await openFeed();
  const at = Date.now();
  for (const topic of ['run:1', 'run:2', 'run:1']) feed.publish(topic);
  expect(await hear(`?since=${at}`)).toEqual(['run:1', 'run:1', 'end']);
  const [first, second] = ids;
  // The number that a browser gives counts more than when its page was made.
  expect(await hear(`?since=${at}`, { lastSeen: first!, isEnded: false })).toEqual(['run:1', 'end']);
  expect(await hear(`?since=${at}`, { lastSeen: second!, isEnded: false })).toEqual(['end']);
  expect(await hear(`?since=${at}`, { lastSeen: '4711', isEnded: false })).toEqual(['resync']);
});

test('a page more than may be open is told so, and finds its place when one is closed', async () => {
  const { feed, origin } = await openFeed(1);
  const first = new AbortController();
  expect((await fetch(`${origin}/live`, { signal: first.signal })).status).toBe(200);
  expect((await fetch(`${origin}/live`)).status).toBe(429);
  first.abort();
  await expect.poll(() => feed.size).toBe(0);
  expect((await fetch(`${origin}/live`)).status).toBe(200);
});

test('what changes without a fact is told again and again to a page that has it open', async () => {
  const { feed, hear } = await openFeed();
  feed.repeat('run:2', 1);
  feed.repeat('run:1', 1);
  let told = 0;
  const publish = feed.publish.bind(feed);
  feed.publish = (topic, data) => {
    if (topic === 'run:2') throw new Error('Nobody has it open.');
    publish(topic, data);
    told += 1;
    if (told === 3) publish('end');
  };
  expect(await hear('', { isEnded: false })).toEqual(['run:1', 'run:1', 'run:1', 'end']);
  await expect.poll(() => feed.size).toBe(0);
});
