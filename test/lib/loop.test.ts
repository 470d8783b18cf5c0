import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
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
