// What stays of lanes after their end, for how long, and what goes.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { claimLanes } from '../../src/ci/scheduler/claim.ts';
import { cancelRun } from '../../src/ci/recovery/cancel.ts';
import { createMissingRuns } from '../../src/ci/scheduler/create-run.ts';
import { openCi } from '../../src/ci/open.ts';
import { Quarantine } from '../../src/ci/lanes/quarantine.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { laneOf, laneReaching, manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';
import { laneStart, runLane } from '../support/lane-start.ts';
import { ScriptedExecutor, type ScriptedLane } from '../support/scripted-executor.ts';

const patient = { timeout: 120_000 };
const settings = { ci: { graceSeconds: 1, pollSeconds: 3600, maxKeptFolders: 2 } };
const open = useForge({ settings });

async function openLanes(clock?: Clock) {
  const it = await open(clock === undefined ? {} : { clock });
  const ci = await openCi(it.forge);
  it.defer(() => ci.stop());
  const repo = await it.repo('demo/app', { files: { 'README.md': 'x' } });
  const run = async (name: string, command: string) => {
    const branch = await pushBranch(it.forge, repo, {
      name,
      files: manifest(`id = "a"\ncommand = ${JSON.stringify(command)}`),
    });
    await ci.scheduler.pass();
    return laneReaching(it.forge, { run: runOfBranch(it.forge, branch), key: 'a' });
  };
  const folders = () => readdirSync(it.forge.config.paths.checkouts).sort();
  return { it, forge: it.forge, ci, run, folders };
}

describe('the folder of an attempt', () => {
  test('is kept when it failed, and only then', patient, async () => {
    const { forge, run, folders } = await openLanes();
    const failed = await run('red', 'echo left > behind; exit 1');
    const passed = await run('green', 'true');
    expect(failed.attempt.keptUntil).toBeGreaterThan(forge.clock.now());
    expect(passed.attempt.keptUntil).toBeUndefined();
    const name = `${failed.attempt.id}-${failed.attempt.token}`;
    expect(folders()).toEqual([name]);
    expect(existsSync(join(forge.config.paths.checkouts, name, 'work/behind'))).toBe(true);
  });

  test('is not kept when the attempt was given secrets', patient, async () => {
    const it = await open();
    const secrets = { TOKEN: 'very-secret-value' };
    const start = await laneStart(it, { tier: 'none', command: 'exit 1', keepFolder: true, secrets });
    const { result } = await runLane(start);
    expect(result.keptFolder).toBeUndefined();
    expect(existsSync(start.folder)).toBe(false);
  });

  test('goes when the lane was cancelled in the moment in which it failed', patient, async () => {
    const it = await open();
    const { forge } = it;
    const submitted = Promise.withResolvers<ScriptedLane>();
    const ci = await openCi(
      forge,
      ScriptedExecutor.maker(() => undefined, submitted.resolve),
    );
    it.defer(() => ci.stop());
    const repo = await it.repo('demo/app', { files: { 'README.md': 'x' } });
    const files = manifest('id = "a"\ncommand = "exit 1"');
    const branch = await pushBranch(forge, repo, { name: 'work', files });
    await ci.scheduler.pass();
    const lane = await submitted.promise;
    const { folder } = lane.submission;
    mkdirSync(join(folder, 'work'), { recursive: true });
    const run = runOfBranch(forge, branch);
    cancelRun(forge, { repo, run, caller: it.account('demo').caller, lane: 'a' });
    lane.reports.finished(lane.ref, 0, {
      outcome: 'failed',
      exitCode: 1,
      failureKind: 'test_failure',
      keptFolder: folder,
    });
    expect(laneOf(forge, run, 'a').attempt).toMatchObject({ state: 'cancelled', keptUntil: undefined });
    await vi.waitFor(() => expect(existsSync(folder)).toBe(false), { timeout: 20_000 });
  });

  test('outlives a restart of the forge, and goes when its time is over', patient, async () => {
    let now = Date.now();
    const { forge, ci, run, folders } = await openLanes({ now: () => now });
    const { attempt } = await run('red', 'exit 1');
    await ci.stop();
    mkdirSync(join(forge.config.paths.checkouts, '99-1'));
    const again = await openCi(forge);
    await again.keeping.pass();
    expect(folders()).toEqual([`${attempt.id}-${attempt.token}`]);
    now += 61 * 60_000;
    await again.keeping.pass();
    expect(folders()).toEqual([]);
    const row = forge.db.get('SELECT kept_until FROM lane_attempts WHERE id = :id', { id: attempt.id });
    expect(row).toEqual({ kept_until: null });
    await again.stop();
  });

  test(
    'goes when there are more than are kept, oldest first, but for one that somebody has a shell in',
    patient,
    async () => {
      let now = Date.now();
      const { it, forge, ci, run, folders } = await openLanes({ now: () => now });
      const names: string[] = [];
      for (const name of ['one', 'two', 'three', 'four']) {
        now += 1000;
        const { attempt } = await run(name, 'exit 1');
        names.push(`${attempt.id}-${attempt.token}`);
      }
      const { account } = it.account('ada');
      forge.db.run(
        'INSERT INTO lane_shells (attempt_id, account_id, opened_at, ends_by) VALUES (:attempt, :account, 0, 1)',
        { attempt: Number(names[0]!.split('-')[0]), account: account.id },
      );
      await ci.keeping.pass();
      expect(folders()).toEqual([names[0], names[2], names[3]].sort());
    },
  );
});

describe('programs that cannot be ended', () => {
  test('leave less room for other lanes', patient, async () => {
    const it = await open({ settings: { ci: { concurrency: 2 } } });
    const repo = await it.repo('demo/app', { files: { 'README.md': 'x' } });
    const lanes = ['a', 'b'].map((id) => `id = "${id}"\ncommand = "true"`);
    const branch = await pushBranch(it.forge, repo, { name: 'work', files: manifest(...lanes) });
    await createMissingRuns(it.forge);
    const order = { owner: 'me', sandbox: 'none', unsatisfiable: undefined };
    expect(claimLanes(it.forge, { ...order, held: 2 })).toEqual([]);
    expect(laneOf(it.forge, runOfBranch(it.forge, branch), 'a').attempt.reason).toBe('waiting_for_capacity');
    expect(claimLanes(it.forge, { ...order, held: 1 })).toHaveLength(1);
    expect(claimLanes(it.forge, { ...order, held: 1 })).toEqual([]);
  });

  test('hold a place until they are gone', () => {
    const living = new Map([
      ['cookie-a', [7, 8]],
      ['cookie-b', []],
    ]);
    const quarantine = new Quarantine((cookie) => living.get(cookie) ?? []);
    quarantine.add('cookie-a', { attemptId: 1, since: 5 });
    quarantine.add('cookie-b', { attemptId: 2, since: 5 });
    expect(quarantine.list()).toEqual([{ attemptId: 1, since: 5, pids: [7, 8] }]);
    living.set('cookie-a', [8]);
    quarantine.look();
    expect(quarantine.list()).toEqual([{ attemptId: 1, since: 5, pids: [8] }]);
    living.delete('cookie-a');
    quarantine.look();
    expect(quarantine.list()).toEqual([]);
    quarantine.stop();
  });
});

test('what is left of a read-only folder is removed as well', patient, async () => {
  const it = await open();
  const start = await laneStart(it, {
    tier: 'none',
    command: 'mkdir -p mod/deep; echo x > mod/deep/f; chmod 0555 mod mod/deep',
  });
  writeFileSync(join(it.folder, 'marker'), 'x');
  await runLane(start);
  expect(existsSync(start.folder)).toBe(false);
});
