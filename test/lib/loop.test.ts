import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { logContext, withLogContext } from '../../src/lib/log-context.ts';
import { createLog } from '../../src/lib/log.ts';
import { Loop } from '../../src/lib/loop.ts';

const quiet = { log: createLog('silent'), now: () => 1000, pollMs: 3_600_000 };

test('a loop woken during a pass runs exactly one more pass, however often it was woken', async () => {
  let passes = 0;
  const gate = Promise.withResolvers<void>();
  const loop = new Loop({
    ...quiet,
    name: 'counting',
    runOnce: async () => {
      passes += 1;
      if (passes === 1) await gate.promise;
    },
  });
  loop.start();
  await nextTurn();
  expect(passes).toBe(1);
  for (let times = 0; times < 5; times += 1) loop.wake();
  gate.resolve();
  await loop.settled();
  expect(passes).toBe(2);
  await loop.stop();
});

test('a pass that throws is shown as failing and the next pass runs', async () => {
  let passes = 0;
  const loop = new Loop({
    ...quiet,
    name: 'falling',
    runOnce: () => {
      passes += 1;
      if (passes === 1) throw new Error('no luck');
    },
  });
  loop.start();
  await loop.settled();
  expect(loop.status()).toMatchObject({ state: 'failing', lastError: 'no luck' });
  loop.wake();
  await loop.settled();
  expect(loop.status()).toMatchObject({ state: 'idle', lastSuccessAt: 1000, lastError: undefined });
  await loop.stop();
});

test('a stopped loop finishes its pass and takes no more wakes', async () => {
  let passes = 0;
  const loop = new Loop({ ...quiet, name: 'stopping', runOnce: () => void (passes += 1) });
  loop.start();
  await loop.settled();
  await loop.stop();
  loop.wake();
  await loop.settled();
  expect(passes).toBe(1);
  expect(loop.status().state).toBe('stopped');
});

test('a loop says how often in a row it failed, since when, and how long a pass takes', async () => {
  let isBroken = true;
  let now = 1000;
  const loop = new Loop({
    ...quiet,
    now: () => now,
    name: 'limping',
    runOnce: () => {
      if (isBroken) throw new Error('no luck');
    },
  });
  loop.start();
  await loop.settled();
  now = 2000;
  loop.wake();
  await loop.settled();
  expect(loop.status()).toMatchObject({ state: 'failing', failures: 2, lastErrorAt: 2000, passes: 2 });
  isBroken = false;
  loop.wake();
  await loop.settled();
  expect(loop.status()).toMatchObject({ state: 'idle', failures: 0, lastErrorAt: 2000, passes: 3 });
  expect(loop.status().lastMs).toBeGreaterThanOrEqual(0);
  await loop.stop();
});

test('a loop that failed is failing until a pass succeeds, also while one runs', async () => {
  const gate = Promise.withResolvers<void>();
  let passes = 0;
  const loop = new Loop({
    ...quiet,
    name: 'trying',
    runOnce: () => {
      passes += 1;
      if (passes === 1) throw new Error('no luck');
      return gate.promise;
    },
  });
  loop.start();
  await loop.settled();
  loop.wake();
  await nextTurn();
  expect(loop.status()).toMatchObject({ state: 'failing', activeSince: 1000 });
  gate.resolve();
  await loop.settled();
  expect(loop.status()).toMatchObject({ state: 'idle', activeSince: undefined });
  await loop.stop();
});

test('a loop that has nothing to do here says why and never runs', async () => {
  let passes = 0;
  const disabled = 'No mail server is set.';
  const loop = new Loop({ ...quiet, name: 'mute', disabled, runOnce: () => void (passes += 1) });
  loop.start();
  loop.wake();
  await loop.settled();
  expect(passes).toBe(0);
  expect(loop.status()).toMatchObject({ state: 'disabled', disabled });
  await loop.stop();
});

test('what a pass writes to the log is its own, and not of the request that woke it', async () => {
  const seen: unknown[] = [];
  const loop = new Loop({ ...quiet, name: 'noting', runOnce: () => void seen.push(logContext()) });
  withLogContext({ requestId: 'of somebody' }, () => loop.start());
  await loop.settled();
  expect(seen).toEqual([{ loop: 'noting' }]);
  await loop.stop();
});
