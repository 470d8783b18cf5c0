import { expect, test, vi } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { recentAudit } from '../../src/accounts/audit.ts';
import { findLane, findRun } from '../../src/ci/find.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { atTerminal, type Terminal } from './at-terminal.ts';

// Real git, programs and servers, on a machine that may run everything else at once.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const open = useForge();

const unit = ({ staged: { forge, repo } }: Terminal) => {
  const run = findRun(forge, repo.id, 1);
  return findLane(forge, run!.id, 'unit')!.attempt;
};

/** `ph` as an admin of the forge, in ada's clone. */
function asAdmin(test: TestForge, { origin, phWith }: Terminal): Terminal['ph'] {
  const { account } = test.account('root', 'admin');
  const token = createToken(test.forge, { accountId: account.id, scope: 'admin' });
  return (...args) => phWith({ PH_URL: origin, PH_TOKEN: token }, ...args);
}

test('a lane that waits is marked failed at once, by whom and why', async () => {
  const terminal = await atTerminal(await open(), { lane: 'queued' });
  expect(await terminal.ph('fail-lane', '--reason', 'its runner is gone')).toEqual({
    status: 0,
    stdout: 'unit of run 1 is marked failed; wait with: ph wait\n',
    stderr: '',
  });
  expect(unit(terminal)).toMatchObject({
    state: 'failed',
    failureKind: 'operator',
    message: 'marked failed by ada: its runner is gone',
  });
  const [entry] = recentAudit(terminal.staged.forge, 1);
  expect(entry).toMatchObject({ account: 'ada', action: 'lane.fail', subject: 'ada/app run 1 unit' });
});

test('a lane that runs is taken from its thread, and its verdict waits for its programs', async () => {
  const terminal = await atTerminal(await open(), { lane: 'running' });
  const { token } = unit(terminal);
  expect(await terminal.ph('fail-lane', '--lane', 'unit', '--run', '1')).toMatchObject({
    status: 0,
    stdout: 'unit of run 1 is marked failed as soon as its programs are gone; wait with: ph wait\n',
  });
  expect(unit(terminal)).toMatchObject({ state: 'cancelling', token: token + 1 });
});

test('a lane that hangs goes back into the queue, and one that runs is cancelled by force', async () => {
  const terminal = await atTerminal(await open(), { lane: 'running' });
  const requeued = await terminal.ph('requeue-lane', '--reason', 'hangs', '--json');
  expect(JSON.parse(requeued.stdout)).toMatchObject({ lane: 'unit', run: { number: 1, state: 'running' } });
  expect(unit(terminal).message).toBe('requeued by ada: hangs');
  expect(await terminal.ph('cancel', '--force')).toMatchObject({ status: 0 });
  expect(unit(terminal)).toMatchObject({ state: 'cancelling', message: 'cancelled by ada' });
});

test('a run that could not be planned is planned again, and says when it still cannot be', async () => {
  const test = await open();
  const terminal = await atTerminal(test, { lane: 'success' });
  const { forge } = test;
  forge.db.run('DELETE FROM lanes');
  forge.db.run(`UPDATE runs SET state = 'failed', problem = 'a disk was full'`);
  expect(await terminal.ph('recover-run', '--json')).toMatchObject({ status: 0 });
  // The branch has no manifest: planned again, the run is a success without lanes.
  expect(findRun(forge, terminal.staged.repo.id, 1)).toMatchObject({ state: 'success', problem: undefined });
  expect(await terminal.ph('recover-run')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('Run 1 has nothing to recover'),
  });
});

test.each([
  [['fail-lane'], 'success', 1, 'Every lane of run 1 has ended'],
  [['fail-lane', '--lane', 'unit'], 'success', 1, 'has ended already: success'],
  [['fail-lane', '--lane', 'other'], 'queued', 4, 'has no lane "other"'],
  [['requeue-lane'], 'queued', 1, 'is in the queue already'],
  [['requeue-lane', '--run', 'x'], 'queued', 2, 'no number of a run'],
  [['requeue-lane', 'work', '--run', '1'], 'queued', 2, 'not both'],
  [['recover-run', '--run', '7'], 'queued', 4, 'There is no run 7'],
  [['rerun', '--tip', '--failed'], 'failed', 2, 'leave --lane and --failed out'],
  [['rerun', '--tip'], 'queued', 1, 'goes on already'],
  [['ci'], 'queued', 3, 'use one with the scope admin'],
  [['wake-ci'], 'queued', 3, 'use one with the scope admin'],
  [['pause-ci', '--reason', 'x'], 'queued', 3, 'use one with the scope admin'],
  [['pause-ci'], 'queued', 2, '--reason'],
] as const)('%j on a branch whose lane is %s ends with %i', async (args, lane, status, said) => {
  const { ph } = await atTerminal(await open(), { lane });
  const answer = await ph(...args);
  expect(answer.stderr).toContain(said);
  expect(answer).toMatchObject({ status, stdout: '' });
});

test('an admin pauses CI with a reason, sees it, wakes it and lets it go on', async () => {
  const test = await open();
  const terminal = await atTerminal(test, { lane: 'queued' });
  const ph = asAdmin(test, terminal);
  expect(await ph('pause-ci', '--reason', 'a new disk')).toEqual({
    status: 0,
    stdout: 'CI is paused: 0 running, 1 waiting; go on with: ph resume-ci\n',
    stderr: '',
  });
  expect(await ph('pause-ci', '--reason', 'again')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('paused already, by root: a new disk'),
  });
  const shown = await ph('ci');
  expect(shown.stdout).toContain('paused by root since ');
  expect(shown.stdout).toContain('local: 0 of 2 places taken');
  expect(shown.stdout).toMatch(/^queued {2}ada\/app run 1 {2}unit /m);
  expect(await ph('wake-ci')).toMatchObject({ status: 0 });
  expect((await ph('resume-ci')).stdout).toBe('CI goes on: 0 running, 1 waiting\n');
  expect(await ph('resume-ci')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('is not paused'),
  });
  expect(recentAudit(test.forge, 4).map(({ action }) => action)).toEqual([
    'ci.resume',
    'ci.wake',
    'ci.pause',
    expect.anything(),
  ]);
});

test('an admin trusts a target again before its rest is over', async () => {
  const test = await open();
  const terminal = await atTerminal(test);
  const ph = asAdmin(test, terminal);
  const { forge } = test;
  forge.db.run(
    `INSERT INTO ci_targets (name, failures, unhealthy_until, message, changed_at)
     VALUES ('local', 2, :until, 'twice \u001B[31mno disk', :now)`,
    { until: forge.clock.now() + 900_000, now: forge.clock.now() },
  );
  const { stdout } = await ph('ci');
  expect(stdout).toContain('local: 0 of 2 places taken, unhealthy until ');
  expect(stdout).toContain('twice no disk; trust it again with: ph clear-target local');
  expect(stdout).not.toContain('\u001B');
  const cleared = await ph('clear-target', 'local', '--reason', 'new disk', '--json');
  expect(JSON.parse(cleared.stdout)).toMatchObject({
    targets: [{ name: 'local', healthy: true, failures: 0 }],
  });
  expect(await ph('clear-target', 'local')).toMatchObject({ status: 1 });
});
