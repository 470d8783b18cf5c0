// What happens in a repository reaches receivers over real HTTP: once, in order, signed, and whatever other receivers do.
import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { describe, expect, test, vi } from 'vitest';
import { settleBranch } from '../../src/branches/settle.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { listAttempts } from '../../src/webhooks/find.ts';
import { webhookBody, webhookEvents, type WebhookRequest } from '../../src/webhooks/model.ts';
import { openWebhooks, type Webhooks } from '../../src/webhooks/open.ts';
import { getDelivery, listDeliveries, pingWebhook, redeliver } from '../../src/webhooks/resend.ts';
import { addWebhook, changeWebhook, getWebhook } from '../../src/webhooks/set-webhook.ts';
import { recordHead } from '../support/ci.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { openReceiver, type Receiver } from './receiver.ts';

const open = useForge();
const secret = 'a secret of the receiver';
const head = (digit: number): string => String(digit).repeat(40);

async function stage(webhookSettings: Record<string, unknown> = {}) {
  const clock = new SettableClock();
  const it = await open({
    clock,
    settings: {
      webhooks: { allowedRanges: ['127.0.0.1'], timeoutSeconds: 60, retrySeconds: 60, ...webhookSettings },
    },
  });
  const { caller } = it.account('ada');
  const repo = await it.repo('ada/app');
  const hooks = start(it);
  const receive = async (answer?: Parameters<typeof openReceiver>[0]): Promise<Receiver> => {
    const receiver = await openReceiver(answer);
    it.defer(receiver.close);
    return receiver;
  };
  const add = (url: string, request: Partial<WebhookRequest> = {}) =>
    addWebhook(it.forge, {
      repo,
      caller,
      request: { url, events: [...webhookEvents], active: true, secret, ...request },
    }).webhook;
  /** A push of a branch, by its row alone; nobody is told of it but by the tables. */
  const push = (name: string, digit: number) => {
    clock.advance(1);
    return recordHead(it.forge, repo, { name, head: head(digit), base: undefined });
  };
  const tell = async (webhooks: Webhooks = hooks): Promise<void> => {
    webhooks.look(repo.id);
    await webhooks.settled();
  };
  const list = (id: number) => listDeliveries(it.forge, { repo, id }).deliveries;
  return { it, forge: it.forge, clock, repo, caller, hooks, receive, add, push, tell, list };
}

function start(it: TestForge): Webhooks {
  const hooks = openWebhooks(it.forge);
  hooks.start();
  it.defer(() => hooks.stop());
  return hooks;
}

const toldOf = ({ received }: Receiver) =>
  received.map(({ body }) => {
    const parsed = webhookBody.parse(JSON.parse(body));
    return parsed.event === 'branch' ? `branch ${parsed.action}` : parsed.event;
  });

function insertRun(forge: TestForge['forge'], run: { repoId: number; branchId: number; at: number }): void {
  forge.db.run(
    `INSERT INTO runs (repo_id, number, kind, branch_id, revision, head_oid, tree_oid, state, created_at, finished_at)
     VALUES (:repoId, 1, 'branch', :branchId, 1, '${head(1)}', '${head(2)}', 'failed', :at, :at)`,
    run,
  );
}

function insertReviewAndLanding(
  forge: TestForge['forge'],
  row: { branchId: number; accountId: number; repoId: number; at: number },
): void {
  const { branchId, accountId, repoId, at } = row;
  forge.db.run(
    `INSERT INTO reviews (branch_id, account_id, verdict, asked, body, revision, head_oid, created_at)
     VALUES (:branchId, :accountId, 'changes', 'changes', 'Not yet.', 1, '${head(1)}', :at)`,
    { branchId, accountId, at },
  );
  forge.db.run(
    `INSERT INTO landings (repo_id, branch_id, target, head_oid, revision, actor_id, credential, state, enqueued_at,
       deadline_at, ended_at, end_cause, end_message)
     VALUES (:repoId, :branchId, 'main', '${head(1)}', 1, :accountId, 'key', 'evicted', :at, :at, :at + 1, 'conflict', 'It conflicts.')`,
    { repoId, branchId, accountId, at },
  );
}

test('everything that happened is told once and in order, with the models of the API and a signature over time and body', async () => {
  const { forge, clock, repo, caller, receive, add, push, tell } = await stage();
  const receiver = await receive();
  push('before', 9);
  clock.advance(1);
  const webhook = add(receiver.url);
  const branch = push('topic', 1);
  clock.advance(1);
  insertRun(forge, { repoId: repo.id, branchId: branch.id, at: clock.now() });
  clock.advance(1);
  const accountId = caller.account?.id ?? 0;
  insertReviewAndLanding(forge, { branchId: branch.id, accountId, repoId: repo.id, at: clock.now() });
  clock.advance(5);
  settleBranch(forge, { branchId: branch.id, state: 'merged', mergeOid: head(3), actorId: accountId });
  await tell();
  await tell();
  expect(toldOf(receiver)).toEqual([
    'push',
    'branch opened',
    'run',
    'review',
    'landing',
    'landing',
    'branch merged',
  ]);
  for (const { headers, body, path } of receiver.received) {
    const [, seconds = '', sum] =
      /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-pika-signature'])) ?? [];
    expect(sum).toBe(createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex'));
    expect(Number(seconds)).toBe(Math.floor(clock.now() / 1000));
    expect([path, headers['content-type']]).toEqual(['/hook', 'application/json']);
    expect(headers['x-pika-event']).toBe(webhookBody.parse(JSON.parse(body)).event);
  }
  expect(getWebhook(forge, repo, webhook.id).failures).toBe(0);
});

test('a webhook hears only of what it asked for, and of nothing that happened while it was off', async () => {
  const { forge, clock, repo, caller, receive, add, push, tell } = await stage();
  const receiver = await receive();
  const { id } = add(receiver.url, { events: ['push'] });
  push('one', 1);
  await tell();
  changeWebhook(forge, { repo, caller, id, change: { active: false } });
  push('two', 2);
  await tell();
  clock.advance(1);
  changeWebhook(forge, { repo, caller, id, change: { active: true } });
  push('three', 3);
  await tell();
  const names = receiver.received.map(({ body }) => {
    const parsed = webhookBody.parse(JSON.parse(body));
    return parsed.event === 'push' ? parsed.branch.name : parsed.event;
  });
  expect(names).toEqual(['one', 'three']);
});

test('a receiver that fails rests longer each time, keeps its order, and gets everything when it is back', async () => {
  const { forge, clock, repo, receive, add, push, tell, list } = await stage({ maxRetrySeconds: 90 });
  const receiver = await receive(
    (response, number) => void response.writeHead(number <= 2 ? 500 : 200).end('hm'),
  );
  const { id } = add(receiver.url, { events: ['push'] });
  push('one', 1);
  push('two', 2);
  await tell();
  await tell();
  expect(receiver.received).toHaveLength(1);
  const rest = () => (getWebhook(forge, repo, id).restsUntil ?? 0) - clock.now();
  expect(rest()).toBeGreaterThanOrEqual(48_000);
  expect(rest()).toBeLessThanOrEqual(60_000);
  clock.advance(60_000);
  await tell();
  expect(receiver.received).toHaveLength(2);
  expect(rest()).toBeLessThanOrEqual(90_000);
  clock.advance(90_000);
  await tell();
  const [second, first] = list(id);
  expect(receiver.received.map(({ headers }) => Number(headers['x-pika-delivery']))).toEqual([
    first?.id,
    first?.id,
    first?.id,
    second?.id,
  ]);
  expect(
    listAttempts(forge, first?.id ?? 0).map(({ status, error, answer }) => [status, error, answer]),
  ).toEqual([
    [500, 'the answer was 500', 'hm'],
    [500, 'the answer was 500', 'hm'],
    [200, undefined, 'hm'],
  ]);
  expect(getWebhook(forge, repo, id)).toMatchObject({ failures: 0, restsUntil: undefined });
});

test('one that never answers holds up nobody else, and what it was being sent is sent again after a restart', async () => {
  const { it, hooks, receive, add, push, tell, list } = await stage();
  const held: ServerResponse[] = [];
  const slow = await receive((response) => void held.push(response));
  const quick = await receive();
  const slowHook = add(slow.url, { events: ['push'] });
  const quickHook = add(quick.url, { events: ['push'] });
  push('one', 1);
  push('two', 2);
  hooks.look(slowHook.repoId);
  const statesOf = (id: number) => list(id).map(({ state }) => state);
  // Until its answers are written down too: what is still under way at the stop is sent again.
  await vi.waitFor(() => expect(statesOf(quickHook.id)).toEqual(['delivered', 'delivered']), {
    timeout: 30_000,
  });
  await vi.waitFor(() => expect(held).toHaveLength(1), { timeout: 30_000 });
  expect(statesOf(slowHook.id)).toEqual(['queued', 'sending']);
  await hooks.stop();
  expect(statesOf(slowHook.id)).toEqual(['queued', 'sending']);
  const again = start(it);
  again.look(slowHook.repoId);
  await vi.waitFor(() => expect(held).toHaveLength(2), { timeout: 30_000 });
  expect(slow.received[1]?.body).toBe(slow.received[0]?.body);
  held[1]?.writeHead(200).end();
  await vi.waitFor(() => expect(held).toHaveLength(3), { timeout: 30_000 });
  held[2]?.writeHead(200).end();
  await tell(again);
  expect(statesOf(slowHook.id)).toEqual(['delivered', 'delivered']);
  expect(quick.received).toHaveLength(2);
});

test('a receiver is given up after the last attempt, and the next delivery goes on', async () => {
  const { clock, receive, add, push, tell, list } = await stage({ maxAttempts: 2 });
  const receiver = await receive(
    (response, number) => void response.writeHead(number <= 2 ? 503 : 200).end(),
  );
  const { id } = add(receiver.url, { events: ['push'] });
  push('one', 1);
  push('two', 2);
  for (let round = 0; round < 3; round += 1) {
    await tell();
    clock.advance(3_600_000);
  }
  expect(list(id).map(({ state, message }) => [state, message])).toEqual([
    ['delivered', undefined],
    ['failed', 'the answer was 503'],
  ]);
});

test('the oldest news is given up when too much waits, and what waits for days', async () => {
  const { it, clock, receive, add, push, tell, list, hooks } = await stage({
    maxQueuedPerWebhook: 2,
    maxQueuedHours: 1,
  });
  const receiver = await receive((response) => void response.writeHead(500).end());
  const { id } = add(receiver.url, { events: ['push'] });
  for (const digit of [1, 2, 3, 4]) push(`branch-${digit}`, digit);
  await tell();
  expect(list(id).map(({ state }) => state)).toEqual(['queued', 'queued', 'failed', 'failed']);
  expect(list(id)[3]?.message).toContain('more than 2 deliveries wait');
  await hooks.stop();
  clock.advance(3_700_000);
  await tell(start(it));
  expect(list(id)[0]).toMatchObject({
    state: 'failed',
    message: expect.stringContaining('more than 1 hours'),
  });
});

describe('on demand', () => {
  test('a ping is sent at once, although the receiver rests', async () => {
    const { forge, repo, caller, receive, add, push, tell, list } = await stage();
    const receiver = await receive(
      (response, number) => void response.writeHead(number === 1 ? 500 : 200).end(),
    );
    const { id } = add(receiver.url, { events: ['push'] });
    push('one', 1);
    await tell();
    pingWebhook(forge, { repo, caller, id });
    await tell();
    expect(toldOf(receiver)).toEqual(['push', 'push', 'ping']);
    expect(list(id)[0]).toMatchObject({ event: 'ping', state: 'delivered' });
  });

  test('a delivery is sent again under its number, with the same body', async () => {
    const { forge, repo, caller, receive, add, push, tell, list } = await stage();
    const receiver = await receive(
      (response, number) => void response.writeHead(number === 1 ? 410 : 200).end(),
    );
    const { id } = add(receiver.url, { events: ['push'] });
    push('one', 1);
    await tell();
    const [gone] = list(id);
    expect(gone).toMatchObject({ state: 'failed', attempts: 1 });
    redeliver(forge, { repo, caller, id, delivery: gone?.id ?? 0 });
    await tell();
    expect(receiver.received[1]?.body).toBe(receiver.received[0]?.body);
    expect(receiver.received[1]?.headers['x-pika-delivery']).toBe(String(gone?.id));
    expect(getDelivery(forge, { repo, id, delivery: gone?.id ?? 0 }).state).toBe('delivered');
  });
});

test('an answer without an end is read at its beginning alone', async () => {
  const { forge, receive, add, push, tell, list } = await stage({ maxAnswerBytes: 1000 });
  const endless: NodeJS.Timeout[] = [];
  const receiver = await receive((response) => {
    response.writeHead(200);
    endless.push(setInterval(() => void response.write('x'.repeat(700)), 1));
  });
  const { id } = add(receiver.url, { events: ['push'] });
  push('one', 1);
  await tell();
  for (const timer of endless) clearInterval(timer);
  const [delivery] = list(id);
  expect(delivery?.state).toBe('delivered');
  expect(listAttempts(forge, delivery?.id ?? 0)[0]?.answer).toBe('x'.repeat(1000));
});

test('no answer in time counts as none', async () => {
  const { receive, add, push, tell, list } = await stage({ timeoutSeconds: 1 });
  const receiver = await receive((response) => void response.writeHead(200).flushHeaders());
  const { id } = add(receiver.url, { events: ['push'] });
  push('one', 1);
  await tell();
  expect(list(id)[0]).toMatchObject({ state: 'queued', message: 'no whole answer came within 1 seconds' });
});
