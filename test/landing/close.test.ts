import { expect, test } from 'vitest';
import { closeBranch, reopenBranch } from '../../src/landing/close.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { stageBranch, stageRepo } from './staged-branch.ts';

const open = useForge();

test('closing takes the ref away and keeps the pin; reopening brings the ref back', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  const settled = staged.forge.events.next('branch-settled');
  expect((await closeBranch(staged.forge, { ...staged, branch })).state).toBe('closed');
  expect(await settled).toMatchObject({ branchId: branch.id, state: 'closed' });
  expect(await staged.tip('refs/heads/work')).toBeUndefined();
  expect(await staged.tip('refs/pika/heads/1/1')).toBe(branch.headOid);

  expect((await reopenBranch(staged.forge, { ...staged, branch })).state).toBe('open');
  expect(await staged.tip('refs/heads/work')).toBe(branch.headOid);
  const actions = staged.forge.db.all<{ action: string }>(
    `SELECT action FROM audit WHERE action LIKE 'branch.%' ORDER BY id`,
  );
  expect(actions.map((row) => row.action)).toEqual(['branch.close', 'branch.reopen']);
});

test('a branch is not reopened while its name is used by another', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  await closeBranch(staged.forge, { ...staged, branch });
  const other = await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: 'work',
    from: branch.headOid,
    files: { 'z.txt': 'z\n' },
  });
  await expect(reopenBranch(staged.forge, { ...staged, branch })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('in use'),
  });
  expect(await staged.tip('refs/heads/work')).toBe(other);
});

test('what is settled is not closed again, what is open is not reopened', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  await expect(reopenBranch(staged.forge, { ...staged, branch })).rejects.toMatchObject({ code: 'conflict' });
  await closeBranch(staged.forge, { ...staged, branch });
  await expect(closeBranch(staged.forge, { ...staged, branch })).rejects.toMatchObject({ code: 'conflict' });
});

test('a branch is not closed in the middle of a merge of its repository', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  const hold = staged.slots.tryTake(`merge:${staged.repo.id}`)!;
  await expect(closeBranch(staged.forge, { ...staged, branch })).rejects.toMatchObject({ code: 'conflict' });
  hold.release();
  expect((await closeBranch(staged.forge, { ...staged, branch })).state).toBe('closed');
});
