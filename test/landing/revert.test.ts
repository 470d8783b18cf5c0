import { expect, test } from 'vitest';
import { getBranch, listRevisions } from '../../src/branches/find.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { mergeBranch } from '../../src/landing/merge/merge.ts';
import { restoreBranch } from '../../src/landing/restore.ts';
import { revertBranch } from '../../src/landing/revert.ts';
import { mergeMethods, type MergeMethod } from '../../src/repos/model.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { stageBranch, stageRepo } from './staged-branch.ts';

const open = useForge();

async function stageLanded(method: MergeMethod = 'merge') {
  const staged = await stageRepo(await open(), method);
  const branch = await stageBranch(staged, { files: { 'a.txt': 'changed\n', 'added.txt': 'added\n' } });
  await mergeBranch(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
  return { staged, branch: getBranch(staged.forge, branch.id) };
}

test.each(mergeMethods)(
  'a revert takes back what a branch brought by %s, and nothing else',
  async (method) => {
    const { staged, branch } = await stageLanded(method);
    const later = await pushFiles(staged.forge.git, {
      repo: staged.folder,
      branch: 'main',
      files: { 'later.txt': 'later\n' },
    });
    const made = await revertBranch(staged.forge, { ...staged, branch, reason: 'It broke the build.' });
    expect(made).toMatchObject({
      name: 'revert-1',
      number: 2,
      target: 'main',
      state: 'open',
      authorName: 'ada',
    });
    expect(await staged.tip('refs/heads/revert-1')).toBe(made.headOid);
    expect(await staged.tip('refs/pika/heads/2/1')).toBe(made.headOid);
    expect(listRevisions(staged.forge, made.id)).toMatchObject([{ baseOid: later, pushedByName: 'ada' }]);
    expect(await staged.text('diff', '--name-status', later, made.headOid)).toBe('M\ta.txt\nD\tadded.txt');
    expect(await staged.text('show', `${made.headOid}:a.txt`)).toBe('one');
    const message = await staged.text('show', '-s', '--format=%P%n%B', made.headOid);
    expect(message.trim()).toBe(
      `${later}\nRevert "Do the work" (#1)\n\nThis takes back what #1 brought with ${branch.mergeOid}.\n\nIt broke the build.`,
    );
    await scanRepo(staged.forge, staged.repo);
    expect(getBranch(staged.forge, made.id)).toMatchObject({ state: 'open', revision: 1 });
  },
);

test('a second revert of a branch takes another name', async () => {
  const { staged, branch } = await stageLanded();
  await revertBranch(staged.forge, { ...staged, branch });
  expect((await revertBranch(staged.forge, { ...staged, branch })).name).toBe('revert-1-2');
});

test('what was changed since is a conflict that names the paths, and no branch is made', async () => {
  const { staged, branch } = await stageLanded();
  await pushFiles(staged.forge.git, { repo: staged.folder, branch: 'main', files: { 'a.txt': 'other\n' } });
  await expect(revertBranch(staged.forge, { ...staged, branch })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('in a.txt'),
    details: { paths: ['a.txt'] },
  });
  expect(await staged.tip('refs/heads/revert-1')).toBeUndefined();
});

test('what is not merged, not merged here, or taken back already cannot be reverted', async () => {
  const { staged, branch } = await stageLanded();
  const other = await stageBranch(staged, { name: 'other' });
  await expect(revertBranch(staged.forge, { ...staged, branch: other })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('is open'),
  });
  await staged.text('update-ref', 'refs/heads/main', other.headOid);
  await scanRepo(staged.forge, staged.repo);
  await expect(revertBranch(staged.forge, { ...staged, branch: other })).rejects.toMatchObject({
    message: expect.stringContaining('not merged here'),
  });
  await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: 'main',
    files: { 'a.txt': 'one\n', 'added.txt': null },
  });
  await expect(revertBranch(staged.forge, { ...staged, branch })).rejects.toMatchObject({
    message: expect.stringContaining('nothing of #1'),
  });
});

test('a merged branch is had again as a new branch of its name, which the scan leaves open', async () => {
  const { staged, branch } = await stageLanded();
  const again = await restoreBranch(staged.forge, { ...staged, branch });
  expect(again).toMatchObject({ name: 'work', number: 2, headOid: branch.headOid, state: 'open' });
  expect(await staged.tip('refs/heads/work')).toBe(branch.headOid);
  await scanRepo(staged.forge, staged.repo);
  expect(getBranch(staged.forge, again.id).state).toBe('open');
  expect(getBranch(staged.forge, branch.id).state).toBe('merged');
  await expect(restoreBranch(staged.forge, { ...staged, branch })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('in use'),
  });
  await expect(restoreBranch(staged.forge, { ...staged, branch: again })).rejects.toMatchObject({
    message: expect.stringContaining('is open'),
  });
});

test('who may only read can neither revert nor restore', async () => {
  const { staged, branch } = await stageLanded();
  const order = { ...staged, branch, caller: { ...staged.caller, scope: 'read' as const } };
  await expect(revertBranch(staged.forge, order)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(restoreBranch(staged.forge, order)).rejects.toMatchObject({ code: 'forbidden' });
});
