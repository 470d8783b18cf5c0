// The lease of a lane: it ends by itself, by a clock that nobody sets, with all that is asked of the forge, and the lane
// has begun to end before.
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { Lease } from '../../src/ci/agents/program/lease.ts';
import { RunningLane } from '../../src/ci/lanes/running-lane.ts';
import { useForge } from '../support/forge.ts';
import { laneStart } from '../support/lane-start.ts';

const day = 24 * 60 * 60 * 1000;
const open = useForge();
const leases: Lease[] = [];

function begin(leaseMs: number): Lease {
  const lease = new Lease(leaseMs);
  leases.push(lease);
  return lease;
}

afterEach(() => {
  vi.useRealTimers();
  for (const lease of leases.splice(0)) lease.end();
});

const ended = async ({ signal }: Lease) => void (signal.aborted || (await once(signal, 'abort')));

test('it ends when its time is over, and that is no word of the forge', async () => {
  const lease = begin(20);
  await ended(lease);
  expect(lease.isLost).toBe(false);
  const lost = begin(day);
  lost.lose();
  expect([lost.isLost, lost.signal.aborted]).toEqual([true, true]);
});

test('a clock of the machine that is set neither ends it nor keeps it', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const lease = begin(day);
  vi.setSystemTime(Date.now() + 10 * day);
  expect(lease.leftMs).toBeGreaterThan(0);
  vi.setSystemTime(Date.now() - 20 * day);
  expect(lease.leftMs).toBeLessThanOrEqual(day);
  lease.extend(20, performance.now());
  expect(lease.leftMs).toBeLessThanOrEqual(20);
  await ended(lease);
});

test('each answer counts from when it was asked for, also when it is for less time than the one before', async () => {
  const lease = begin(10);
  lease.extend(day, performance.now());
  expect(lease.leftMs).toBeGreaterThan(day / 2);
  await ended(begin(30));
  expect(lease.signal.aborted).toBe(false);
  // The answer was on its way for longer than it is good for.
  lease.extend(day / 2, performance.now() - day);
  expect(lease.leftMs).toBe(0);
  await ended(lease);
  // What comes late brings nothing back.
  lease.extend(day, performance.now());
  expect(lease.signal.aborted).toBe(true);
});

test('a lane whose claim nobody confirms begins to end before its lease does, and is lost', async () => {
  const start = await laneStart(await open(), { tier: 'none', command: 'true', graceMs: 100 });
  mkdirSync(start.logFolder, { recursive: true });
  const order: string[] = [];
  // The commit never comes: what the lane waits for hears that it ends.
  const commit = async (signal: AbortSignal) => {
    await once(signal, 'abort');
    order.push('the lane');
    throw new Error('it ends');
  };
  const cache = () => Promise.resolve();
  const lane = new RunningLane(
    start,
    { output: () => undefined, heartbeat: () => undefined },
    { commit, cache },
  );
  const ended = lane.run();
  // Whatever else the machine does, timers of one program come in the order in which they are due.
  lane.extendLease(600_000);
  lane.extendLease(1000);
  const lease = delay(990).then(() => order.push('its lease'));
  expect(await ended).toMatchObject({ outcome: 'stopped', cause: 'lost' });
  await lease;
  expect(order).toEqual(['the lane', 'its lease']);
});
