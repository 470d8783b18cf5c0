import { expect, test } from 'vitest';
import { getBranch } from '../../src/branches/find.ts';
import { mergeBranch, moveRefs, prepareMerge, recordIntents } from '../../src/landing/merge/merge.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { stageBranch, stageRepo, type StagedRepo } from './staged-branch.ts';

const open = useForge();

const mergesOf = ({ forge }: StagedRepo) =>
  forge.db.all<{ state: string; merge_oid: string }>('SELECT state, merge_oid FROM merges ORDER BY id');

test('a merge makes one commit of both parents, moves the target, takes the branch away and keeps its pin', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  const before = await staged.tip('refs/heads/main');
  const facts: string[] = [];
  staged.forge.events.on('branch-settled', ({ state }) => facts.push(`settled ${state}`));
  staged.forge.events.on('target-moved', ({ oid }) => facts.push(`target ${oid}`));

  const view = await mergeBranch(staged.forge, { ...staged, branch, expectedHead: branch.headOid });

  expect(await staged.tip('refs/heads/main')).toBe(view.commit);
  expect(await staged.tip('refs/heads/work')).toBeUndefined();
  expect(await staged.tip('refs/pika/heads/1/1')).toBe(branch.headOid);
  const shown = await staged.text('show', '-s', '--format=%P|%an <%ae>|%cn|%s', view.commit);
  expect(shown).toBe(
    `${before} ${branch.headOid}|ada <ada@example.org>|ada|Merge branch 'work' (#1): Do the work`,
  );
  const settled = getBranch(staged.forge, branch.id);
  expect([settled.state, settled.mergeOid, settled.settledByName]).toEqual(['merged', view.commit, 'ada']);
  expect(mergesOf(staged)).toEqual([{ state: 'done', merge_oid: view.commit }]);
  expect(facts).toEqual(['settled merged', `target ${view.commit}`]);
  const audit = staged.forge.db.all(`SELECT action, subject FROM audit WHERE action LIKE 'branch.%'`);
  expect(audit).toEqual([{ action: 'branch.merge', subject: 'ada/app#1' }]);
});

test('a squash makes one commit with the target as its parent and keeps the other authors', async () => {
  const staged = await stageRepo(await open(), 'squash');
  const first = await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: 'work',
    from: (await staged.tip('refs/heads/main'))!,
    files: { 'x.txt': 'x\n' },
    author: 'Bob B <bob@example.org>',
  });
  const branch = await stageBranch(staged, { from: first });
  const before = await staged.tip('refs/heads/main');
  const view = await mergeBranch(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
  const shown = await staged.text('show', '-s', '--format=%P|%an|%B', view.commit);
  expect(shown.trim()).toBe(
    `${before}|ada|Do the work (#1)\n\n* Change x.txt\n* Change work.txt\n\nCo-authored-by: Bob B <bob@example.org>`,
  );
  expect(await staged.text('ls-tree', '--name-only', view.commit)).toContain('x.txt');
});

test('a fast-forward moves the target to the head itself', async () => {
  const staged = await stageRepo(await open(), 'fast-forward');
  const branch = await stageBranch(staged);
  const view = await mergeBranch(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
  expect(view.commit).toBe(branch.headOid);
  expect(await staged.tip('refs/heads/main')).toBe(branch.headOid);
});

test('a given message stands in place of the usual one', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  const order = { ...staged, branch, expectedHead: branch.headOid, message: 'Land it all' };
  const view = await mergeBranch(staged.forge, order);
  expect(await staged.text('show', '-s', '--format=%B', view.commit)).toBe('Land it all\n');
});

test('a conflict is refused with its paths, and nothing is written', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged, { files: { 'a.txt': 'theirs\n' } });
  const target = await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: 'main',
    files: { 'a.txt': 'mine\n' },
  });
  const merging = mergeBranch(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
  await expect(merging).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('conflicts with main in a.txt'),
    details: { holds: [expect.objectContaining({ kind: 'conflict' })] },
  });
  expect(await staged.tip('refs/heads/main')).toBe(target);
  expect(await staged.tip('refs/heads/work')).toBe(branch.headOid);
  expect(mergesOf(staged)).toEqual([]);
});

test('a red lane refuses the merge and is named', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged, { lane: 'failed' });
  const merging = mergeBranch(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
  await expect(merging).rejects.toMatchObject({
    code: 'conflict',
    details: { holds: [expect.objectContaining({ kind: 'lane_not_green', lane: 'unit' })] },
  });
  expect(mergesOf(staged)).toEqual([]);
});

test('a caller who may only read is refused before anything is looked at', async () => {
  const test = await open();
  const staged = await stageRepo(test);
  const branch = await stageBranch(staged);
  const reader = { ...staged.caller, scope: 'read' as const };
  const merging = mergeBranch(staged.forge, {
    ...staged,
    caller: reader,
    branch,
    expectedHead: branch.headOid,
  });
  await expect(merging).rejects.toMatchObject({ code: 'forbidden' });
  const stranger = test.account('eve').caller;
  const hidden = mergeBranch(staged.forge, {
    ...staged,
    caller: stranger,
    branch,
    expectedHead: branch.headOid,
  });
  await expect(hidden).rejects.toMatchObject({ code: 'not_found' });
});

test('Z5: a head that moved since the caller saw it is refused and nothing is written', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  const unseen = await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: 'work',
    files: { 'unseen.txt': 'x\n' },
  });
  const merging = mergeBranch(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
  await expect(merging).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('The branch moved'),
  });
  expect(await staged.tip('refs/heads/work')).toBe(unseen);
  expect(mergesOf(staged)).toEqual([]);
});

test('Z5: a push between the check and the move of the refs refuses the merge whole', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  const before = await staged.tip('refs/heads/main');
  const prepared = await prepareMerge(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
  const intents = recordIntents(staged.forge, [prepared]);
  const unseen = await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: 'work',
    files: { 'unseen.txt': 'x\n' },
  });
  await expect(moveRefs(staged.forge, intents)).rejects.toMatchObject({ code: 'conflict' });
  expect(await staged.tip('refs/heads/main')).toBe(before);
  expect(await staged.tip('refs/heads/work')).toBe(unseen);
});

test('Z5: a target that moved between the check and the move of the refs refuses the merge whole', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  const prepared = await prepareMerge(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
  const intents = recordIntents(staged.forge, [prepared]);
  const target = await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: 'main',
    files: { 'other.txt': 'x\n' },
  });
  await expect(moveRefs(staged.forge, intents)).rejects.toMatchObject({ code: 'conflict' });
  expect(await staged.tip('refs/heads/main')).toBe(target);
  expect(await staged.tip('refs/heads/work')).toBe(branch.headOid);
});

test('A3: tags named like the target, the branch or a full ref do not change what is merged', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  const evil = await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: 'evil',
    files: { 'evil.txt': 'x\n' },
  });
  const before = await staged.tip('refs/heads/main');
  for (const tag of ['main', 'work', 'refs/heads/main', 'heads/main', 'refs/heads/work']) {
    await staged.text('update-ref', `refs/tags/${tag}`, evil);
  }
  const view = await mergeBranch(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
  expect(await staged.text('show', '-s', '--format=%P', view.commit)).toBe(`${before} ${branch.headOid}`);
  expect(await staged.text('ls-tree', '--name-only', view.commit)).not.toContain('evil.txt');
  expect(await staged.tip('refs/tags/main')).toBe(evil);
});

test('two merges of one branch at once land it once; the other is refused', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  const order = { ...staged, branch, expectedHead: branch.headOid };
  const results = await Promise.allSettled([
    mergeBranch(staged.forge, order),
    mergeBranch(staged.forge, order),
  ]);
  expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(mergesOf(staged)).toHaveLength(1);
  await expect(mergeBranch(staged.forge, order)).rejects.toMatchObject({
    code: 'conflict',
    details: { holds: [expect.objectContaining({ kind: 'not_open' })] },
  });
});

test('merges in two repositories do not wait for each other', async () => {
  const test = await open();
  const staged = await stageRepo(test);
  const branch = await stageBranch(staged);
  staged.slots.tryTake('merge:999');
  await mergeBranch(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
  expect(getBranch(staged.forge, branch.id).state).toBe('merged');
});
