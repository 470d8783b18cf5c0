// What the forge makes of what Slurm says, case by case and without a cluster.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bootScript } from '../../src/ci/lanes/slurm/boot-script.ts';
import { decideJob, type JobFacts } from '../../src/ci/lanes/slurm/decide-job.ts';
import { commentOf, rowOfComment } from '../../src/ci/lanes/slurm/job-comment.ts';
import { runSlurm } from '../../src/ci/lanes/slurm/run-slurm.ts';
import type { WatchedJob } from '../../src/ci/lanes/slurm/slurm-job-store.ts';
import { explainReason, readQueue, type SlurmJob } from '../../src/ci/lanes/slurm/slurm-queue.ts';
import { optionsOf } from '../../src/ci/lanes/slurm/submit-job.ts';
import { slurmTarget } from '../../src/forge/slurm-settings.ts';

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
};
const runs: SlurmJob = { ...seen, phase: 'running', state: 'RUNNING', reason: '', node: 'n1' };
const ended = (state: string, exitCode = 0): SlurmJob => ({ ...runs, phase: 'ended', state, exitCode });

const facts: JobFacts = {
  now: 2000,
  graceMs: 20_000,
  isPaused: false,
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
    expect(decideJob(waiting, ended('FAILED', 75), facts)).toMatchObject({
      why: expect.stringContaining('its agent was refused'),
    });
    // It ran once, and what it claimed was given back: whatever Slurm says, it is not this lane's any more.
    expect(decideJob({ ...waiting, token: 1 }, runs, facts)).toMatchObject({
      step: 'release',
      ending: 'broken',
      why: 'its claim was given back',
    });
    const late = { ...facts, runningMs: 120_001 };
    expect(decideJob(waiting, runs, late)).toMatchObject({ step: 'release', ending: 'broken' });
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
    exit_code: { status: ['SUCCESS'], return_code: { set: true, infinite: false, number: 75 } },
  };
  expect(readQueue(JSON.stringify({ meta: {}, errors: [], jobs: [old, young] }))).toEqual([
    { jobId: 1, phase: 'ended', state: 'FAILED', reason: '', node: 'n1', exitCode: 75, comment: 'c' },
    {
      jobId: 2,
      phase: 'ending',
      state: 'COMPLETED',
      reason: 'Priority',
      node: undefined,
      exitCode: 75,
      comment: '',
    },
  ]);
  expect(() => readQueue('slurm_load_jobs error')).toThrow();
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
  const comment = commentOf('/srv/one', { runId: 2, attemptId: 7, rowId: 5 });
  expect(comment).toContain('run=2:attempt=7:row=5');
  expect(rowOfComment('/srv/one', comment)).toBe(5);
  expect(rowOfComment('/srv/two', comment)).toBeUndefined();
  expect(rowOfComment('/srv/one', 'a job of somebody')).toBeUndefined();
});

test('a job gets its limits and the environment of sbatch, and no second try', () => {
  const target = slurmTarget.parse({
    executor: 'slurm',
    partition: 'long',
    account: 'ci',
    constraint: 'avx512&ssd',
    cpus: 4,
    memoryMebibytes: 8192,
    options: ['--qos=low'],
  });
  const options = optionsOf({
    comment: 'c',
    name: 'unit (node=22); rm',
    timeoutSeconds: 90,
    target,
    excluded: ['n1', 'n2'],
  });
  expect(options).toEqual(
    expect.arrayContaining([
      '--parsable',
      '--no-requeue',
      '--export=ALL',
      '--comment=c',
      '--chdir=/',
      '--input=/dev/null',
      '--output=/dev/null',
      '--error=/dev/null',
      '--nodes=1',
      '--ntasks=1',
      '--job-name=unit-node-22-rm',
      '--time=17',
      '--cpus-per-task=4',
      '--mem=8192M',
      '--partition=long',
      '--account=ci',
      '--constraint=avx512&ssd',
      '--exclude=n1,n2',
      '--qos=low',
    ]),
  );
  expect(slurmTarget.safeParse({ executor: 'slurm', options: ['--wrap=reboot'] }).success).toBe(false);
  expect(slurmTarget.safeParse({ executor: 'slurm', partition: '--wrap=x' }).success).toBe(false);
});

test('sbatch has no more of the forge’s environment than where to find programs, for a job takes it along', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pika-sbatch-'));
  try {
    writeFileSync(join(folder, 'sbatch'), '#!/bin/sh\nexec /usr/bin/env\n', { mode: 0o755 });
    const cluster = { configFile: '/etc/here.conf', searchPath: folder, timeoutMs: 60_000, maxBytes: 10_000 };
    const lines = (await runSlurm(cluster, 'sbatch', { args: [] })).trim().split('\n');
    // A shell adds where it is.
    const known = [`PATH=${folder}`, 'LC_ALL=C', 'SLURM_CONF=/etc/here.conf', 'PWD=/'];
    expect(lines.toSorted()).toEqual(known.toSorted());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the script of a job has the credential in its text alone, and quotes what the operator chose', () => {
  const script = bootScript({
    url: 'http://forge:8787',
    credential: 'pikaagent-secret',
    sha256: 'a'.repeat(64),
    path: "/opt/it's here/bin:/usr/bin",
    scratch: '/tmp',
    sandbox: 'auto',
    allowUnsandboxed: false,
  });
  expect(script).toContain(String.raw`PATH='/opt/it'\''s here/bin:/usr/bin'`);
  const beforeText = script.slice(0, script.indexOf("<<'END_OF_BOOT'"));
  expect(beforeText).not.toContain('pikaagent-secret');
  expect(script.split('\n').filter((line) => line === 'END_OF_BOOT')).toHaveLength(1);
});
