import { expect, test } from 'vitest';
import { getBranch } from '../../src/branches/find.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { atTerminal } from './at-terminal.ts';

const open = useForge();

test('the checked-out branch is landed at the commit that is here', async () => {
  const { ph, staged, branch } = await atTerminal(await open());
  const { status, stdout } = await ph('merge', '--message', 'Land it');
  expect(status).toBe(0);
  const commit = (await staged.tip('refs/heads/main'))!;
  expect(stdout).toBe(`merged work #1 into main as ${commit}\n`);
  expect(await staged.text('show', '-s', '--format=%s', commit)).toBe('Land it');
  expect(getBranch(staged.forge, branch.id).state).toBe('merged');
  expect(await ph('merge')).toMatchObject({ status: 1, stderr: expect.stringContaining('is merged') });
});

test('a head that the forge has and we have not is refused and stays', async () => {
  const { ph, staged, branch } = await atTerminal(await open());
  const unseen = await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: 'work',
    files: { 'unseen.txt': 'x\n' },
  });
  staged.forge.db.run('UPDATE branches SET head_oid = :unseen WHERE id = :id', { unseen, id: branch.id });
  const { status, stderr } = await ph('merge');
  expect(status).toBe(5);
  expect(stderr).toContain(`The branch is at ${unseen.slice(0, 8)} on the forge`);
  expect(await staged.tip('refs/heads/work')).toBe(unseen);
});

test('a closed gate is refused with every hold and its way out', async () => {
  const { ph } = await atTerminal(await open(), { lane: 'failed' });
  const { status, stderr, stdout } = await ph('merge');
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toContain('The lane unit failed');
  expect(stderr).toContain('ph logs --lane unit');
  const json = await ph('merge', '--json');
  expect(JSON.parse(json.stdout)).toMatchObject({
    error: { exitStatus: 1, details: { holds: [{ kind: 'lane_not_green', lane: 'unit' }] } },
  });
});

test('a branch that is not checked out is merged only with its commit named', async () => {
  const { ph, client, branch } = await atTerminal(await open());
  await client.git('checkout', '--quiet', '--detach');
  await client.git('branch', '-D', 'work');
  expect(await ph('merge', '1')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining(branch.headOid),
  });
  expect(await ph('merge', '1', '--head', branch.headOid)).toMatchObject({ status: 0 });
});

test('closing and reopening are done by number, and said', async () => {
  const { ph, staged, branch } = await atTerminal(await open());
  expect(await ph('close')).toMatchObject({ status: 0, stdout: expect.stringContaining('ph reopen 1') });
  expect(await staged.tip('refs/heads/work')).toBeUndefined();
  expect(await ph('list')).toMatchObject({ status: 0, stdout: '' });
  expect(await ph('list', '--state', 'closed')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^#1\s+closed\s+[0-9a-f]{8}\s+work\s+ada\s+Do the work\n$/),
  });
  expect(await ph('reopen', '1')).toMatchObject({ status: 0 });
  expect(await staged.tip('refs/heads/work')).toBe(branch.headOid);
});

test('a method and a reason past the gate are handed on, and wrong ones are refused before anything is asked', async () => {
  const { ph, staged, branch } = await atTerminal(await open(), { lane: 'failed' });
  expect(await ph('merge', '--method', 'octopus')).toMatchObject({ status: 2 });
  expect(await ph('merge', '--force')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('needs a reason'),
  });
  expect(await ph('merge', '--reason', 'why')).toMatchObject({ status: 2 });
  const before = await staged.tip('refs/heads/main');
  const forced = await ph('merge', '--force', '--reason', 'The lane is wrong', '--method', 'squash');
  expect(forced.status).toBe(0);
  expect(await staged.text('show', '-s', '--format=%P', 'refs/heads/main')).toBe(before);
  const row = staged.forge.db.get<{ detail: string }>(
    `SELECT detail FROM audit WHERE action = 'branch.force-merge'`,
  );
  expect(JSON.parse(row!.detail)).toMatchObject({ reason: 'The lane is wrong', head: branch.headOid });
});

test('a branch is aimed elsewhere, and a merged one is taken back and had again', async () => {
  const { ph, staged, branch } = await atTerminal(await open());
  await staged.text('update-ref', 'refs/heads/release', (await staged.tip('refs/heads/main'))!);
  expect(await ph('retarget', 'release')).toMatchObject({
    status: 0,
    stdout: 'work #1 is to land on release now\n',
  });
  expect(getBranch(staged.forge, branch.id).target).toBe('release');
  await ph('retarget', 'main');
  expect(await ph('revert', '1')).toMatchObject({ status: 1, stderr: expect.stringContaining('is open') });
  await ph('merge', '--force', '--reason', 'CI has not looked yet');
  expect(await ph('revert', '1', '--reason', 'Too early')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^made revert-1 #2, which takes it back from main: http/),
  });
  const restored = await ph('restore', '1', '--json');
  expect(JSON.parse(restored.stdout)).toMatchObject({ name: 'work', number: 3, target: 'main' });
});
