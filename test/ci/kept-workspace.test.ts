// Which workspaces of failed attempts are kept for a debug shell, and until when.
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { listAttempts } from '../../src/ci/find.ts';
import { attemptFolder } from '../../src/ci/lanes/launch.ts';
import type { Lane } from '../../src/ci/model.ts';
import { setSecret } from '../../src/ci/secrets/set-secret.ts';
import { laneReaching, manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { pushFiles } from '../support/push-files.ts';
import { openShellPlace, TerminalShell, type ShellPlace } from '../support/shells.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let place: ShellPlace;
beforeEach(async () => {
  place = await openShellPlace('bubblewrap', { maxKeptFolders: 2 });
});
afterEach(() => place.testForge.dispose());

const isThere = ({ attempt: { id: attemptId, token } }: Lane): boolean =>
  existsSync(attemptFolder(place.testForge.forge, { attemptId, token }));

const isOffered = ({ id, attempt }: Lane): boolean =>
  listAttempts(place.testForge.forge, id).find((one) => one.id === attempt.id)?.keptUntil !== undefined;

/** As if so much time had gone by. */
const letPass = (lane: Lane): void => {
  const sql = 'UPDATE lane_attempts SET kept_until = 1 WHERE id = :id';
  place.testForge.forge.db.run(sql, { id: lane.attempt.id });
};

test('the newest are kept, as many as there may be', async () => {
  const lanes = [];
  for (const name of ['one', 'two', 'three']) lanes.push(await place.lanes.run(name, 'exit 3'));
  await place.lanes.ci.keeping.pass();
  expect(lanes.map(isThere)).toEqual([false, true, true]);
  expect(lanes.map(isOffered)).toEqual([false, true, true]);
});

test('what takes more of the disk than all of them may is not kept', async () => {
  place.testForge.forge.config.ci.maxKeptBytes = 1024 * 1024;
  const small = await place.lanes.run('small', 'exit 3');
  const large = await place.lanes.run('large', 'head -c 3000000 /dev/zero >large; exit 3');
  await place.lanes.ci.keeping.pass();
  expect([isThere(small), isThere(large)]).toEqual([true, false]);
});

test('it goes with its time, but not while somebody has a shell in it', async () => {
  const eve = await place.person('eve', 'write');
  const lane = await place.lanes.run('old', 'mkdir -p a/b; echo x >a/b/c; chmod 500 a/b a; exit 3');
  const shell = await TerminalShell.open(place, eve, place.command(lane));
  await shell.ready();
  letPass(lane);
  await place.lanes.ci.keeping.pass();
  expect(isThere(lane)).toBe(true);
  shell.type('cat a/b/c; exit\r');
  await shell.ended;
  expect(shell.screen).toContain('x\r\n');
  // Its end is verified after its user has left.
  await vi.waitFor(
    async () => {
      await place.lanes.ci.keeping.pass();
      expect(isThere(lane)).toBe(false);
    },
    { timeout: 100_000, interval: 20 },
  );
  expect((await place.ssh(eve, place.command(lane), 'id')).stderr).toContain(
    'Attempt 1 of old failed, but its workspace is not there. Run it again: ph rerun --lane old',
  );
});

test('an attempt that was given a secret is not kept, and whoever asks for it is told so', async () => {
  const { forge, repoFolder } = place.testForge;
  const { repo, caller, ci } = place.lanes;
  const lane = 'id = "deploy"\nsecrets = ["TOKEN"]\ncommand = "echo $TOKEN >token; test -z \\"$TOKEN\\""';
  setSecret(forge, { repo, caller, name: 'TOKEN', value: 'tok-5f0c9d1e77ab42', refs: ['deploy/*'] });
  await pushFiles(forge.git, { repo: repoFolder(repo), branch: 'main', files: manifest(lane) });
  const pushed = await pushBranch(forge, repo, { name: 'deploy/1', files: { 'README.md': 'y' } });
  await ci.scheduler.pass();
  const ended = await laneReaching(forge, { run: runOfBranch(forge, pushed), key: 'deploy' });
  expect(ended.attempt.failureKind).toBe('test_failure');
  expect([isThere(ended), isOffered(ended)]).toEqual([false, false]);
  const eve = await place.person('eve', 'write');
  expect((await place.ssh(eve, place.command(ended), 'cat token')).stderr).toContain(
    'Lanes with secrets are never kept.',
  );
});
