import { expect, test } from 'vitest';
import { recentAudit } from '../../src/accounts/audit.ts';
import { commandRequest, runCommand } from '../../src/operator/commands.ts';
import { findRepo } from '../../src/repos/find.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();

test('the operator adds, lists and removes protected patterns, and is told what they match', async () => {
  const it = await open();
  const repo = await it.repo('ada/app', { files: { a: '1\n' } });
  const run = async (request: Record<string, string>) =>
    runCommand(it.forge, commandRequest.parse({ repo: 'ada/app', ...request }));
  await pushFiles(it.forge.git, {
    repo: it.repoFolder(repo),
    branch: 'release/1',
    from: 'refs/heads/main',
    files: { b: '1\n' },
  });
  const added = await run({ command: 'protect add', pattern: 'release/*' });
  expect(added.text).toBe('ada/app takes no direct push on:\n  default branch  main\n  release/*  release/1');
  await run({ command: 'protect add', pattern: 'v?' });
  expect((await run({ command: 'protect list' })).json).toEqual({
    repo: 'ada/app',
    defaultBranch: 'main',
    patterns: [
      { pattern: 'release/*', branches: ['release/1'], total: 1 },
      { pattern: 'v?', branches: [], total: 0 },
    ],
  });
  const removed = await run({ command: 'protect remove', pattern: 'release/*' });
  expect(removed.text).toContain('v?  (matches no branch now)');
  expect(removed.text).not.toContain('release');
  await expect(run({ command: 'protect remove', pattern: 'release/*' })).rejects.toMatchObject({
    code: 'not_found',
  });
  await expect(run({ command: 'protect add', pattern: '!main' })).rejects.toMatchObject({ code: 'invalid' });
  await expect(run({ command: 'protect list', repo: 'ada/none' })).rejects.toMatchObject({
    code: 'not_found',
  });
  const [newest] = recentAudit(it.forge, 1);
  expect(newest).toMatchObject({ action: 'protection.remove', account: 'pika-git', subject: 'ada/app' });
});

test('a repository that the operator makes takes its default branch from the first push, unless it is named', async () => {
  const { forge } = await open();
  const make = async (repo: string, rest: object = {}) =>
    runCommand(forge, commandRequest.parse({ command: 'repo create', repo, ...rest }));
  expect((await make('ada/free')).text).toContain('default branch main');
  await make('ada/chosen', { defaultBranch: 'main' });
  expect(findRepo(forge, 'ada', 'free')).toMatchObject({ defaultBranch: 'main', isDefaultChosen: false });
  expect(findRepo(forge, 'ada', 'chosen')).toMatchObject({ defaultBranch: 'main', isDefaultChosen: true });
});
