import { describe, expect, test } from 'vitest';
import { pauseCi, resumeCi } from '../../src/ci/scheduler/pause.ts';
import { Planner } from '../../src/ci/scheduler/planner.ts';
import { cancelSettled } from '../../src/ci/recovery/cancel.ts';
import { manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';
import { laneText, StagedQueue } from '../support/staged-queue.ts';

const open = useForge();

describe('the queue', () => {
  test('claims nothing while CI is paused, and every lane says by whom and why', async () => {
    const queue = await StagedQueue.open(open);
    const { forge, caller } = queue;
    const run = await queue.push('work', [laneText('a'), laneText('b', 'needs = ["a"]')]);
    pauseCi(forge, { caller, reason: 'the disk is changed' });
    expect(queue.claim()).toEqual([]);
    expect(queue.states(run)).toEqual(['a queued paused', 'b queued waiting_for_lane']);
    expect(queue.lane(run, 'a').attempt.reasonDetail).toBe('paused by ada: the disk is changed');
    resumeCi(forge, { caller, reason: 'done' });
    expect(queue.claim()).toHaveLength(1);
  });

  test('looks again at lanes that wait for a place as soon as something else is to be said of them', async () => {
    const queue = await StagedQueue.open(open, { concurrency: 1 });
    const { forge, caller, clock } = queue;
    const run = await queue.push('work', [laneText('a'), laneText('b'), laneText('c')]);
    const claim = queue.start('a');
    const waiting = ['a running', 'b queued waiting_for_capacity', 'c queued waiting_for_capacity'];
    expect(queue.states(run)).toEqual(waiting);
    const since = queue.lane(run, 'c').attempt.reasonSince;
    clock.advance(1000);
    expect(queue.claim()).toEqual([]);
    expect(queue.lane(run, 'c').attempt.reasonSince).toBe(since);
    pauseCi(forge, { caller, reason: 'a while' });
    queue.claim();
    expect(queue.states(run)).toEqual(['a running', 'b queued paused', 'c queued paused']);
    expect(queue.claim()).toEqual([]);
    resumeCi(forge, { caller, reason: '' });
    queue.claim();
    expect(queue.states(run)).toEqual(waiting);
    queue.end(claim, { state: 'success' });
    queue.start('b');
    expect(queue.states(run)).toEqual(['a success', 'b running', 'c queued waiting_for_capacity']);
    forge.config.ci.concurrency = 2;
    queue.start('c');
  });

  test('goes to the repository that used the least before it looks at branches', async () => {
    const queue = await StagedQueue.open(open, { concurrency: 1 });
    const quiet = await queue.testForge.repo('demo/quiet', { files: { 'README.md': 'x' } });
    await queue.push('first', [laneText('a')]);
    const claim = queue.start('a');
    queue.clock.advance(60_000);
    // A branch that used nothing, of the repository that used a minute, pushed before the quiet one.
    const fresh = await queue.push('fresh', [laneText('b')]);
    queue.clock.advance(1000);
    const other = await queue.push('work', [laneText('c')], quiet);
    queue.end(claim, { state: 'success' });
    expect(queue.claim().map(({ runId }) => runId)).toEqual([other.id]);
    expect(queue.states(fresh)).toEqual(['b queued waiting_for_capacity']);
  });

  test('tells nobody what runs in another repository', async () => {
    const queue = await StagedQueue.open(open);
    const secret = await queue.testForge.repo('demo/secret', { files: { 'README.md': 'x' } });
    await queue.push('work', [laneText('hidden', 'group = "host"')], secret);
    queue.claim();
    const run = await queue.push('work', [laneText('a', 'group = "host"')]);
    queue.claim();
    expect(queue.lane(run, 'a').attempt).toMatchObject({
      reason: 'blocked_by_group',
      reasonDetail: 'host is held by a lane of another repository',
    });
  });

  test('lets a lane with keep_running come to its end when a newer head comes or the branch is settled', async () => {
    const queue = await StagedQueue.open(open, { concurrency: 2 });
    const lanes = ['deploy', 'later'].map((id) => laneText(id, 'keep_running = true'));
    const run = await queue.push('work', [lanes[0]!, laneText('unit'), lanes[1]!]);
    expect(queue.claim()).toHaveLength(2);
    await queue.push('work', [lanes[0]!]);
    expect(queue.states(run)).toEqual(['deploy running', 'unit cancelling', 'later cancelled']);
    expect(queue.lane(run, 'unit').attempt.message).toBe('superseded by run 2');
    queue.forge.db.exec(`UPDATE branches SET state = 'merged'`);
    cancelSettled(queue.forge);
    expect(queue.states(run)[0]).toBe('deploy running');
  });

  test('runs every lane of a matrix, and what needs its id waits for all of them', async () => {
    const queue = await StagedQueue.open(open);
    const run = await queue.push('work', [
      laneText('unit', 'matrix = { node = ["22", "24"], os = ["Debian 13"] }'),
      laneText('pack', 'needs = ["unit"]'),
      laneText('try', 'needs = ["unit.24.debian-13"]'),
    ]);
    const claims = queue.claim();
    expect(queue.states(run)).toEqual([
      'unit.22.debian-13 running',
      'unit.24.debian-13 running',
      'pack queued waiting_for_lane',
      'try queued waiting_for_lane',
    ]);
    queue.end(claims[1]!, { state: 'success' });
    queue.claim();
    expect(queue.states(run).slice(2)).toEqual(['pack queued waiting_for_lane', 'try running']);
    expect(queue.lane(run, 'pack').attempt.reasonDetail).toBe('waits for unit.22.debian-13');
    queue.end(claims[0]!, { state: 'failed', failureKind: 'test_failure', exitCode: 1 });
    expect(queue.states(run).slice(2)).toEqual(['pack skipped', 'try running']);
    expect(queue.lane(run, 'unit.22.debian-13')).toMatchObject({
      title: 'unit (node 22, os Debian 13)',
      extras: { matrix: { node: '22', os: 'Debian 13' } },
    });
  });

  test('one head whose run cannot be made does not keep the others from theirs', async () => {
    const queue = await StagedQueue.open(open);
    const { forge, testForge } = queue;
    const broken = await testForge.repo('demo/broken', { files: { 'README.md': 'x' } });
    forge.db.exec(`CREATE TRIGGER stop BEFORE INSERT ON runs WHEN NEW.repo_id = ${broken.id}
                   BEGIN SELECT raise(ABORT, 'this repository is broken'); END`);
    await pushBranch(forge, broken, { name: 'work', files: manifest(laneText('a')) });
    const branch = await pushBranch(forge, queue.repo, { name: 'work', files: manifest(laneText('a')) });
    const planner = new Planner(forge);
    testForge.defer(() => planner.stop());
    await planner.plan();
    expect(queue.claim().map(({ runId }) => runId)).toEqual([runOfBranch(forge, branch).id]);
  });
});
