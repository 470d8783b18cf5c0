import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openTestForge, useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();

test('a forge opens in an empty folder with an account, a repository and a commit', async () => {
  const { forge, account, repo, repoFolder } = await open();
  // Whoever else is on the machine: its folder may be open to all.
  for (const file of ['', '-wal', '-shm'])
    expect(statSync(`${forge.config.paths.database}${file}`).mode & 0o077, file).toBe(0);
  expect(account('ada', 'admin').account).toMatchObject({ name: 'ada', role: 'admin' });
  const created = await repo('demo/app', { files: { 'a b.txt': 'one\n', 'run.sh': '#!/bin/sh\n' } });
  const folder = repoFolder(created);
  expect(
    await forge.git.text(['ls-tree', '-r', '--format=%(objectmode) %(path)', 'refs/heads/main'], {
      repo: folder,
    }),
  ).toBe('100644 a b.txt\n100755 run.sh');
  const first = await forge.git.text(['rev-parse', 'refs/heads/main'], { repo: folder });
  const second = await pushFiles(forge.git, {
    repo: folder,
    branch: 'topic',
    from: first,
    files: { 'a b.txt': null },
  });
  expect(await forge.git.text(['rev-parse', 'refs/heads/topic^'], { repo: folder })).toBe(first);
  expect(await forge.git.text(['ls-tree', '-r', '--name-only', second], { repo: folder })).toBe('run.sh');
});

test('disposal fails a test that leaves a child process, and removes the folder all the same', async () => {
  const leaky = await openTestForge();
  const child = spawn('sleep', ['60'], { cwd: leaky.folder, detached: true, stdio: 'ignore' });
  await expect(leaky.dispose()).rejects.toThrow(/left these child processes behind: \d+ sleep 60/);
  child.kill('SIGKILL');
  expect(existsSync(leaky.folder)).toBe(false);
});
