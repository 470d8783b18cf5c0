import { describe, expect, test } from 'vitest';
import { cancelRun } from '../../src/ci/recovery/cancel.ts';
import { claimLanes } from '../../src/ci/scheduler/claim.ts';
import { createMissingRuns } from '../../src/ci/scheduler/create-run.ts';
import { listAttempts, listLanes } from '../../src/ci/find.ts';
import { finishAttempt } from '../../src/ci/scheduler/finish.ts';
import { openCi } from '../../src/ci/open.ts';
import { rerunLanes, type RerunScope } from '../../src/ci/recovery/rerun.ts';
import { laneHolds } from '../../src/ci/scheduler/verdict.ts';
import type { AttemptState } from '../../src/ci/model.ts';
import { laneOf, laneReaching, manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';

const open = useForge({ settings: { ci: { concurrency: 9, graceSeconds: 1, pollSeconds: 3600 } } });
const order = { owner: 'test', sandbox: 'none', unsatisfiable: undefined };

/** A run whose lanes have ended as told; lanes after the first `needs` what they name. */
async function endedRun(lanes: Record<string, { needs?: string[]; end?: AttemptState }>) {
  const testForge = await open();
  const { forge } = testForge;
  const { caller } = testForge.account('ada', 'admin');
  const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
  const entries = Object.entries(lanes).map(
    ([id, { needs = [] }]) => `id = "${id}"\ncommand = "true"\nneeds = ${JSON.stringify(needs)}`,
  );
  const branch = await pushBranch(forge, repo, { name: 'work', files: manifest(...entries) });
  await createMissingRuns(forge);
  const run = runOfBranch(forge, branch);
  const endAll = () => {
    for (const claim of claimLanes(forge, order)) {
      const lane = listLanes(forge, run.id).find(({ id }) => id === claim.laneId)!;
      const end = lanes[lane.key]?.end;
      if (end === 'failed') finishAttempt(forge, claim, { state: 'failed', failureKind: 'test_failure' });
      else if (end === 'success') finishAttempt(forge, claim, { state: 'success', exitCode: 0 });
    }
  };
  endAll();
  const states = () =>
    listLanes(forge, run.id).map(({ key, attempt }) => `${key}${attempt.number} ${attempt.state}`);
  const rerun = (scope: RerunScope) => rerunLanes(forge, { repo, run, caller, scope });
  return { testForge, forge, repo, branch, run, caller, states, rerun, endAll, lanes };
}

describe('a rerun', () => {
  test('of one of two failed lanes does not make the run green', async () => {
    const { forge, repo, branch, rerun, endAll, lanes, states } = await endedRun({
      a: { end: 'failed' },
      b: { end: 'failed' },
    });
    rerun({ lane: 'a' });
    expect(runOfBranch(forge, branch).state).toBe('running');
    lanes['a']!.end = 'success';
    endAll();
    expect(states()).toEqual(['a2 success', 'b1 failed']);
    expect(runOfBranch(forge, branch).state).toBe('failed');
    expect(laneHolds(forge, { repo, headOid: branch.headOid }).map(({ key }) => key)).toEqual(['b']);
  });

  test('is a new attempt that names who asked; the old one stays as it was', async () => {
    const { forge, run, rerun } = await endedRun({ a: { end: 'failed' } });
    rerun('failed');
    const attempts = listAttempts(forge, laneOf(forge, run, 'a').id);
    expect(attempts.map(({ number, state, requestedByName }) => [number, state, requestedByName])).toEqual([
      [1, 'failed', undefined],
      [2, 'queued', 'ada'],
    ]);
  });

  test('also queues again what was skipped because of the lane', async () => {
    const { rerun, states } = await endedRun({
      a: { end: 'failed' },
      b: { needs: ['a'] },
      c: { needs: ['b'] },
    });
    expect(states()).toEqual(['a1 failed', 'b1 skipped', 'c1 skipped']);
    expect(rerun({ lane: 'a' }).queued).toEqual(['a', 'b', 'c']);
    expect(states()).toEqual(['a2 queued', 'b2 queued', 'c2 queued']);
  });

  test('is refused for what has not ended, for what needs a failed lane, and when nothing failed', async () => {
    const { rerun } = await endedRun({ a: { end: 'failed' }, b: { needs: ['a'] }, c: {} });
    expect(() => rerun({ lane: 'c' })).toThrow('The lane c is running; cancel it first');
    expect(() => rerun({ lane: 'b' })).toThrow('rerun a first');
    expect(() => rerun({ lane: 'nope' })).toThrow('has no lane "nope"');
    const green = await endedRun({ a: { end: 'success' } });
    expect(() => green.rerun('failed')).toThrow('No lane failed in run 1');
  });

  test('is refused without the right to write, and on a settled branch', async () => {
    const { testForge, forge, repo, run, branch, rerun } = await endedRun({ a: { end: 'failed' } });
    const { caller } = testForge.account('eve');
    expect(() => rerunLanes(forge, { repo, run, caller, scope: 'all' })).toThrow();
    forge.db.run(`UPDATE branches SET state = 'closed' WHERE id = :id`, { id: branch.id });
    expect(() => rerun('all')).toThrow('Branch #1 is closed');
  });
});

describe('a cancel', () => {
  test('ends what is queued at once and what runs when its programs are gone', async () => {
    const testForge = await open({
      settings: { ci: { concurrency: 1, graceSeconds: 1, pollSeconds: 3600 } },
    });
    const { forge } = testForge;
    const { caller } = testForge.account('ada', 'admin');
    const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
    const files = manifest('id = "a"\ncommand = "echo up; sleep 600"', 'id = "b"\ncommand = "true"');
    const branch = await pushBranch(forge, repo, { name: 'work', files });
    const ci = await openCi(forge);
    testForge.defer(() => ci.stop());
    const output = forge.events.next('lane-output');
    await ci.scheduler.pass();
    await output;
    const run = runOfBranch(forge, branch);
    expect(cancelRun(forge, { repo, run, caller })).toEqual({ cancelled: 2 });
    expect(laneOf(forge, run, 'a').attempt.state).toBe('cancelling');
    expect(laneOf(forge, run, 'b').attempt).toMatchObject({
      state: 'cancelled',
      message: 'cancelled by ada',
    });
    await ci.scheduler.pass();
    const lane = await laneReaching(forge, { run, key: 'a' });
    expect(lane.attempt).toMatchObject({ state: 'cancelled', message: 'cancelled by ada' });
    expect(runOfBranch(forge, branch).state).toBe('cancelled');
    expect(() => cancelRun(forge, { repo, run, caller })).toThrow('Nothing of run 1 is queued or running');
  });

  test('comes by itself when the branch is settled', async () => {
    const testForge = await open();
    const { forge } = testForge;
    const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
    const branch = await pushBranch(forge, repo, {
      name: 'work',
      files: manifest('id = "a"\ncommand = "sleep 600"'),
    });
    const ci = await openCi(forge);
    testForge.defer(() => ci.stop());
    await ci.scheduler.pass();
    forge.db.run(`UPDATE branches SET state = 'merged' WHERE id = :id`, { id: branch.id });
    const run = runOfBranch(forge, branch);
    await ci.scheduler.pass();
    await ci.scheduler.pass();
    const lane = await laneReaching(forge, { run, key: 'a' });
    expect(lane.attempt).toMatchObject({ state: 'cancelled', message: 'the branch was merged' });
  });
});
