import { describe, expect, test } from 'vitest';
import { openCi, type Ci } from '../../src/ci/open.ts';
import { listLanes } from '../../src/ci/find.ts';
import { laneOf, laneReaching, manifest, nextOutput, pushBranch, runOfBranch } from '../support/ci.ts';
import { useForge, type TestForge } from '../support/forge.ts';

const open = useForge({ settings: { ci: { concurrency: 2, graceSeconds: 1, pollSeconds: 3600 } } });

const wait = 'id = "slow"\ncommand = "echo up; sleep 600"';

async function withCi(testForge: TestForge): Promise<Ci> {
  const ci = await openCi(testForge.forge);
  testForge.defer(() => ci.stop());
  return ci;
}

/** A finishing lane wakes the scheduler, as src/reactions.ts does. */
function wakeOnChange({ forge }: TestForge, ci: Ci): void {
  forge.events.on('lane-changed', () => ci.scheduler.wake());
  ci.start();
}

describe('the scheduler', () => {
  test('runs a fast lane of another branch while a slow lane runs', async () => {
    const testForge = await open();
    const { forge } = testForge;
    const ci = await withCi(testForge);
    const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
    const slow = await pushBranch(forge, repo, { name: 'slow', files: manifest(wait) });
    await ci.scheduler.pass();
    const slowRun = runOfBranch(forge, slow);
    expect(laneOf(forge, slowRun, 'slow').attempt.state).toBe('running');

    const fast = await pushBranch(forge, repo, {
      name: 'fast',
      files: manifest('id = "fast"\ncommand = "echo done"'),
    });
    await ci.scheduler.pass();
    const lane = await laneReaching(forge, { run: runOfBranch(forge, fast), key: 'fast' });
    expect(lane.attempt).toMatchObject({ state: 'success', exitCode: 0 });
    expect(laneOf(forge, slowRun, 'slow').attempt.state).toBe('running');
    expect(runOfBranch(forge, fast).state).toBe('success');
  });

  test('claims nothing when as many lanes run as may, and says so', async () => {
    const testForge = await open();
    const { forge } = testForge;
    const ci = await withCi(testForge);
    const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
    const lanes = ['a', 'b', 'c'].map((id) => `id = "${id}"\ncommand = "sleep 600"`);
    const branch = await pushBranch(forge, repo, { name: 'three', files: manifest(...lanes) });
    await ci.scheduler.pass();
    await ci.scheduler.pass();
    const run = runOfBranch(forge, branch);
    expect(listLanes(forge, run.id).map((lane) => lane.attempt.state)).toEqual([
      'running',
      'running',
      'queued',
    ]);
    expect(laneOf(forge, run, 'c').attempt).toMatchObject({
      reason: 'waiting_for_capacity',
      reasonDetail: 'all 2 places for lanes are taken',
    });
  });

  test('starts the next lane when one ends, without a poll', async () => {
    const testForge = await open({
      settings: { ci: { concurrency: 1, graceSeconds: 1, pollSeconds: 3600 } },
    });
    const { forge } = testForge;
    const ci = await withCi(testForge);
    const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
    const files = manifest(
      'id = "first"\ncommand = "echo 1"',
      'id = "second"\ncommand = "echo 2"\nneeds = ["first"]',
    );
    const branch = await pushBranch(forge, repo, { name: 'two', files });
    wakeOnChange(testForge, ci);
    await forge.events.next('run-finished');
    const run = runOfBranch(forge, branch);
    expect(listLanes(forge, run.id).map((lane) => lane.attempt.state)).toEqual(['success', 'success']);
    expect(laneOf(forge, run, 'second').attempt.startedAt).toBeGreaterThanOrEqual(
      laneOf(forge, run, 'first').attempt.finishedAt!,
    );
  });

  test('ends the lanes of an older head when a newer one comes, and names the run that took over', async () => {
    const testForge = await open();
    const { forge } = testForge;
    const ci = await withCi(testForge);
    const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
    const first = await pushBranch(forge, repo, { name: 'work', files: manifest(wait) });
    wakeOnChange(testForge, ci);
    await forge.events.next('lane-changed', (change) => change.state === 'running');
    const oldRun = runOfBranch(forge, first);
    await nextOutput(forge, laneOf(forge, oldRun, 'slow'));
    await pushBranch(forge, repo, { name: 'work', files: { 'a.txt': 'a' } });
    ci.scheduler.wake();
    const lane = await laneReaching(forge, { run: oldRun, key: 'slow' });
    expect(lane.attempt).toMatchObject({ state: 'cancelled', message: 'superseded by run 2' });
  });

  test('one repository that cannot be read does not stop the pass', async () => {
    const testForge = await open();
    const { forge } = testForge;
    const ci = await withCi(testForge);
    const broken = await testForge.repo('demo/broken', { files: { 'README.md': 'x' } });
    const good = await testForge.repo('demo/good', { files: { 'README.md': 'x' } });
    const lost = await pushBranch(forge, broken, {
      name: 'lost',
      files: manifest('id = "a"\ncommand = "true"'),
    });
    forge.db.run('UPDATE revisions SET head_oid = :oid WHERE branch_id = :id', {
      oid: 'f'.repeat(40),
      id: lost.id,
    });
    const fine = await pushBranch(forge, good, {
      name: 'fine',
      files: manifest('id = "a"\ncommand = "true"'),
    });
    await ci.scheduler.pass();
    expect(runOfBranch(forge, lost)).toMatchObject({ state: 'failed' });
    expect(runOfBranch(forge, lost).problem).toContain('ffffffff');
    await laneReaching(forge, { run: runOfBranch(forge, fine), key: 'a' });
    expect(runOfBranch(forge, fine).state).toBe('success');
  });

  test('a branch without a manifest is a success without lanes', async () => {
    const testForge = await open();
    const { forge } = testForge;
    const ci = await withCi(testForge);
    const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
    const branch = await pushBranch(forge, repo, { name: 'plain', files: { 'a.txt': 'a' } });
    await ci.scheduler.pass();
    expect(runOfBranch(forge, branch)).toMatchObject({ state: 'success', problem: undefined });
  });

  test('a malformed manifest is a failed run that names line and key', async () => {
    const testForge = await open();
    const { forge } = testForge;
    const ci = await withCi(testForge);
    const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
    const branch = await pushBranch(forge, repo, {
      name: 'bad',
      files: manifest('id = "a"\ncommand = "true"\nimage = "x"'),
    });
    await ci.scheduler.pass();
    expect(runOfBranch(forge, branch).state).toBe('failed');
    expect(runOfBranch(forge, branch).problem).toMatch(/^\.pika\/lanes\.toml, line 4: unknown key image/);
  });
});
