import { expect, test, vi } from 'vitest';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { atTerminal } from './at-terminal.ts';

const open = useForge();
// Each test starts ph seven times, on a machine that runs all the others too.
vi.setConfig({ testTimeout: 120_000 });

test('a branch is held with a reason and let go again', async () => {
  const { ph } = await atTerminal(await open());
  const held = await ph('hold', '--reason', 'the demo runs', '--for', '4h');
  expect(held).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^held work #1 until \S+ \S+ UTC; lift it with: ph unhold 1\n$/),
  });
  expect((await ph('status')).stdout).toContain('ada holds the branch until');
  expect(await ph('merge')).toMatchObject({ status: 1, stderr: expect.stringContaining('the demo runs') });
  expect(await ph('unhold', '--id', '99')).toMatchObject({ status: 4 });
  expect(await ph('unhold')).toMatchObject({ status: 0, stdout: 'lifted: ada: the demo runs\n' });
  expect(await ph('unhold')).toMatchObject({ status: 0, stdout: 'nothing holds work #1\n' });
  expect(await ph('hold', '--reason', 'x', '--for', 'ever')).toMatchObject({ status: 2 });
});

test('a draft is marked ready, and conflicts are told with the commands that settle them', async () => {
  const { ph, staged } = await atTerminal(await open(), { files: { 'a.txt': '  theirs\n' } });
  expect(await ph('draft')).toMatchObject({
    status: 0,
    stdout: 'work #1 is a draft; when it is ready: ph ready 1\n',
  });
  expect((await ph('status')).stdout).toContain('Mark it ready: ph ready');
  expect(await ph('ready', '--json')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('"draft":false'),
  });
  expect(await ph('conflicts')).toMatchObject({ status: 0, stdout: 'work merges cleanly into main\n' });
  await pushFiles(staged.forge.git, { repo: staged.folder, branch: 'main', files: { 'a.txt': '  ours\n' } });
  const { status, stdout } = await ph('conflicts');
  expect(status).toBe(1);
  expect(stdout.split('\n').slice(0, 7)).toEqual([
    'a.txt',
    '  Merge conflict in a.txt',
    '  ---',
    '  main has',
    '  <   ours',
    '  work has',
    '  >   theirs',
  ]);
  expect(stdout).toContain('  git add -- a.txt\n');
});
