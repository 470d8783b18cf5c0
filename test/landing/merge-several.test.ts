import { expect, test } from 'vitest';
import { getBranch } from '../../src/branches/find.ts';
import type { Branch } from '../../src/branches/model.ts';
import { mergeTree } from '../../src/git/merge.ts';
import { makeCommit } from '../../src/landing/merge/commit.ts';
import { landIntents, moveRefs, recordIntents, type PreparedMerge } from '../../src/landing/merge/merge.ts';
import { recoverMerges } from '../../src/landing/merge/recover.ts';
import { useForge } from '../support/forge.ts';
import { stageBranch, stageRepo, type StagedRepo } from './staged-branch.ts';

const open = useForge();

/** Three branches, each merged onto the one before it; nothing refers to the commits yet. */
async function stageChain(): Promise<{
  staged: StagedRepo;
  before: string;
  branches: Branch[];
  chain: PreparedMerge[];
}> {
  const staged = await stageRepo(await open());
  const { forge, repo, folder } = staged;
  const before = (await staged.tip('refs/heads/main'))!;
  const branches: Branch[] = [];
  for (const name of ['one', 'two', 'three'])
    branches.push(await stageBranch(staged, { name, from: before }));
  const chain: PreparedMerge[] = [];
  for (const branch of branches) {
    const targetOid = chain.at(-1)?.mergeOid ?? before;
    const merge = await mergeTree(forge.git, { repo: folder, target: targetOid, head: branch.headOid });
    if (merge.outcome !== 'clean') throw new Error('the staged branches conflict');
    const sides = { targetOid, headOid: branch.headOid };
    const order = { repo, branch, actor: staged.account, method: 'merge', message: undefined } as const;
    const mergeOid = await makeCommit(forge, { ...order, tree: merge.tree, ...sides });
    chain.push({ repo, branch, actorId: staged.account.id, method: 'merge', mergeOid, ...sides });
  }
  return { staged, before, branches, chain };
}

const statesOf = ({ forge }: StagedRepo, branches: readonly Branch[]) =>
  branches.map(({ id }) => getBranch(forge, id).state);

async function expectAllLanded(staged: StagedRepo, branches: readonly Branch[], chain: PreparedMerge[]) {
  expect(await staged.tip('refs/heads/main')).toBe(chain.at(-1)?.mergeOid);
  expect(statesOf(staged, branches)).toEqual(['merged', 'merged', 'merged']);
  for (const [place, branch] of branches.entries()) {
    expect(getBranch(staged.forge, branch.id).mergeOid).toBe(chain[place]?.mergeOid);
    expect(await staged.tip(`refs/heads/${branch.name}`)).toBeUndefined();
    expect(await staged.tip(`refs/pika/heads/${branch.number}/1`)).toBe(branch.headOid);
  }
}

test('several branches land in one move of the target, each with its own commit, audit row and fact', async () => {
  const { staged, branches, chain } = await stageChain();
  const settled: number[] = [];
  staged.forge.events.on('branch-settled', ({ branchId }) => settled.push(branchId));
  const moved: string[] = [];
  staged.forge.events.on('target-moved', ({ oid }) => moved.push(oid));
  let isFenced = 0;
  await landIntents(staged.forge, recordIntents(staged.forge, chain), {
    callerOf: () => staged.caller,
    alongside: () => void (isFenced += 1),
  });
  await expectAllLanded(staged, branches, chain);
  expect(settled).toEqual(branches.map(({ id }) => id));
  expect(moved).toEqual([chain[2]?.mergeOid]);
  expect(isFenced).toBe(1);
  const audit = staged.forge.db.all(`SELECT subject FROM audit WHERE action = 'branch.merge' ORDER BY id`);
  expect(audit).toEqual([{ subject: 'ada/app#1' }, { subject: 'ada/app#2' }, { subject: 'ada/app#3' }]);
});

test('when one of several moved, none lands and every intent is ended', async () => {
  const { staged, before, branches, chain } = await stageChain();
  await staged.text('update-ref', 'refs/heads/two', before);
  const landing = landIntents(staged.forge, recordIntents(staged.forge, chain), {
    callerOf: () => staged.caller,
  });
  await expect(landing).rejects.toMatchObject({ code: 'conflict' });
  expect(await staged.tip('refs/heads/main')).toBe(before);
  expect(await staged.tip('refs/heads/one')).toBe(branches[0]?.headOid);
  expect(statesOf(staged, branches)).toEqual(['open', 'open', 'open']);
  const states = staged.forge.db.all('SELECT DISTINCT state FROM merges');
  expect(states).toEqual([{ state: 'abandoned' }]);
});

test('what is written beside the rows is undone with them when it fails', async () => {
  const { staged, branches, chain } = await stageChain();
  const intents = recordIntents(staged.forge, chain);
  const landing = landIntents(staged.forge, intents, {
    callerOf: () => staged.caller,
    alongside: () => {
      throw new Error('the disk is full');
    },
  });
  await expect(landing).rejects.toThrow('the disk is full');
  expect(statesOf(staged, branches)).toEqual(['open', 'open', 'open']);
  // The refs did move: the start after it finishes what git has.
  expect(await recoverMerges(staged.forge)).toEqual({ finalised: 3, abandoned: 0 });
  await expectAllLanded(staged, branches, chain);
});

test('a death before the refs move abandons all of them, one after it finishes all of them', async () => {
  const { staged, before, branches, chain } = await stageChain();
  recordIntents(staged.forge, chain);
  expect(await recoverMerges(staged.forge)).toEqual({ finalised: 0, abandoned: 3 });
  expect(await staged.tip('refs/heads/main')).toBe(before);
  await moveRefs(staged.forge, recordIntents(staged.forge, chain));
  expect(await recoverMerges(staged.forge)).toEqual({ finalised: 3, abandoned: 0 });
  await expectAllLanded(staged, branches, chain);
});

test('a merge that does not stand on the one before it moves nothing', async () => {
  const { staged, before, chain } = await stageChain();
  const [first, , third] = recordIntents(staged.forge, chain);
  await expect(moveRefs(staged.forge, [first!, third!])).rejects.toThrow('does not stand on');
  expect(await staged.tip('refs/heads/main')).toBe(before);
});
