// What whoever merges may choose: the method, the message, and to go past the gate with a reason.
import { expect, test } from 'vitest';
import { getBranch } from '../../src/branches/find.ts';
import { mergeChoices } from '../../src/landing/merge/merge-choices.ts';
import { mergeBranch, moveRefs, prepareMerge, recordIntents } from '../../src/landing/merge/merge.ts';
import { recoverMerges } from '../../src/landing/merge/recover.ts';
import type { MergeMethod } from '../../src/repos/model.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { stageBranch, stageRepo, type StagedRepo } from './staged-branch.ts';

const open = useForge();

const lastCommit = (staged: StagedRepo, oid: string) =>
  staged.text('show', '-s', '--format=%P%x01%an%x01%B', oid).then((text) => text.trim().split('\u0001'));

async function stageTwoCommits(staged: StagedRepo) {
  const first = await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: 'work',
    from: (await staged.tip('refs/heads/main'))!,
    files: { 'x.txt': 'x\n' },
    message: 'Prepare the ground',
  });
  return stageBranch(staged, { from: first, message: 'Build the house\n\nWith a roof.' });
}

/** Somebody who may write and does not maintain. */
function writer(test: TestForge, staged: StagedRepo) {
  const { account, caller } = test.account('ben');
  staged.forge.db.run(
    `INSERT INTO repo_members (repo_id, account_id, role) VALUES (:repo, :account, 'write')`,
    { repo: staged.repo.id, account: account.id },
  );
  return caller;
}

test('a method that keeps history straighter than the usual one may be chosen', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageTwoCommits(staged);
  const before = await staged.tip('refs/heads/main');
  const view = await mergeBranch(staged.forge, {
    ...staged,
    branch,
    expectedHead: branch.headOid,
    method: 'squash',
  });
  const [parents, , message] = await lastCommit(staged, view.commit);
  expect(parents).toBe(before);
  expect(message).toMatch(/^Do the work \(#1\)\n\n\* Prepare the ground\n\* Build the house/);
});

test.each<[MergeMethod, MergeMethod, string]>([
  ['squash', 'merge', 'Choose squash or fast-forward.'],
  ['fast-forward', 'squash', 'Choose fast-forward.'],
])('where %s is usual, %s is refused with what may be chosen', async (usual, wanted, wayOut) => {
  const staged = await stageRepo(await open(), usual);
  const branch = await stageBranch(staged);
  const merging = mergeBranch(staged.forge, {
    ...staged,
    branch,
    expectedHead: branch.headOid,
    method: wanted,
  });
  await expect(merging).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining(wayOut),
  });
});

test('the policy of the target names the usual method in place of the repository', async () => {
  const staged = await stageRepo(await open());
  await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: 'main',
    files: { '.pika/policy.toml': '[landing]\nmethod = "squash"\n' },
  });
  const branch = await stageBranch(staged);
  const before = await staged.tip('refs/heads/main');
  const view = await mergeBranch(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
  expect((await lastCommit(staged, view.commit))[0]).toBe(before);
});

test('the choices hold each method with the message that a merge by it has', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageTwoCommits(staged);
  const { methods } = await mergeChoices(staged.forge, { ...staged, branch });
  expect(methods).toEqual([
    { method: 'merge', message: "Merge branch 'work' (#1): Do the work" },
    { method: 'squash', message: 'Do the work (#1)\n\n* Prepare the ground\n* Build the house' },
    { method: 'fast-forward', message: '' },
  ]);
  const alone = await stageBranch(staged, { name: 'alone', message: 'One thing\n\nBecause of it.' });
  const choices = await mergeChoices(staged.forge, { ...staged, branch: alone });
  expect(choices.methods[1]?.message).toBe('Do the work (#2)\n\nBecause of it.');
});

test('an empty message is the usual one', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  const order = { ...staged, branch, expectedHead: branch.headOid, message: ' \n' };
  const view = await mergeBranch(staged.forge, order);
  expect((await lastCommit(staged, view.commit))[2]).toBe("Merge branch 'work' (#1): Do the work");
});

test('a maintainer merges past a red lane with a reason, which the audit log keeps with what was overruled', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged, { lane: 'failed' });
  const force = { reason: 'The lane tests a service that is gone.' };
  await mergeBranch(staged.forge, { ...staged, branch, expectedHead: branch.headOid, force });
  expect(getBranch(staged.forge, branch.id).state).toBe('merged');
  const row = staged.forge.db.get<{ detail: string }>(
    `SELECT detail FROM audit WHERE action = 'branch.force-merge'`,
  );
  expect(JSON.parse(row!.detail)).toMatchObject({
    reason: force.reason,
    holds: ['The lane unit failed.'],
  });
});

test('an open gate needs no force, and the merge is not told as one', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  const order = { ...staged, branch, expectedHead: branch.headOid, force: { reason: 'In a hurry.' } };
  await mergeBranch(staged.forge, order);
  const actions = staged.forge.db.all(`SELECT action FROM audit WHERE action LIKE 'branch.%'`);
  expect(actions).toEqual([{ action: 'branch.merge' }]);
});

test('a forced merge that the forge died in is told as forced after the restart', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged, { lane: 'failed' });
  const force = { reason: 'It is urgent.' };
  const order = { ...staged, branch, expectedHead: branch.headOid, force };
  await moveRefs(staged.forge, recordIntents(staged.forge, [await prepareMerge(staged.forge, order)]));
  await recoverMerges(staged.forge);
  const row = staged.forge.db.get<{ detail: string }>(
    `SELECT detail FROM audit WHERE action = 'branch.force-merge'`,
  );
  expect(JSON.parse(row!.detail)).toMatchObject({ reason: 'It is urgent.' });
});

test('who only writes cannot force, and a force without a reason is refused', async () => {
  const test = await open();
  const staged = await stageRepo(test);
  const branch = await stageBranch(staged, { lane: 'failed' });
  const order = { ...staged, branch, expectedHead: branch.headOid };
  const ben = mergeBranch(staged.forge, { ...order, caller: writer(test, staged), force: { reason: 'x' } });
  await expect(ben).rejects.toMatchObject({ code: 'forbidden' });
  const mute = mergeBranch(staged.forge, { ...order, force: { reason: '  ' } });
  await expect(mute).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining('reason') });
  expect(getBranch(staged.forge, branch.id).state).toBe('open');
});

test('no reason helps past a conflict or a head that moved', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged, { files: { 'a.txt': 'theirs\n' }, lane: 'failed' });
  await pushFiles(staged.forge.git, { repo: staged.folder, branch: 'main', files: { 'a.txt': 'mine\n' } });
  const force = { reason: 'Now.' };
  const merging = mergeBranch(staged.forge, { ...staged, branch, expectedHead: branch.headOid, force });
  await expect(merging).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('no reason helps'),
    details: { holds: [expect.objectContaining({ kind: 'conflict' })] },
  });
});
