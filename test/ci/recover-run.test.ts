import { describe, expect, test, vi } from 'vitest';
import { recentAudit } from '../../src/accounts/audit.ts';
import { claimLanes } from '../../src/ci/scheduler/claim.ts';
import { createMissingRuns } from '../../src/ci/scheduler/create-run.ts';
import { getRun, listLanes } from '../../src/ci/find.ts';
import { finishAttempt, type Ending } from '../../src/ci/scheduler/finish.ts';
import { startNightly } from '../../src/ci/scheduler/nightly.ts';
import { recoverRun } from '../../src/ci/recovery/recover-run.ts';
import { runAgain } from '../../src/ci/recovery/run-again.ts';
import { laneOf, manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { pushFiles, type Files } from '../support/push-files.ts';
import { useForge } from '../support/forge.ts';

// Real git, programs and servers, on a machine that may run everything else at once.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const open = useForge({ settings: { ci: { concurrency: 9, maxLanesPerManifest: 2, pollSeconds: 3600 } } });
const order = { owner: 'test', sandbox: 'none', unsatisfiable: undefined };
const lanes = (...ids: string[]) => manifest(...ids.map((id) => `id = "${id}"\ncommand = "true"`));

async function pushed(files: Files) {
  const testForge = await open();
  const { forge } = testForge;
  const { caller } = testForge.account('ada', 'admin');
  const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
  const first = await pushBranch(forge, repo, { name: 'work', files });
  await createMissingRuns(forge);
  const run = runOfBranch(forge, first);
  /** Claims what waits, and ends it; lanes that are not named stay as they run. */
  const end = (endings: Record<string, Ending>) => {
    for (const claim of claimLanes(forge, order)) {
      const lane = listLanes(forge, claim.runId).find(({ id }) => id === claim.laneId)!;
      const ending = endings[lane.key];
      if (ending !== undefined) finishAttempt(forge, claim, ending);
    }
  };
  const states = (of = run) =>
    listLanes(forge, of.id).map(({ key, attempt }) => `${key}${attempt.number} ${attempt.state}`);
  const about = { repo, run, caller, reason: 'the disk is back' };
  return { testForge, forge, repo, first, run, end, states, about };
}

describe('a run that could not be planned', () => {
  test('gets its lanes without a push when what was in the way is gone', async () => {
    const { forge, first, run, about, states } = await pushed(lanes('a', 'b', 'c'));
    expect(run).toMatchObject({ state: 'failed', problem: expect.stringContaining('2 lanes') });
    forge.config.ci.maxLanesPerManifest = 3;
    const created = forge.events.next('run-created');
    expect(await recoverRun(forge, about)).toEqual({ planned: true, queued: [], hastened: [] });
    expect(await created).toMatchObject({ runId: run.id });
    expect(runOfBranch(forge, first)).toMatchObject({
      id: run.id,
      number: 1,
      state: 'queued',
      problem: undefined,
      finishedAt: undefined,
    });
    expect(states()).toEqual(['a1 queued', 'b1 queued', 'c1 queued']);
    const [entry] = recentAudit(forge, 1);
    expect(entry).toMatchObject({ account: 'ada', action: 'run.recover', subject: 'demo/app run 1' });
    expect(entry!.detail).toContain('the disk is back');
  });

  test('keeps its problem when it is still there', async () => {
    const { forge, first, about } = await pushed(lanes('a', 'b', 'c'));
    expect((await recoverRun(forge, about)).planned).toBe(true);
    expect(runOfBranch(forge, first)).toMatchObject({
      state: 'failed',
      problem: expect.stringContaining('2 lanes'),
    });
  });

  test('gets its lanes once, however many people ask at the same time', async () => {
    const { forge, about, states } = await pushed(lanes('a', 'b', 'c'));
    forge.config.ci.maxLanesPerManifest = 3;
    const answers = await Promise.allSettled([recoverRun(forge, about), recoverRun(forge, about)]);
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(states()).toEqual(['a1 queued', 'b1 queued', 'c1 queued']);
  });
});

describe('a run with lanes', () => {
  const lost: Ending = { state: 'failed', failureKind: 'infrastructure', message: 'no space left' };
  const red: Ending = { state: 'failed', failureKind: 'test_failure', exitCode: 1 };

  test('runs again what failed for another reason than its command, with what needs it', async () => {
    const { forge, first, end, states, about } = await pushed(
      manifest('id = "a"\ncommand = "true"', 'id = "b"\ncommand = "true"\nneeds = ["a"]'),
    );
    end({ a: lost });
    expect(states()).toEqual(['a1 failed', 'b1 skipped']);
    expect(await recoverRun(forge, about)).toEqual({ planned: false, queued: ['a', 'b'], hastened: [] });
    expect(states()).toEqual(['a2 queued', 'b2 queued']);
    expect(runOfBranch(forge, first).state).toBe('queued');
  });

  test('leaves a red lane red', async () => {
    const { forge, end, states, about } = await pushed(lanes('a', 'b'));
    end({ a: red, b: lost });
    expect((await recoverRun(forge, about)).queued).toEqual(['b']);
    expect(states()).toEqual(['a1 failed', 'b2 queued']);
  });

  test('ends the wait for a retry', async () => {
    const { forge, run, about } = await pushed(lanes('a'));
    forge.db.run(`UPDATE lane_attempts SET not_before = :later, reason = 'retry_backoff'`, {
      later: forge.clock.now() + 600_000,
    });
    expect((await recoverRun(forge, about)).hastened).toEqual(['a']);
    expect(laneOf(forge, run, 'a').attempt).toMatchObject({ reason: 'ready', notBefore: undefined });
  });

  test('whose state is not what its lanes say is put right', async () => {
    const { forge, first, end, about } = await pushed(lanes('a'));
    end({ a: red });
    forge.db.run(`UPDATE runs SET state = 'running', finished_at = NULL`);
    expect(await recoverRun(forge, about)).toEqual({ planned: false, queued: [], hastened: [] });
    expect(runOfBranch(forge, first)).toMatchObject({ state: 'failed', finishedAt: expect.any(Number) });
  });

  test('that has nothing of this kind is refused with the way out', async () => {
    const { testForge, forge, end, about } = await pushed(lanes('a', 'b'));
    await expect(recoverRun(forge, about)).rejects.toThrow('A lane that hangs can be requeued');
    end({ a: red, b: red });
    await expect(recoverRun(forge, about)).rejects.toThrow('To run it once more, rerun it.');
    const { caller } = testForge.account('eve');
    await expect(recoverRun(forge, { ...about, caller })).rejects.toThrow('There is no repository');
    forge.db.run(`UPDATE branches SET state = 'merged'`);
    await expect(recoverRun(forge, about)).rejects.toThrow('Branch #1 is merged');
  });
});

describe('running again on the current tip', () => {
  const red: Ending = { state: 'failed', failureKind: 'test_failure', exitCode: 1 };

  test('of an earlier head runs every lane of the newest', async () => {
    const { forge, repo, end, states, about, run } = await pushed(lanes('a', 'b'));
    end({ a: red, b: red });
    const second = await pushBranch(forge, repo, { name: 'work', files: { 'more.txt': 'x' } });
    await createMissingRuns(forge);
    const tip = runOfBranch(forge, second);
    await expect(runAgain(forge, about)).rejects.toThrow(
      'Run 2 is at the tip of the branch, and goes on already',
    );
    end({ a: { state: 'success', exitCode: 0 }, b: red });
    expect(await runAgain(forge, about)).toMatchObject({ id: tip.id, state: 'queued' });
    expect(states(tip)).toEqual(['a2 queued', 'b2 queued']);
    expect(states(run)).toEqual(['a1 failed', 'b1 failed']);
    expect(recentAudit(forge, 1)).toMatchObject([{ action: 'run.again', subject: 'demo/app run 1' }]);
  });

  test('makes the run of a head that has none yet', async () => {
    const { forge, repo, about } = await pushed(lanes('a'));
    const second = await pushBranch(forge, repo, { name: 'work', files: { 'more.txt': 'x' } });
    expect(await runAgain(forge, about)).toMatchObject({ number: 2, headOid: second.headOid });
  });

  test('plans the run at the tip again when it could not be planned', async () => {
    const { forge, repo, about, states } = await pushed(lanes('a'));
    const second = await pushBranch(forge, repo, { name: 'work', files: lanes('a', 'b', 'c') });
    await createMissingRuns(forge);
    forge.config.ci.maxLanesPerManifest = 3;
    await runAgain(forge, about);
    expect(states(runOfBranch(forge, second))).toEqual(['a1 queued', 'b1 queued', 'c1 queued']);
  });

  test('is refused on a branch that was settled', async () => {
    const { forge, about } = await pushed(lanes('a'));
    forge.db.run(`UPDATE branches SET state = 'closed'`);
    await expect(runAgain(forge, about)).rejects.toThrow('Branch #1 is closed');
  });

  test('of a nightly is a new run at the tip of the default branch, one at a time', async () => {
    const testForge = await open();
    const { forge } = testForge;
    const { caller } = testForge.account('ada', 'admin');
    const files = {
      '.pika/lanes.toml': '[[nightly]]\nid = "soak"\nschedule = "0 3 * * *"\ncommand = "true"\n',
    };
    const repo = await testForge.repo('demo/app', { files });
    const id = await startNightly(forge, { repoId: repo.id, nightly: 'soak', dueAt: 0 });
    const about = { repo, run: getRun(forge, id!), caller, reason: '' };
    await expect(runAgain(forge, about)).rejects.toThrow('Run 1 of soak goes on already');
    finishAttempt(forge, claimLanes(forge, order)[0]!, red);
    const head = await pushFiles(forge.git, {
      repo: testForge.repoFolder(repo),
      branch: 'main',
      files: { 'fix.txt': 'x' },
    });
    expect(await runAgain(forge, about)).toMatchObject({
      number: 2,
      nightly: 'soak',
      headOid: head,
      state: 'queued',
    });
    finishAttempt(forge, claimLanes(forge, order)[0]!, red);
    await pushFiles(forge.git, {
      repo: testForge.repoFolder(repo),
      branch: 'main',
      files: { '.pika/lanes.toml': '' },
    });
    await expect(runAgain(forge, about)).rejects.toThrow('has no [[nightly]] "soak"');
  });
});
