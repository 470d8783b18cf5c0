import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { getBranch } from '../../src/branches/find.ts';
import type { Branch } from '../../src/branches/model.ts';
import {
  finaliseMerges,
  mergeBranch,
  moveRefs,
  prepareMerge,
  recordIntents,
} from '../../src/landing/merge/merge.ts';
import { recoverMerges } from '../../src/landing/merge/recover.ts';
import type { MergeMethod } from '../../src/repos/model.ts';
import { useForge } from '../support/forge.ts';
import { stageBranch, stageRepo, type StagedRepo } from './staged-branch.ts';

const open = useForge();
const methods: MergeMethod[] = ['merge', 'squash', 'fast-forward'];

async function stageIntent(method: MergeMethod) {
  const staged = await stageRepo(await open(), method);
  const branch = await stageBranch(staged);
  const before = (await staged.tip('refs/heads/main'))!;
  const prepared = await prepareMerge(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
  return { staged, branch, before, prepared };
}

/** Refs and rows as a merge that never began leaves them. */
async function expectAbsent(staged: StagedRepo, branch: Branch, before: string) {
  expect(await staged.tip('refs/heads/main')).toBe(before);
  expect(await staged.tip('refs/heads/work')).toBe(branch.headOid);
  expect(getBranch(staged.forge, branch.id).state).toBe('open');
}

async function expectWhole(staged: StagedRepo, branch: Branch, mergeOid: string) {
  expect(await staged.tip('refs/heads/main')).toBe(mergeOid);
  expect(await staged.tip('refs/heads/work')).toBeUndefined();
  expect(await staged.tip('refs/pika/heads/1/1')).toBe(branch.headOid);
  expect(getBranch(staged.forge, branch.id)).toMatchObject({ state: 'merged', mergeOid });
  const audit = staged.forge.db.all(`SELECT id FROM audit WHERE action = 'branch.merge'`);
  expect(audit).toHaveLength(1);
}

test.each(methods)('%s: a death after the preparation leaves nothing to recover', async (method) => {
  const { staged, branch, before } = await stageIntent(method);
  expect(await recoverMerges(staged.forge)).toEqual({ finalised: 0, abandoned: 0 });
  await expectAbsent(staged, branch, before);
});

test.each(methods)(
  '%s: a death after the intent abandons the merge, and it can be ordered again',
  async (method) => {
    const { staged, branch, before, prepared } = await stageIntent(method);
    recordIntents(staged.forge, [prepared]);
    expect(await recoverMerges(staged.forge)).toEqual({ finalised: 0, abandoned: 1 });
    await expectAbsent(staged, branch, before);
    const view = await mergeBranch(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
    await expectWhole(staged, branch, view.commit);
  },
);

test.each(methods)('%s: a death after the refs moved is finalised', async (method) => {
  const { staged, branch, prepared } = await stageIntent(method);
  const intents = recordIntents(staged.forge, [prepared]);
  await moveRefs(staged.forge, intents);
  const settled = staged.forge.events.next('branch-settled');
  expect(await recoverMerges(staged.forge)).toEqual({ finalised: 1, abandoned: 0 });
  await expectWhole(staged, branch, prepared.mergeOid);
  expect(await settled).toMatchObject({ branchId: branch.id, state: 'merged' });
  expect(await recoverMerges(staged.forge)).toEqual({ finalised: 0, abandoned: 0 });
});

test('a death in the middle of git moving the refs takes the left branch ref away', async () => {
  const { staged, branch, prepared } = await stageIntent('merge');
  recordIntents(staged.forge, [prepared]);
  await staged.text('update-ref', 'refs/heads/main', prepared.mergeOid);
  expect(await recoverMerges(staged.forge)).toEqual({ finalised: 1, abandoned: 0 });
  await expectWhole(staged, branch, prepared.mergeOid);
});

test('the lock files of a git that died with the machine hold up no later merge', async () => {
  const { staged, branch, prepared } = await stageIntent('merge');
  recordIntents(staged.forge, [prepared]);
  const longAgo = new Date(Date.now() - 60_000);
  for (const name of ['refs/heads/main.lock', 'refs/heads/work.lock', 'packed-refs.lock']) {
    writeFileSync(join(staged.folder, name), '');
    utimesSync(join(staged.folder, name), longAgo, longAgo);
  }
  expect(await recoverMerges(staged.forge)).toEqual({ finalised: 0, abandoned: 1 });
  const view = await mergeBranch(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
  await expectWhole(staged, branch, view.commit);
});

test('a merge is still found after the target went on', async () => {
  const { staged, branch, prepared } = await stageIntent('merge');
  const intents = recordIntents(staged.forge, [prepared]);
  await moveRefs(staged.forge, intents);
  const second = await stageBranch(staged, { name: 'second' });
  await mergeBranch(staged.forge, { ...staged, branch: second, expectedHead: second.headOid });
  expect(await recoverMerges(staged.forge)).toEqual({ finalised: 1, abandoned: 0 });
  expect(getBranch(staged.forge, branch.id)).toMatchObject({ state: 'merged', mergeOid: prepared.mergeOid });
});

test('finalising twice settles, audits and tells once', async () => {
  const { staged, branch, prepared } = await stageIntent('merge');
  const intents = recordIntents(staged.forge, [prepared]);
  await moveRefs(staged.forge, intents);
  let told = 0;
  staged.forge.events.on('branch-settled', () => {
    told += 1;
  });
  finaliseMerges(staged.forge, intents, { callerOf: () => staged.caller });
  finaliseMerges(staged.forge, intents, { callerOf: () => staged.caller });
  expect(told).toBe(1);
  await expectWhole(staged, branch, prepared.mergeOid);
});
