// What the forge makes of what Slurm says, case by case and without a cluster.
import { describe, expect, test } from 'vitest';
import { decideJob, type JobFacts } from '../../src/ci/lanes/slurm/decide-job.ts';
import { findJobs } from '../../src/ci/lanes/slurm/find-jobs.ts';
import { commentOf, rowOfComment } from '../../src/ci/lanes/slurm/job-comment.ts';
import type { WatchedJob } from '../../src/ci/lanes/slurm/slurm-job-store.ts';
import { explainReason, readQueue, type SlurmJob } from '../../src/ci/lanes/slurm/slurm-queue.ts';

const waiting: WatchedJob = {
  id: 5,
  attemptId: 7,
  laneId: 3,
  runId: 2,
  target: 'cluster',
  jobId: 12,
  token: null,
  node: null,
  submittedAt: 0,
  releasedAt: null,
  ending: null,
  state: 'queued',
  reason: 'waiting_for_capacity',
  reasonSince: 0,
  attemptToken: 0,
  leaseUntil: null,
};
const claimed: WatchedJob = { ...waiting, token: 1, attemptToken: 1, state: 'running', leaseUntil: 120_000 };
const cancelling: WatchedJob = { ...claimed, state: 'cancelling' };
const released: WatchedJob = { ...claimed, releasedAt: 1000, ending: 'lost', state: 'queued' };

const seen: SlurmJob = {
  jobId: 12,
  phase: 'waiting',
  state: 'PENDING',
  reason: 'Resources',
  node: undefined,
  exitCode: 0,
  comment: '',
  userId: 1000,
};
const runs: SlurmJob = { ...seen, phase: 'running', state: 'RUNNING', reason: '', node: 'n1' };
const ended = (state: string, exitCode = 0): SlurmJob => ({ ...runs, phase: 'ended', state, exitCode });

const facts: JobFacts = {
  now: 2000,
  graceMs: 20_000,
  isPaused: false,
  patienceMs: 600_000,
  askedMs: undefined,
  runningMs: undefined,
  startMs: 120_000,
};

describe('a lane that waits at Slurm', () => {
  test('says why in its own reason', () => {
    expect(decideJob(waiting, seen, facts)).toEqual({
      step: 'explain',
      reason: 'waiting_for_capacity',
      detail: 'Slurm job 12 waits: Resources: every node that fits is taken, drained or down',
    });
    expect(decideJob(waiting, runs, facts)).toMatchObject({ detail: 'Slurm job 12 starts on n1' });
  });

  test('is offered anew when its job is gone, was never there, or starts and does not come to the forge', () => {
    expect(decideJob(waiting, undefined, facts)).toMatchObject({ step: 'release', ending: 'broken' });
    expect(decideJob({ ...waiting, jobId: null }, undefined, facts)).toMatchObject({ ending: 'refused' });
    expect(decideJob(waiting, ended('FAILED', 127), facts)).toMatchObject({
      ending: 'broken',
      why: expect.stringContaining('no Node in the path'),
    });
    const whyOf = (exitCode: number) => decideJob(waiting, ended('FAILED', exitCode), facts);
    expect(whyOf(75)).toMatchObject({ why: expect.stringContaining('its agent was refused') });
    expect(whyOf(69)).toMatchObject({
      why: 'Slurm job 12 ended as FAILED on n1 with exit 69 before the lane began: the node does not reach the forge at the forgeUrl of the target',
    });
    expect(whyOf(78)).toMatchObject({ why: expect.stringContaining('older than 20') });
    // What sbatch refuses stays in the queue for a while; it does not count as a job that was tried.
    const refused: SlurmJob = { ...ended('FAILED', 1), node: undefined, reason: 'BadConstraints' };
    expect(decideJob(waiting, refused, facts)).toMatchObject({ step: 'release', ending: 'refused' });
    // It ran once, and what it claimed was given back: whatever Slurm says, it is not this lane's any more.
    expect(decideJob({ ...waiting, token: 1 }, runs, facts)).toMatchObject({
      step: 'release',
      ending: 'broken',
      why: 'its claim was given back',
    });
    const late = { ...facts, runningMs: 120_001 };
    expect(decideJob(waiting, runs, late)).toMatchObject({ step: 'release', ending: 'broken' });
  });

  test('fails after a while when no time brings what it waits for, unless the cluster is changed', () => {
    const tooLong = { ...seen, reason: 'PartitionTimeLimit' };
    const told = decideJob(waiting, tooLong, facts);
    expect(told).toMatchObject({ step: 'explain', reason: 'unsatisfiable' });
    const since: WatchedJob = { ...waiting, reason: 'unsatisfiable', reasonSince: 1000 };
    expect(decideJob(since, tooLong, { ...facts, now: 600_999 })).toEqual(told);
    expect(decideJob(since, tooLong, { ...facts, now: 601_000 })).toMatchObject({
      step: 'give up',
      message: expect.stringContaining('more than the partition gives'),
    });
    expect(decideJob(since, seen, { ...facts, now: 601_000 })).toMatchObject({
      reason: 'waiting_for_capacity',
    });
  });

  test('is taken back while CI is paused, and let go when it has ended', () => {
    expect(decideJob(waiting, seen, { ...facts, isPaused: true })).toMatchObject({ ending: 'withdrawn' });
    expect(decideJob({ ...waiting, state: 'cancelled' }, seen, facts)).toMatchObject({
      step: 'release',
      ending: 'withdrawn',
    });
  });
});

describe('a lane whose agent holds the claim', () => {
  test('waits for the end of its lease when Slurm lost sight of it, for it may live', () => {
    for (const state of [claimed, cancelling]) {
      expect(decideJob(state, undefined, facts)).toEqual({ step: 'nothing' });
      expect(decideJob(state, ended('NODE_FAIL'), facts)).toEqual({ step: 'nothing' });
    }
  });

  test('is taken back at once when Slurm has ended all of its programs', () => {
    expect(decideJob(claimed, ended('CANCELLED'), facts)).toMatchObject({ step: 'reap' });
    expect(decideJob(claimed, ended('COMPLETED'), facts)).toMatchObject({ step: 'reap' });
    for (const state of ['TIMEOUT', 'DEADLINE'])
      expect(decideJob(claimed, ended(state), facts)).toMatchObject({ step: 'fail', failureKind: 'timeout' });
    expect(decideJob(claimed, ended('OUT_OF_MEMORY'), facts)).toMatchObject({
      step: 'fail',
      message: expect.stringContaining('more memory'),
    });
    expect(decideJob(cancelling, ended('TIMEOUT'), facts)).toMatchObject({ step: 'reap' });
  });

  test('is asked to end when it is cancelled, and ended when it does not', () => {
    expect(decideJob(claimed, runs, facts)).toEqual({ step: 'nothing' });
    expect(decideJob(cancelling, runs, facts)).toEqual({ step: 'ask' });
    expect(decideJob(cancelling, runs, { ...facts, askedMs: 10 })).toEqual({ step: 'nothing' });
    expect(decideJob(cancelling, runs, { ...facts, askedMs: 20_001 })).toEqual({ step: 'end' });
  });
});

test('a job that is nobody’s any more is ended until Slurm has it no more', () => {
  expect(decideJob(released, runs, facts)).toEqual({ step: 'end' });
  expect(decideJob(released, { ...runs, phase: 'ending' }, facts)).toEqual({ step: 'end' });
  expect(decideJob(released, ended('CANCELLED'), facts)).toEqual({ step: 'gone' });
  expect(decideJob(released, undefined, facts)).toEqual({ step: 'gone' });
  // An agent that has told its result is let out.
  const over: WatchedJob = { ...released, ending: 'over', state: 'success' };
  expect(decideJob(over, runs, facts)).toEqual({ step: 'nothing' });
  expect(decideJob(over, seen, facts)).toEqual({ step: 'end' });
  expect(decideJob(over, runs, { ...facts, now: 30_000 })).toEqual({ step: 'end' });
});

test('the queue of Slurm is read as old and young versions print it', () => {
  const old = {
    job_id: 1,
    job_state: 'FAILED',
    state_reason: 'None',
    nodes: 'n1',
    batch_host: 'n1',
    comment: 'c',
    exit_code: 19_200,
  };
  const young = {
    job_id: 2,
    job_state: ['COMPLETED', 'COMPLETING'],
    state_reason: 'Priority',
    nodes: '',
    comment: null,
    user_id: 7,
    exit_code: { status: ['SUCCESS'], return_code: { set: true, infinite: false, number: 75 } },
  };
  expect(readQueue(JSON.stringify({ meta: {}, errors: [], jobs: [old, young] }))).toEqual([
    {
      jobId: 1,
      phase: 'ended',
      state: 'FAILED',
      reason: '',
      node: 'n1',
      exitCode: 75,
      comment: 'c',
      userId: undefined,
    },
    {
      jobId: 2,
      phase: 'ending',
      state: 'COMPLETED',
      reason: 'Priority',
      node: undefined,
      exitCode: 75,
      comment: '',
      userId: 7,
    },
  ]);
  expect(() => readQueue('slurm_load_jobs error')).toThrow('is no queue: slurm_load_jobs error');
  const silent = {
    jobs: [],
    errors: [{ error: 'Unable to contact slurm controller (connect failure)', errno: 1 }],
  };
  expect(() => readQueue(JSON.stringify(silent))).toThrow('Unable to contact');
  for (const name of ['QOSMaxJobsPerUserLimit', 'AssocGrpCpuLimit'])
    expect(explainReason(name)).toBe(`${name}: a limit of the cluster is reached`);
  expect(explainReason('')).toBe('it was not looked at yet');
  expect(explainReason('Dependency')).toBe('Dependency');
});

test('each state of Slurm means that a job waits, runs, is being ended or has ended', () => {
  const phases = {
    waiting: 'PENDING CONFIGURING REQUEUED REQUEUE_HOLD REQUEUE_FED RESV_DEL_HOLD SPECIAL_EXIT',
    running: 'RUNNING SUSPENDED STOPPED RESIZING SIGNALING',
    ending: 'COMPLETING STAGE_OUT',
    ended:
      'COMPLETED CANCELLED FAILED TIMEOUT NODE_FAIL PREEMPTED BOOT_FAIL DEADLINE OUT_OF_MEMORY REVOKED LAUNCH_FAILED',
  };
  for (const [phase, states] of Object.entries(phases))
    for (const state of states.split(' '))
      expect(readQueue(JSON.stringify({ jobs: [{ job_id: 1, job_state: [state] }] }))).toMatchObject([
        { state, phase },
      ]);
  // A node that is still being booted, or that is cleared, has the job.
  const both = { job_id: 1, job_state: ['RUNNING', 'CONFIGURING'] };
  expect(readQueue(JSON.stringify({ jobs: [both] }))).toMatchObject([{ phase: 'waiting' }]);
});

test('a job tells which forge made it, and others are not taken for its own', () => {
  const comment = commentOf('one', { runId: 2, attemptId: 7, rowId: 5 });
  expect(comment).toContain('run=2:attempt=7:row=5');
  expect(rowOfComment('one', comment)).toBe(5);
  expect(rowOfComment('two', comment)).toBeUndefined();
  expect(rowOfComment('one', 'a job of somebody')).toBeUndefined();
});

test('a job with the comment of another one is nobody’s: that of a stranger is left alone, that of the own user is ended', () => {
  const own = {
    mark: 'one',
    userId: 1000,
    rows: [
      { id: 5, jobId: 12 },
      { id: 6, jobId: null },
    ],
  };
  const of = (rowId: number, jobId: number, over: Partial<SlurmJob> = {}): SlurmJob => ({
    ...runs,
    jobId,
    comment: commentOf('one', { runId: 2, attemptId: 7, rowId }),
    ...over,
  });
  const copies = [
    of(5, 20, { phase: 'ended' }),
    of(6, 11, { phase: 'ended' }),
    of(6, 14),
    of(6, 21),
    of(9, 22),
  ];
  const { ofRow, others } = findJobs([...copies, of(5, 12), of(6, 13, { userId: 2000 })], own);
  expect([...ofRow].map(([row, { jobId }]) => [row, jobId])).toEqual([
    [5, 12],
    [6, 14],
  ]);
  expect(others.map(({ jobId }) => jobId)).toEqual([21, 22, 11, 20]);
  // Where the number is known, nothing else stands for the job: it vanished.
  expect(findJobs([of(5, 20)], own).ofRow.size).toBe(0);
});
