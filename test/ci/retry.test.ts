import { describe, expect, test } from 'vitest';
import { listLive } from '../../src/ci/scheduler/queue.ts';
import { reapLane } from '../../src/ci/recovery/recover.ts';
import { requeueLane } from '../../src/ci/recovery/requeue-lane.ts';
import { useForge } from '../support/forge.ts';
import { laneText, StagedQueue } from '../support/staged-queue.ts';

const open = useForge();
// Targets that rest would hold the retries back; they have tests of their own.
const openQueue = () =>
  StagedQueue.open(open, { retrySeconds: 10, maxRetrySeconds: 25, unhealthyMinutes: 1 });
const clearTargets = ({ forge }: StagedQueue) => forge.db.exec('DELETE FROM ci_targets');

describe('a retry', () => {
  test('is a new attempt that waits, and is claimed when its time has come', async () => {
    const queue = await openQueue();
    const run = await queue.push('work', [laneText('unit', 'retry = { infrastructure = 1 }')]);
    queue.fail('unit', 'infrastructure');
    const [first, second] = queue.attempts(run, 'unit');
    expect(first).toMatchObject({ state: 'failed', failureKind: 'infrastructure', cause: 'push' });
    expect(second).toMatchObject({
      state: 'queued',
      reason: 'retry_backoff',
      cause: 'retry',
      notBefore: queue.clock.now() + 10_000,
    });
    expect(queue.stateOf(run)).toBe('queued');
    expect(queue.claim()).toEqual([]);
    expect(queue.lane(run, 'unit').attempt.reasonDetail).toMatch(/^tried again at \d\d:\d\d:\d\d UTC$/);
    queue.clock.advance(10_000);
    queue.end(queue.start('unit'), { state: 'success' });
    expect(queue.stateOf(run)).toBe('success');
  });

  test('waits twice as long each time, up to the most, and ends with the number that the manifest allows', async () => {
    const queue = await openQueue();
    const run = await queue.push('work', [laneText('unit', 'retry = { infrastructure = 3 }')]);
    const waits: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      queue.fail('unit', 'infrastructure');
      clearTargets(queue);
      const { notBefore = 0 } = queue.lane(run, 'unit').attempt;
      waits.push((notBefore - queue.clock.now()) / 1000);
      queue.clock.advance(notBefore - queue.clock.now());
    }
    expect(waits).toEqual([10, 20, 25]);
    queue.fail('unit', 'infrastructure');
    expect(queue.attempts(run, 'unit')).toHaveLength(4);
    expect(queue.stateOf(run)).toBe('failed');
  });

  test('does not come on top of the attempt that a requeue by hand makes', async () => {
    const queue = await openQueue();
    const { forge, repo, testForge } = queue;
    const run = await queue.push('work', [laneText('unit', 'retry = { timeout = 1 }')]);
    queue.start('unit');
    const { caller } = testForge.account('bea', 'admin');
    requeueLane(forge, { repo, run, caller, lane: 'unit', reason: 'it hangs' });
    for (const lane of listLive(forge.db)) await reapLane(forge, lane, 'its thread is gone');
    expect(queue.attempts(run, 'unit').map(({ state, cause }) => `${cause} ${state}`)).toEqual([
      'push cancelled',
      'requeue queued',
    ]);
  });

  test('keeps the lanes waiting that need the lane, and they run when it succeeds', async () => {
    const queue = await openQueue();
    const lanes = [laneText('build', 'retry = { timeout = 1 }'), laneText('unit', 'needs = ["build"]')];
    const run = await queue.push('work', lanes);
    queue.fail('build', 'timeout');
    queue.claim();
    expect(queue.states(run)).toEqual(['build queued retry_backoff', 'unit queued waiting_for_lane']);
    queue.clock.advance(10_000);
    queue.end(queue.start('build'), { state: 'success' });
    queue.end(queue.start('unit'), { state: 'success' });
    expect(queue.stateOf(run)).toBe('success');
  });

  test('never follows a test failure, nor a kind that the manifest does not name', async () => {
    const queue = await openQueue();
    const run = await queue.push('work', [
      laneText('unit', 'retry = { infrastructure = 2 }'),
      laneText('slow', 'retry = { infrastructure = 2 }'),
    ]);
    const claims = queue.claim();
    queue.end(claims[0]!, { state: 'failed', failureKind: 'test_failure', exitCode: 1 });
    queue.end(claims[1]!, { state: 'failed', failureKind: 'timeout' });
    expect(queue.states(run)).toEqual(['unit failed', 'slow failed']);
  });

  test('does not follow what a newer head took over', async () => {
    const queue = await openQueue();
    const lane = laneText('unit', 'keep_running = true\nretry = { infrastructure = 2 }');
    const run = await queue.push('work', [lane]);
    const claim = queue.start('unit');
    await queue.push('work', [lane, laneText('other')]);
    queue.end(claim, { state: 'failed', failureKind: 'infrastructure' });
    expect(queue.attempts(run, 'unit')).toHaveLength(1);
  });

  test('counts anew after a person asked for a rerun', async () => {
    const queue = await openQueue();
    const run = await queue.push('work', [laneText('unit', 'retry = { infrastructure = 1 }')]);
    queue.fail('unit', 'infrastructure');
    clearTargets(queue);
    queue.clock.advance(10_000);
    queue.fail('unit', 'infrastructure');
    clearTargets(queue);
    expect(queue.states(run)).toEqual(['unit failed']);
    queue.rerun(run);
    queue.fail('unit', 'infrastructure');
    expect(queue.attempts(run, 'unit').map(({ cause }) => cause)).toEqual([
      'push',
      'retry',
      'rerun',
      'retry',
    ]);
  });
});
