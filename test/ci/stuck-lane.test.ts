// What a person may do about a lane that hangs: mark it failed, requeue it, cancel it by force.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { recentAudit } from '../../src/accounts/audit.ts';
import type { Caller } from '../../src/accounts/model.ts';
import { cancelRun } from '../../src/ci/recovery/cancel.ts';
import { claimLanes } from '../../src/ci/scheduler/claim.ts';
import { createMissingRuns } from '../../src/ci/scheduler/create-run.ts';
import { failLane } from '../../src/ci/recovery/fail-lane.ts';
import { listAttempts, listLanes } from '../../src/ci/find.ts';
import { finishAttempt } from '../../src/ci/scheduler/finish.ts';
import { attemptCookie, logFolder } from '../../src/ci/lanes/launch.ts';
import { readLog } from '../../src/ci/logs/log.ts';
import { openCi } from '../../src/ci/open.ts';
import { extendLease, setLogBytes } from '../../src/ci/scheduler/queue.ts';
import { requeueLane } from '../../src/ci/recovery/requeue-lane.ts';
import { cookieName, findSurvivors } from '../../src/ci/lanes/survivors.ts';
import { laneHolds } from '../../src/ci/scheduler/verdict.ts';
import { laneOf, laneReaching, manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';
import { ScriptedExecutor, type ScriptedLane } from '../support/scripted-executor.ts';

// Real git, programs and servers, on a machine that may run everything else at once.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const open = useForge({ settings: { ci: { concurrency: 1, graceSeconds: 1, pollSeconds: 3600 } } });
const order = { owner: 'test', sandbox: 'none', unsatisfiable: undefined };

const twoLanes = manifest(
  'id = "a"\ncommand = "trap \'\' TERM; echo up; sleep 600"',
  'id = "b"\ncommand = "true"\nneeds = ["a"]',
);

/** A branch whose lane `a` is claimed by a thread that is not there, and whose lane `b` needs it. */
async function claimed() {
  const testForge = await open();
  const { forge } = testForge;
  const { caller } = testForge.account('ada', 'admin');
  const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
  const branch = await pushBranch(forge, repo, { name: 'work', files: twoLanes });
  await createMissingRuns(forge);
  const claim = claimLanes(forge, order)[0]!;
  const run = runOfBranch(forge, branch);
  const about = (reason = '') => ({ repo, run, caller, lane: 'a', reason });
  const lane = (key = 'a') => laneOf(forge, run, key).attempt;
  return { testForge, forge, repo, branch, run, caller, claim, about, lane };
}

/** The same with a real thread and a program that does not care for SIGTERM. */
async function running(graceSeconds = 1) {
  const testForge = await open({ settings: { ci: { concurrency: 1, graceSeconds, pollSeconds: 3600 } } });
  const { forge } = testForge;
  const { caller } = testForge.account('ada', 'admin');
  const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
  const branch = await pushBranch(forge, repo, { name: 'work', files: twoLanes });
  const ci = await openCi(forge);
  testForge.defer(() => ci.stop());
  const output = forge.events.next('lane-output');
  await ci.scheduler.pass();
  await output;
  const run = runOfBranch(forge, branch);
  const about = (reason = '') => ({ repo, run, caller, lane: 'a', reason });
  const { id: attemptId, token } = laneOf(forge, run, 'a').attempt;
  const survivors = () => findSurvivors(attemptCookie(forge.config.paths.data, { attemptId, token }));
  return { testForge, forge, repo, branch, run, caller, ci, about, survivors };
}

const states = ({ forge, run }: Pick<Awaited<ReturnType<typeof claimed>>, 'forge' | 'run'>) =>
  listLanes(forge, run.id).map(({ key, attempt }) => `${key}${attempt.number} ${attempt.state}`);

describe('a claim that is taken from its thread', () => {
  const forceCancel: typeof failLane = (forge, about) => void cancelRun(forge, { ...about, force: true });
  test.each([
    ['marking failed', failLane],
    ['requeueing', requeueLane],
    ['cancelling by force', forceCancel],
  ])('by %s may write nothing more, and its place stays taken', async (_name, take) => {
    const { forge, repo, claim, about, lane } = await claimed();
    take(forge, about('hangs'));
    expect(lane()).toMatchObject({ state: 'cancelling', token: claim.token + 1 });
    const fence = { id: claim.attemptId, token: claim.token };
    expect(extendLease(forge.db, { ...fence, leaseUntil: 1e15, logBytes: 9 })).toBe(false);
    expect(setLogBytes(forge.db, { ...fence, logBytes: 9 })).toBe(false);
    expect(finishAttempt(forge, claim, { state: 'success', exitCode: 0 })).toBe(false);
    expect(lane().state).toBe('cancelling');
    // The one place of this forge is taken as long as nobody has verified that the programs are gone.
    const files = manifest('id = "c"\ncommand = "true"');
    const other = await pushBranch(forge, repo, { name: 'other', files });
    await createMissingRuns(forge);
    expect(claimLanes(forge, order)).toEqual([]);
    expect(laneOf(forge, runOfBranch(forge, other), 'c').attempt.reason).toBe('waiting_for_capacity');
  });
});

describe('a lane that is marked failed', () => {
  test('while it runs ends so when its programs are gone, keeps its log, and lets the next lane run', async () => {
    const world = await running();
    const { forge, run, ci, about, survivors } = world;
    expect(survivors()).not.toEqual([]);
    failLane(forge, about('it hangs'));
    await ci.scheduler.pass();
    const { attempt } = await laneReaching(forge, { run, key: 'a' });
    expect(attempt).toMatchObject({
      state: 'failed',
      failureKind: 'operator',
      message: 'marked failed by ada: it hangs',
      number: 1,
    });
    expect(survivors()).toEqual([]);
    expect((await readLog(forge, attempt, { from: 0, maxBytes: 1e6 })).text).toContain('up\n');
    expect(states(world)).toEqual(['a1 failed', 'b1 skipped']);
    expect(runOfBranch(forge, world.branch).state).toBe('failed');
    const holds = laneHolds(forge, { repo: world.repo, headOid: run.headOid });
    expect(holds.map(({ key }) => key)).toEqual(['a', 'b']);
  });

  test('whose thread has died is failed only when the programs of that claim are gone', async () => {
    const testForge = await open();
    const { forge } = testForge;
    const { caller } = testForge.account('ada', 'admin');
    const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
    const branch = await pushBranch(forge, repo, { name: 'work', files: twoLanes });
    const ci = await openCi(forge);
    testForge.defer(() => ci.stop());
    await createMissingRuns(forge);
    const claim = claimLanes(forge, order)[0]!;
    const cookie = attemptCookie(forge.config.paths.data, claim);
    const env = { PATH: process.env['PATH'], [cookieName]: cookie };
    const orphan = spawn('sleep', ['600'], { detached: true, stdio: 'ignore', env });
    await once(orphan, 'spawn');
    const run = runOfBranch(forge, branch);
    const ended = once(orphan, 'exit');
    failLane(forge, { repo, run, caller, lane: 'a', reason: '' });
    let wasAliveAtTheEnd: boolean | undefined;
    forge.events.on('lane-changed', ({ attemptId, state }) => {
      if (attemptId === claim.attemptId && state === 'failed')
        wasAliveAtTheEnd = findSurvivors(cookie).length > 0;
    });
    await ci.scheduler.pass();
    await laneReaching(forge, { run, key: 'a' });
    expect(wasAliveAtTheEnd).toBe(false);
    expect(await ended).toEqual([null, 'SIGKILL']);
  });

  test('while it waits ends at once, and what needs it is skipped', async () => {
    const testForge = await open();
    const { forge } = testForge;
    const { caller } = testForge.account('ada', 'admin');
    const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
    const branch = await pushBranch(forge, repo, { name: 'work', files: twoLanes });
    await createMissingRuns(forge);
    const run = runOfBranch(forge, branch);
    const finished = forge.events.next('run-finished');
    failLane(forge, { repo, run, caller, lane: 'a', reason: '' });
    expect(await finished).toMatchObject({ runId: run.id, state: 'failed' });
    expect(states({ forge, run })).toEqual(['a1 failed', 'b1 skipped']);
    expect(laneOf(forge, run, 'a').attempt.message).toBe('marked failed by ada');
    expect(recentAudit(forge, 1)).toMatchObject([
      { account: 'ada', action: 'lane.fail', subject: 'demo/app run 1 a' },
    ]);
    expect(() => failLane(forge, { repo, run, caller, lane: 'a', reason: '' })).toThrow(
      'The lane a has ended already: failed',
    );
    expect(() => failLane(forge, { repo, run, caller, lane: 'z', reason: '' })).toThrow('no lane "z"');
  });
});

describe('a lane that is requeued', () => {
  test('while it runs ends as cancelled, and a new attempt runs in its place', async () => {
    const world = await running();
    const { forge, run, ci, about, survivors } = world;
    requeueLane(forge, about('it hangs'));
    const { id: laneId } = laneOf(forge, run, 'a');
    const queued = forge.events.next(
      'lane-changed',
      (lane) => lane.laneId === laneId && lane.state === 'queued',
    );
    await ci.scheduler.pass();
    await queued;
    expect(survivors()).toEqual([]);
    const [first, second] = listAttempts(forge, laneId);
    expect(first).toMatchObject({
      state: 'cancelled',
      failureKind: 'operator',
      message: 'requeued by ada: it hangs',
    });
    expect(second).toMatchObject({ cause: 'requeue', requestedByName: 'ada' });
    // The same pass may have claimed it already, or leaves it to the next.
    await ci.scheduler.pass();
    await laneReaching(forge, { run, key: 'a', states: ['running'] });
    // What needs it goes on waiting for the new attempt.
    expect(states(world)).toEqual(['a2 running', 'b1 queued']);
  });

  test('after a crash in between is queued by the next start', async () => {
    const { testForge, forge, about, run } = await claimed();
    requeueLane(forge, about());
    const ci = await openCi(forge);
    testForge.defer(() => ci.stop());
    expect(states({ forge, run })).toEqual(['a2 queued', 'b1 queued']);
  });

  test('and then cancelled, or superseded by a push, is not queued anew', async () => {
    const cancelled = await claimed();
    requeueLane(cancelled.forge, cancelled.about());
    cancelRun(cancelled.forge, cancelled.about('not needed'));
    const superseded = await claimed();
    const { forge, repo } = superseded;
    requeueLane(forge, superseded.about());
    await pushBranch(forge, repo, { name: 'work', files: { 'more.txt': 'x' } });
    await createMissingRuns(forge);
    for (const [{ testForge, ...world }, message] of [
      [cancelled, 'cancelled by ada: not needed'],
      [superseded, 'superseded by run 2'],
    ] as const) {
      const ci = await openCi(testForge.forge);
      testForge.defer(() => ci.stop());
      expect(states(world)[0]).toBe('a1 cancelled');
      expect(world.lane()).toMatchObject({ failureKind: 'cancelled', message });
    }
  });

  test('while it waits for a retry waits no longer', async () => {
    const testForge = await open();
    const { forge } = testForge;
    const { caller } = testForge.account('ada', 'admin');
    const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
    const branch = await pushBranch(forge, repo, { name: 'work', files: twoLanes });
    await createMissingRuns(forge);
    const run = runOfBranch(forge, branch);
    const about = { repo, run, caller, lane: 'a', reason: '' };
    expect(() => requeueLane(forge, about)).toThrow('The lane a is in the queue already: ready');
    forge.db.run(`UPDATE lane_attempts SET not_before = :later, reason = 'retry_backoff'`, {
      later: forge.clock.now() + 600_000,
    });
    requeueLane(forge, about);
    expect(laneOf(forge, run, 'a').attempt).toMatchObject({ reason: 'ready', notBefore: undefined });
    forge.db.run(`UPDATE branches SET state = 'closed'`);
    expect(() => requeueLane(forge, about)).toThrow('Branch #1 is closed');
  });

  test('that was also requeued twice gets one new attempt, and one that ended gets none', async () => {
    const { testForge, forge, about, run } = await claimed();
    requeueLane(forge, about());
    requeueLane(forge, about('once more'));
    const ci = await openCi(forge);
    testForge.defer(() => ci.stop());
    expect(listAttempts(forge, laneOf(forge, run, 'a').id)).toHaveLength(2);
    forge.db.run(`UPDATE lane_attempts SET state = 'success' WHERE number = 2`);
    expect(() => requeueLane(forge, about())).toThrow('The lane a has ended: success');
  });
});

describe('a forced cancellation', () => {
  test('does not wait for the grace of a program that is being cancelled, and leaves nothing of it', async () => {
    const world = await running(600);
    const { forge, repo, run, caller, ci, survivors } = world;
    cancelRun(forge, { repo, run, caller, lane: 'a' });
    await ci.scheduler.pass();
    // Its ten minutes of grace go on, for it ignores SIGTERM.
    expect(states(world)[0]).toBe('a1 cancelling');
    cancelRun(forge, { repo, run, caller, lane: 'a', force: true, reason: 'now' });
    await ci.scheduler.pass();
    const { attempt } = await laneReaching(forge, { run, key: 'a' });
    expect(attempt).toMatchObject({
      state: 'cancelled',
      failureKind: 'cancelled',
      message: 'cancelled by ada: now',
    });
    expect(survivors()).toEqual([]);
    expect(existsSync(logFolder(forge, { attemptId: attempt.id, token: attempt.token }))).toBe(true);
    expect(recentAudit(forge, 1)).toMatchObject([{ action: 'run.force-cancel' }]);
  });

  test('works also when the thread cannot be ended, and what it says afterwards changes nothing', async () => {
    const testForge = await open({ settings: { ci: { threadEndSeconds: 1, pollSeconds: 3600 } } });
    const { forge } = testForge;
    const { caller } = testForge.account('ada', 'admin');
    const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
    const branch = await pushBranch(forge, repo, { name: 'work', files: twoLanes });
    const submitted = Promise.withResolvers<ScriptedLane>();
    // As a thread that is blocked in the kernel: it is asked to end, and does not.
    const blocked = (executor: ScriptedExecutor) => {
      executor.discard = () => new Promise(() => undefined);
    };
    const ci = await openCi(forge, ScriptedExecutor.maker(blocked, submitted.resolve));
    testForge.defer(() => ci.stop());
    await ci.scheduler.pass();
    const thread = await submitted.promise;
    const run = runOfBranch(forge, branch);
    cancelRun(forge, { repo, run, caller, lane: 'a', force: true });
    await ci.scheduler.pass();
    expect((await laneReaching(forge, { run, key: 'a' })).attempt.state).toBe('cancelled');
    thread.reports.finished(thread.ref, 10, { outcome: 'success', exitCode: 0 });
    expect(laneOf(forge, run, 'a').attempt.state).toBe('cancelled');
  });

  test('of a whole run ends also what waits', async () => {
    const { forge, repo, run, caller } = await claimed();
    expect(cancelRun(forge, { repo, run, caller, force: true })).toEqual({ cancelled: 2 });
    expect(states({ forge, run })).toEqual(['a1 cancelling', 'b1 cancelled']);
  });
});

describe('the right', () => {
  const asMember = async (right: 'read' | 'write' | 'maintain') => {
    const world = await claimed();
    const { account, caller } = world.testForge.account('eve');
    world.forge.db.run(
      'INSERT INTO repo_members (repo_id, account_id, role) VALUES (:repo, :account, :right)',
      {
        repo: world.repo.id,
        account: account.id,
        right,
      },
    );
    return { ...world, about: { ...world.about(), caller } };
  };

  test('to mark failed and to requeue is that of a maintainer; who writes may cancel by force', async () => {
    const { forge, about, lane } = await asMember('write');
    expect(() => failLane(forge, about)).toThrow('You need the right maintain');
    expect(() => requeueLane(forge, about)).toThrow('You need the right maintain');
    expect(lane().state).toBe('running');
    cancelRun(forge, { ...about, force: true });
    expect(lane().state).toBe('cancelling');
  });

  test('is not that of a reader, and not that of a token that only reads', async () => {
    const { forge, about, lane } = await asMember('read');
    expect(() => cancelRun(forge, { ...about, force: true })).toThrow('You need the right write');
    expect(lane().state).toBe('running');
    const maintained = await asMember('maintain');
    const reading: Caller = { ...maintained.about.caller, scope: 'read' };
    const read = { ...maintained.about, caller: reading };
    expect(() => failLane(maintained.forge, read)).toThrow('You need the right maintain');
    expect(() => requeueLane(maintained.forge, read)).toThrow('You need the right maintain');
    expect(() => cancelRun(maintained.forge, { ...read, force: true })).toThrow('You need the right write');
    expect(maintained.lane().state).toBe('running');
  });

  test('of a maintainer is enough', async () => {
    const { forge, about, lane } = await asMember('maintain');
    failLane(forge, about);
    expect(lane().state).toBe('cancelling');
  });
});
