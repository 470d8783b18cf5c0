import { expect, test } from 'vitest';
import { branchStatusView } from '../../src/landing/model.ts';
import { useForge } from '../support/forge.ts';
import { atTerminal } from './at-terminal.ts';

const open = useForge();

test('the status of a green branch fits few lines and ends with the next command', async () => {
  const { ph, branch } = await atTerminal(await open());
  const { status, stdout, stderr } = await ph('status');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout.split('\n')).toEqual([
    'branch    work #1 by ada: Do the work',
    `head      ${branch.headOid.slice(0, 8)}, revision 1, for main`,
    'tutorial  none yet',
    'ci        success (run 1): 1 of 1 lane passed',
    'gate      open',
    'next      ph merge',
    '',
  ]);
});

test('a run without lanes is told as one, and not as none of none that passed', async () => {
  const { ph, staged } = await atTerminal(await open(), { lane: 'queued' });
  staged.forge.db.exec('DELETE FROM lanes');
  expect((await ph('status')).stdout).toMatch(/^ci .*: there are no lanes to run$/m);
});

test('a title that would steer the terminal is printed as text', async () => {
  const { ph, staged } = await atTerminal(await open());
  const evil = 'a\u001B]8;;http://evil\u0007link\u001B]8;;\u0007\r\u001B[2Kgone\u009B31m\u202Eback';
  staged.forge.db.run('UPDATE branches SET title = :evil', { evil });
  const { stdout } = await ph('status');
  expect(stdout.split('\n')[0]).toBe('branch    work #1 by ada: alink goneback');
});

test('--json is the shape of the API, with the local commit', async () => {
  const { ph, branch } = await atTerminal(await open(), { lane: 'failed' });
  const answer = JSON.parse((await ph('status', '--json')).stdout);
  expect(answer.local).toBe(branch.headOid);
  expect(branchStatusView.parse(answer)).toMatchObject({ gate: { open: false } });
});

test('a branch is found by name, by number, and on a detached HEAD by its commit', async () => {
  const { ph, client } = await atTerminal(await open());
  await client.git('checkout', '--quiet', '--detach');
  for (const args of [['status'], ['status', 'work'], ['status', '1'], ['status', '#1']]) {
    expect(await ph(...args)).toMatchObject({ status: 0, stdout: expect.stringContaining('work #1') });
  }
});

test('an ssh remote of the forge names the repository, another forge does not', async () => {
  const { ph, client } = await atTerminal(await open());
  await client.git('remote', 'set-url', 'origin', 'ssh://git@localhost:2222/ada/app.git');
  expect(await ph('status')).toMatchObject({ status: 0 });
  await client.git('remote', 'set-url', 'origin', 'git@git.example.org:ada/app.git');
  expect(await ph('status')).toMatchObject({
    status: 4,
    stderr: expect.stringContaining('--repo owner/name'),
  });
  expect(await ph('status', '--repo', 'ada/app')).toMatchObject({ status: 0 });
});

test('PH_TOKEN is never sent to a forge that a remote names', async () => {
  const { phWith, token } = await atTerminal(await open());
  const { status, stderr } = await phWith({ PH_TOKEN: token }, 'status');
  expect(status).toBe(2);
  expect(stderr).toContain('PH_URL is not');
});
