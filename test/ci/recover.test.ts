import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { claimLanes } from '../../src/ci/scheduler/claim.ts';
import { createMissingRuns } from '../../src/ci/scheduler/create-run.ts';
import { attemptCookie } from '../../src/ci/lanes/launch.ts';
import { openCi } from '../../src/ci/open.ts';
import { cookieName, findSurvivors } from '../../src/ci/lanes/survivors.ts';
import { laneOf, laneReaching, manifest, nextOutput, pushBranch, runOfBranch } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';

const open = useForge({ settings: { ci: { graceSeconds: 1, pollSeconds: 3600 } } });

async function oneLane(command: string) {
  const testForge = await open();
  const { forge } = testForge;
  const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
  const files = manifest(`id = "a"\ncommand = ${JSON.stringify(command)}`);
  const branch = await pushBranch(forge, repo, { name: 'work', files });
  return { testForge, forge, repo, branch };
}

describe('after a crash', () => {
  test('what ran is queued again, its programs and folders are gone, and it runs once more', async () => {
    const { testForge, forge, branch } = await oneLane('echo again');
    await createMissingRuns(forge);
    const [claim] = claimLanes(forge, { owner: 'dead', sandbox: 'none', unsatisfiable: undefined });
    // What a killed forge leaves: a program with the attempt's cookie in a session of its own, and a checkout.
    const cookie = attemptCookie(forge.config.paths.data, claim!);
    const orphan = spawn('sleep', ['600'], {
      detached: true,
      stdio: 'ignore',
      env: { PATH: process.env['PATH'], [cookieName]: cookie },
    });
    const orphanEnded = once(orphan, 'exit');
    mkdirSync(join(forge.config.paths.checkouts, '1-1', 'work'), { recursive: true });
    writeFileSync(join(forge.config.paths.checkouts, '1-1', 'work', 'file'), 'x');

    const ci = await openCi(forge);
    testForge.defer(() => ci.stop());
    await orphanEnded;
    expect(readdirSync(forge.config.paths.checkouts)).toEqual([]);
    const run = runOfBranch(forge, branch);
    expect(laneOf(forge, run, 'a').attempt).toMatchObject({
      state: 'queued',
      reason: 'lease_expired',
      token: 1,
      number: 1,
    });

    await ci.scheduler.pass();
    const lane = await laneReaching(forge, { run, key: 'a' });
    expect(lane.attempt).toMatchObject({ state: 'success', token: 2, number: 1 });
  });

  test('also programs of an attempt that nobody remembers are ended', async () => {
    const { testForge, forge } = await oneLane('true');
    const cookie = attemptCookie(forge.config.paths.data, { attemptId: 999, token: 1 });
    const env = { PATH: process.env['PATH'], [cookieName]: cookie };
    const orphan = spawn('sleep', ['600'], { detached: true, stdio: 'ignore', env });
    const ended = once(orphan, 'exit');
    const ci = await openCi(forge);
    testForge.defer(() => ci.stop());
    expect(await ended).toEqual([null, 'SIGKILL']);
  });

  test('what was being cancelled ends as cancelled', async () => {
    const { testForge, forge, branch } = await oneLane('true');
    await createMissingRuns(forge);
    claimLanes(forge, { owner: 'dead', sandbox: 'none', unsatisfiable: undefined });
    forge.db.run(`UPDATE lane_attempts SET state = 'cancelling', message = 'cancelled by ada'`);
    const ci = await openCi(forge);
    testForge.defer(() => ci.stop());
    expect(laneOf(forge, runOfBranch(forge, branch), 'a').attempt).toMatchObject({
      state: 'cancelled',
      message: 'cancelled by ada',
    });
    expect(runOfBranch(forge, branch).state).toBe('cancelled');
  });
});

describe('a clean stop', () => {
  test('ends what runs and queues it again for the next start', async () => {
    const { testForge, forge, branch } = await oneLane('echo up; sleep 600');
    const ci = await openCi(forge);
    const output = forge.events.next('lane-output');
    await ci.scheduler.pass();
    await output;
    await ci.stop();
    const lane = laneOf(forge, runOfBranch(forge, branch), 'a');
    expect(lane.attempt).toMatchObject({ state: 'queued', reason: 'lease_expired', token: 1 });
    const { id: attemptId, token } = lane.attempt;
    expect(findSurvivors(attemptCookie(forge.config.paths.data, { attemptId, token }))).toEqual([]);

    const second = await openCi(forge);
    testForge.defer(() => second.stop());
    const again = nextOutput(forge, lane);
    await second.scheduler.pass();
    await again;
    expect(laneOf(forge, runOfBranch(forge, branch), 'a').attempt).toMatchObject({
      state: 'running',
      token: 2,
    });
  });
});

describe('a claim without a thread', () => {
  test('is taken back by the next pass and runs again', async () => {
    const { testForge, forge, branch } = await oneLane('echo done');
    const ci = await openCi(forge);
    testForge.defer(() => ci.stop());
    await createMissingRuns(forge);
    claimLanes(forge, { owner: 'lost', sandbox: 'none', unsatisfiable: undefined });
    const requeued = forge.events.next('lane-changed', (change) => change.state === 'queued');
    await ci.scheduler.pass();
    await requeued;
    await ci.scheduler.pass();
    const lane = await laneReaching(forge, { run: runOfBranch(forge, branch), key: 'a' });
    expect(lane.attempt).toMatchObject({ state: 'success', token: 2 });
  });
});
