import { describe, expect, test } from 'vitest';
import { claimLanes, type Claim } from '../../src/ci/scheduler/claim.ts';
import { createMissingRuns } from '../../src/ci/scheduler/create-run.ts';
import { getAttempt, listLanes } from '../../src/ci/find.ts';
import { finishAttempt } from '../../src/ci/scheduler/finish.ts';
import { extendLease, stampFirstOutput } from '../../src/ci/scheduler/queue.ts';
import { returnToQueue } from '../../src/ci/recovery/recover.ts';
import { laneHolds } from '../../src/ci/scheduler/verdict.ts';
import type { Forge } from '../../src/forge/open.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';

const open = useForge({ settings: { ci: { concurrency: 2 } } });
const order = { owner: 'test', sandbox: 'none', unsatisfiable: undefined };
const lane = (id: string, more = '') => `id = "${id}"\ncommand = "true"\n${more}`;

async function queue(...lanes: string[]) {
  const clock = new SettableClock();
  const testForge = await open({ clock });
  const { forge } = testForge;
  const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
  const branch = await pushBranch(forge, repo, { name: 'work', files: manifest(...lanes) });
  await createMissingRuns(forge);
  const run = runOfBranch(forge, branch);
  const states = () =>
    listLanes(forge, run.id).map(({ key, attempt }) =>
      `${key} ${attempt.state} ${attempt.reason ?? ''}`.trim(),
    );
  return { testForge, forge, clock, repo, branch, run, states };
}

const claimOne = (forge: Forge): Claim => {
  const [claim] = claimLanes(forge, order);
  if (claim === undefined) throw new Error('nothing was claimed');
  return claim;
};

describe('a claim', () => {
  test('takes as many lanes as there are free places, counted in the database', async () => {
    const { forge, states } = await queue(lane('a'), lane('b'), lane('c'));
    expect(claimLanes(forge, order)).toHaveLength(2);
    expect(claimLanes(forge, order)).toHaveLength(0);
    expect(states()).toEqual(['a running', 'b running', 'c queued waiting_for_capacity']);
  });

  test('counts a lane that is being cancelled as running', async () => {
    const { forge } = await queue(lane('a'), lane('b'), lane('c'));
    const [first] = claimLanes(forge, order);
    forge.db.run(`UPDATE lane_attempts SET state = 'cancelling' WHERE id = :id`, { id: first!.attemptId });
    expect(claimLanes(forge, order)).toHaveLength(0);
  });

  test('leaves a group to the lane that holds it', async () => {
    const { forge, states } = await queue(
      lane('a', 'group = "host"'),
      lane('b', 'group = "host"'),
      lane('c'),
    );
    claimLanes(forge, order);
    expect(states()).toEqual(['a running', 'b queued blocked_by_group', 'c running']);
  });

  test('waits for needed lanes, and skips what needed a lane that failed', async () => {
    const { forge, states, run } = await queue(
      lane('a'),
      lane('b', 'needs = ["a"]'),
      lane('c', 'needs = ["b"]'),
    );
    const claim = claimOne(forge);
    expect(states()).toEqual(['a running', 'b queued waiting_for_lane', 'c queued waiting_for_lane']);
    finishAttempt(forge, claim, { state: 'failed', failureKind: 'test_failure', exitCode: 1 });
    expect(states()).toEqual(['a failed', 'b skipped', 'c skipped']);
    expect(listLanes(forge, run.id).map(({ attempt }) => attempt.skipCause)).toEqual([
      undefined,
      'dependency_failed',
      'dependency_failed',
    ]);
  });

  test('goes to the branch that used the least time, then to the oldest', async () => {
    const { testForge, forge, clock, repo } = await queue(lane('a'), lane('b'), lane('c'));
    const claims = claimLanes(forge, order);
    clock.advance(60_000);
    const quiet = await pushBranch(forge, repo, { name: 'quiet', files: manifest(lane('x')) });
    await createMissingRuns(forge);
    for (const claim of claims) finishAttempt(forge, claim, { state: 'success' });
    forge.config.ci.concurrency = 1;
    expect(claimOne(forge).runId).toBe(runOfBranch(forge, quiet).id);
    expect(testForge.folder).toBeTruthy();
  });

  test('keeps the time since when a lane waits while the reason stays the same, whoever is in the way', async () => {
    const { forge, clock, run } = await queue(...['a', 'b', 'c'].map((id) => lane(id, 'group = "g"')));
    const last = () => listLanes(forge, run.id)[2]?.attempt;
    const [first] = claimLanes(forge, order);
    const since = last()?.reasonSince;
    expect(last()?.reasonDetail).toBe('g is held by a of run 1');
    clock.advance(5000);
    finishAttempt(forge, first!, { state: 'success' });
    claimLanes(forge, order);
    expect(last()).toMatchObject({ reasonDetail: 'g is held by b of run 1', reasonSince: since });
  });

  test('takes nothing where no sandbox may be used, and says why', async () => {
    const { forge, states } = await queue(lane('a'));
    expect(claimLanes(forge, { owner: 'x', sandbox: undefined, unsatisfiable: 'no sandbox' })).toEqual([]);
    expect(states()).toEqual(['a queued unsatisfiable']);
  });
});

describe('a stale claim', () => {
  test('may not finish, beat or write after its lane was claimed again', async () => {
    const { forge, states } = await queue(lane('a'));
    const stale = claimOne(forge);
    returnToQueue(forge, stale, 'its lease ran out');
    expect(states()).toEqual(['a queued lease_expired']);
    const current = claimOne(forge);
    expect(current.token).toBe(stale.token + 1);

    const fence = { id: stale.attemptId, token: stale.token };
    expect(finishAttempt(forge, stale, { state: 'success' })).toBe(false);
    expect(extendLease(forge.db, { ...fence, leaseUntil: 9e15, logBytes: 1 })).toBe(false);
    expect(stampFirstOutput(forge.db, { ...fence, now: 1 })).toBe(false);
    expect(returnToQueue(forge, stale, 'again')).toBe(false);
    expect(getAttempt(forge, current.attemptId)).toMatchObject({
      state: 'running',
      token: current.token,
      logBytes: 0,
    });

    expect(finishAttempt(forge, current, { state: 'success' })).toBe(true);
    expect(finishAttempt(forge, current, { state: 'failed' })).toBe(false);
    expect(states()).toEqual(['a success']);
  });

  test('of a cancelled lane ends as cancelled, even when its program succeeded', async () => {
    const { forge, states } = await queue(lane('a'));
    const claim = claimOne(forge);
    forge.db.run(`UPDATE lane_attempts SET state = 'cancelling' WHERE id = :id`, { id: claim.attemptId });
    finishAttempt(forge, claim, { state: 'success', exitCode: 0 });
    expect(states()).toEqual(['a cancelled']);
  });
});

describe('the verdict', () => {
  test('names every required lane that is not green; a lane that is not required does not count', async () => {
    const { forge, repo, branch } = await queue(lane('a'), lane('b', 'required = false'));
    const keys = () => laneHolds(forge, { repo, headOid: branch.headOid }).map(({ key }) => key);
    expect(keys()).toEqual(['a']);
    const claims = claimLanes(forge, order);
    finishAttempt(forge, claims[1]!, { state: 'failed', failureKind: 'test_failure' });
    expect(keys()).toEqual(['a']);
    finishAttempt(forge, claims[0]!, { state: 'success' });
    expect(keys()).toEqual([]);
    expect(runOfBranch(forge, branch).state).toBe('success');
  });
});
