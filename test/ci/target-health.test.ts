import { describe, expect, test } from 'vitest';
import { findTarget } from '../../src/ci/scheduler/target-store.ts';
import { useForge } from '../support/forge.ts';
import { laneText, StagedQueue } from '../support/staged-queue.ts';

const open = useForge();
const minute = 60_000;
const targets = { targets: { big: { concurrency: 2 } } };
const onBig = (id: string) => laneText(id, 'target = "big"');

describe('a target', () => {
  test('has places of its own', async () => {
    const queue = await StagedQueue.open(open, { concurrency: 1, ...targets });
    const run = await queue.push('work', [laneText('a'), onBig('b'), laneText('c'), onBig('d'), onBig('e')]);
    expect(queue.claim()).toHaveLength(3);
    expect(queue.states(run)).toEqual([
      'a running',
      'b running',
      'c queued waiting_for_capacity',
      'd running',
      'e queued waiting_for_capacity',
    ]);
    expect(queue.lane(run, 'e').attempt.reasonDetail).toBe('all 2 places for lanes on big are taken');
  });

  test('that is not configured is named with the way out, and nothing else waits for it', async () => {
    const queue = await StagedQueue.open(open, targets);
    const run = await queue.push('work', [laneText('a', 'target = "moon"'), laneText('b')]);
    queue.claim();
    expect(queue.states(run)).toEqual(['a queued unsatisfiable', 'b running']);
    expect(queue.lane(run, 'a').attempt.reasonDetail).toBe(
      'there is no target "moon" here; name one of local, big in .pika/lanes.toml, or let the operator add [ci.targets.moon] to pika.toml',
    );
  });

  test('that is still not configured after a while ends what waits for it, and a rerun brings it back', async () => {
    const queue = await StagedQueue.open(open, { unsatisfiableMinutes: 10 });
    const run = await queue.push('work', [laneText('a', 'target = "moon"\nretry = { infrastructure = 2 }')]);
    queue.claim();
    queue.clock.advance(10 * minute - 1);
    queue.claim();
    expect(queue.states(run)).toEqual(['a queued unsatisfiable']);
    queue.clock.advance(1);
    queue.claim();
    expect(queue.attempts(run, 'a')).toMatchObject([
      {
        state: 'failed',
        failureKind: 'infrastructure',
        message: expect.stringContaining('no target "moon"'),
      },
    ]);
    expect(queue.stateOf(run)).toBe('failed');
    expect(findTarget(queue.forge.db, 'moon')).toBeUndefined();
    queue.rerun(run);
    queue.forge.config.ci.targets['moon'] = { executor: 'local', concurrency: 1 };
    queue.end(queue.start('a'), { state: 'success' });
    expect(queue.stateOf(run)).toBe('success');
  });

  test('rests after two failures in a row that are not of the tests; the others go on; then it is tried again', async () => {
    const queue = await StagedQueue.open(open, targets);
    const run = await queue.push('work', [onBig('a'), onBig('b'), onBig('c'), laneText('d')]);
    const claims = queue.claim();
    queue.end(claims[0]!, { state: 'failed', failureKind: 'infrastructure', message: 'the disk is full' });
    expect(findTarget(queue.forge.db, 'big')).toMatchObject({ failures: 1, unhealthyUntil: null });
    queue.end(claims[1]!, { state: 'failed', failureKind: 'timeout' });
    queue.claim();
    expect(queue.states(run)).toEqual(['a failed', 'b failed', 'c queued target_unhealthy', 'd running']);
    expect(queue.lane(run, 'c').attempt.reasonDetail).toMatch(
      /^big rests until 00:15 UTC: 2 lanes of this repository in a row/,
    );
    queue.clock.advance(15 * minute - 1);
    expect(queue.claim()).toEqual([]);
    queue.clock.advance(1);
    queue.end(queue.start('c'), { state: 'success' });
    expect(findTarget(queue.forge.db, 'big')).toMatchObject({ failures: 0, unhealthyUntil: null });
  });

  test('starts to count anew when a lane comes to its own end, red or green', async () => {
    const queue = await StagedQueue.open(open);
    const run = await queue.push(
      'work',
      ['a', 'b', 'c', 'd'].map((id) => laneText(id)),
    );
    const [a, b, c] = queue.claim();
    queue.end(a!, { state: 'failed', failureKind: 'infrastructure' });
    queue.end(b!, { state: 'failed', failureKind: 'test_failure', exitCode: 1 });
    queue.end(c!, { state: 'failed', failureKind: 'infrastructure' });
    expect(findTarget(queue.forge.db, 'local')).toMatchObject({ failures: 1, unhealthyUntil: null });
    expect(queue.stateOf(run)).toBe('running');
  });

  test('is not blamed for one lane that hangs again and again', async () => {
    const queue = await StagedQueue.open(open);
    const run = await queue.push('work', [laneText('unit')]);
    queue.fail('unit', 'timeout');
    queue.rerun(run);
    queue.fail('unit', 'timeout');
    expect(findTarget(queue.forge.db, 'local')).toMatchObject({ failures: 1, unhealthyUntil: null });
  });

  test('that fails for one repository alone still takes the lanes of others, until one of those fails too', async () => {
    const queue = await StagedQueue.open(open);
    const other = await queue.testForge.repo('demo/other', { files: { 'README.md': 'x' } });
    const run = await queue.push('work', [laneText('a'), laneText('b')]);
    const [a, b] = queue.claim();
    queue.end(a!, { state: 'failed', failureKind: 'timeout' });
    queue.end(b!, { state: 'failed', failureKind: 'timeout' });
    const waiting = await queue.push('more', [laneText('c')]);
    const well = await queue.push('work', [laneText('x'), laneText('y'), laneText('z')], other);
    const claims = queue.claim();
    expect(queue.states(waiting)).toEqual(['c queued target_unhealthy']);
    expect(queue.states(well)).toEqual(['x running', 'y running', 'z running']);
    queue.end(claims[0]!, { state: 'success' });
    queue.claim();
    expect(queue.states(waiting)).toEqual(['c queued target_unhealthy']);

    queue.end(claims[1]!, { state: 'failed', failureKind: 'infrastructure' });
    const late = await queue.push('late', [laneText('w')], other);
    queue.claim();
    expect(queue.states(late)).toEqual(['w queued target_unhealthy']);
    expect(queue.lane(late, 'w').attempt.reasonDetail).not.toContain('this repository');
    expect(queue.stateOf(run)).toBe('failed');
  });
});
