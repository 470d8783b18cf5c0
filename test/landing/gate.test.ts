import { expect, test } from 'vitest';
import { anonymous } from '../../src/accounts/model.ts';
import { askGate, examineGate } from '../../src/landing/gate/gate.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { addRevision, stageBranch, stageRepo, type StagedRepo } from './staged-branch.ts';
import { getBranch } from '../../src/branches/find.ts';

const open = useForge();
const treesOf = async ({ text }: StagedRepo): Promise<number> => {
  const objects = await text('cat-file', '--batch-all-objects', '--batch-check=%(objecttype)');
  return objects.split('\n').filter((type) => type === 'tree').length;
};
const kinds = (view: { holds: { kind: string }[] }) => view.holds.map((hold) => hold.kind);

test('the gate is open for a green head that merges cleanly', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  expect(await askGate(staged.forge, { ...staged, branch })).toEqual({
    open: true,
    holds: [],
    met: [
      { kind: 'lanes', message: `1 required lane green at ${branch.headOid.slice(0, 8)}` },
      { kind: 'merges', message: 'Merges cleanly into main' },
    ],
  });
});

test.each(['failed', 'running', 'queued'] as const)(
  'a lane that is %s holds the branch by name',
  async (lane) => {
    const staged = await stageRepo(await open());
    const branch = await stageBranch(staged, { lane });
    const gate = await askGate(staged.forge, { ...staged, branch });
    expect(gate.open).toBe(false);
    expect(gate.holds).toEqual([expect.objectContaining({ kind: 'lane_not_green', lane: 'unit' })]);
    expect(gate.holds[0]!.wayOut).not.toBe('');
  },
);

test('green lanes of an earlier head do not open the gate for a new one', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  const head = await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: 'work',
    files: { 'more.txt': 'x\n' },
  });
  await addRevision(staged, branch, { head, lane: 'none' });
  const now = getBranch(staged.forge, branch.id);
  expect(kinds(await askGate(staged.forge, { ...staged, branch: now }))).toEqual(['no_run']);
  await staged.text('update-ref', 'refs/heads/work', branch.headOid);
  expect(kinds(await askGate(staged.forge, { ...staged, branch: now }))).toContain('stale_head');
});

test('what a page was told of a merge is told again without git, and no merge is made of it', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  // Main moves on, so that the tree of the merge is nobody else's.
  await pushFiles(staged.forge.git, { repo: staged.folder, branch: 'main', files: { 'm.txt': 'm\n' } });
  const told = await askGate(staged.forge, { ...staged, branch });
  const trees = await treesOf(staged);
  await staged.text('prune', '--expire=now');
  expect(await askGate(staged.forge, { ...staged, branch })).toEqual(told);
  expect(await treesOf(staged)).toBe(trees - 1);
  const { tree } = await examineGate(staged.forge, { ...staged, branch });
  expect(await staged.text('cat-file', '-t', tree!)).toBe('tree');
});

test('a green run of another branch at the same commit does not open the gate', async () => {
  const staged = await stageRepo(await open());
  const from = (await staged.tip('refs/heads/main'))!;
  const files = { 'x.txt': 'x\n' };
  const branch = await stageBranch(staged, { from, files, lane: 'failed' });
  const twin = await stageBranch(staged, { name: 'twin', from, files });
  expect(twin.headOid).toBe(branch.headOid);
  expect(kinds(await askGate(staged.forge, { ...staged, branch }))).toEqual(['lane_not_green']);
});

test('a head that git has and ingest has not seen is held, whatever the run of the last one said', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  await pushFiles(staged.forge.git, { repo: staged.folder, branch: 'work', files: { 'm.txt': 'm\n' } });
  expect(kinds(await askGate(staged.forge, { ...staged, branch }))).toEqual(['stale_head', 'no_run']);
});

test('a run without lanes holds with the problem that CI named', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  staged.forge.db.run(`UPDATE runs SET state = 'failed', problem = 'lanes.toml: line 3: unknown key'`);
  const gate = await askGate(staged.forge, { ...staged, branch });
  expect(gate.holds).toEqual([
    expect.objectContaining({ kind: 'run_problem', message: expect.stringContaining('line 3') }),
  ]);
});

test('every hold is listed, not only the first', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged, { lane: 'failed', files: { 'a.txt': 'theirs\n' } });
  await pushFiles(staged.forge.git, { repo: staged.folder, branch: 'main', files: { 'a.txt': 'mine\n' } });
  staged.forge.db.run(`UPDATE branches SET broken_reason = 'its tree is missing'`);
  const question = {
    ...staged,
    branch: getBranch(staged.forge, branch.id),
    caller: anonymous('127.0.0.1'),
    head: '0'.repeat(40),
  };
  expect(kinds(await askGate(staged.forge, question))).toEqual([
    'branch_broken',
    'not_allowed',
    'stale_head',
    'lane_not_green',
    'conflict',
  ]);
});

test('a branch whose commits are all on the target is called merged already', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  await staged.text('update-ref', 'refs/heads/main', branch.headOid);
  expect(kinds(await askGate(staged.forge, { ...staged, branch }))).toEqual(['already_merged']);
});

test('a branch without a common commit is refused before git is asked to merge it', async () => {
  const staged = await stageRepo(await open());
  const other = await staged.text(
    'commit-tree',
    '-m',
    'alone',
    await staged.text('rev-parse', 'refs/heads/main^{tree}'),
  );
  const branch = await stageBranch(staged, { from: other });
  expect(kinds(await askGate(staged.forge, { ...staged, branch }))).toEqual(['no_common_history']);
});

test('a repository of fast-forwards holds a branch whose target moved on', async () => {
  const staged = await stageRepo(await open(), 'fast-forward');
  const branch = await stageBranch(staged);
  await pushFiles(staged.forge.git, { repo: staged.folder, branch: 'main', files: { 'c.txt': 'x\n' } });
  expect(kinds(await askGate(staged.forge, { ...staged, branch }))).toEqual(['not_fast_forward']);
});

test('a missing target and a missing branch are holds, not faults', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  await staged.text('update-ref', '-d', 'refs/heads/main');
  expect(kinds(await askGate(staged.forge, { ...staged, branch }))).toEqual(['no_target']);
  await staged.text('update-ref', '-d', 'refs/heads/work');
  expect(kinds(await askGate(staged.forge, { ...staged, branch }))).toEqual(['stale_head', 'no_target']);
});
