import { expect, test } from 'vitest';
import { findOpenBranch, getBranch, listRevisions } from '../../src/branches/find.ts';
import { ingestSpool } from '../../src/branches/ingest.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { examineGate } from '../../src/landing/gate/gate.ts';
import { mergeBranch, moveRefs, prepareMerge, recordIntents } from '../../src/landing/merge/merge.ts';
import { followLanded, retargetBranch } from '../../src/landing/retarget.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { stageBranch, stageRepo, type StagedRepo } from './staged-branch.ts';

const open = useForge();

/** A release branch beside main, which nobody reviews, one commit behind it. */
async function stageRelease() {
  const staged = await stageRepo(await open());
  const release = (await staged.tip('refs/heads/main'))!;
  await staged.text('update-ref', 'refs/heads/release', release);
  const main = await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: 'main',
    files: { 'new.txt': 'new\n' },
  });
  return { staged, release, main };
}

const auditOf = (staged: StagedRepo) =>
  staged.forge.db
    .all<{ detail: string }>(`SELECT detail FROM audit WHERE action = 'branch.retarget' ORDER BY id`)
    .map(({ detail }) => JSON.parse(detail) as unknown);

test('a branch that is aimed elsewhere is a new revision with the base and the target of there', async () => {
  const { staged, release, main } = await stageRelease();
  const branch = await stageBranch(staged, { from: main });
  const pushed = staged.forge.events.next('branch-pushed');
  const aimed = await retargetBranch(staged.forge, { ...staged, branch, target: 'release' });
  expect(aimed).toMatchObject({ target: 'release', revision: 2, headOid: branch.headOid, state: 'open' });
  expect(listRevisions(staged.forge, branch.id).at(-1)).toMatchObject({
    number: 2,
    headOid: branch.headOid,
    baseOid: release,
    targetOid: release,
  });
  expect(await staged.tip('refs/pika/heads/1/2')).toBe(branch.headOid);
  expect(await pushed).toMatchObject({ branchId: branch.id, revision: 2 });
  expect(auditOf(staged)).toEqual([{ from: 'main', to: 'release' }]);
  // CI has not looked at it by the rules of the new target yet.
  const { holds } = await examineGate(staged.forge, { ...staged, branch: aimed });
  expect(holds.map(({ kind }) => kind)).toEqual(['no_run']);
});

test('aiming a branch where it is aimed already changes nothing', async () => {
  const { staged } = await stageRelease();
  const branch = await stageBranch(staged);
  expect(await retargetBranch(staged.forge, { ...staged, branch, target: 'main' })).toEqual(branch);
  expect(auditOf(staged)).toEqual([]);
});

test('a target that does not exist, is the branch itself or waits for it is refused', async () => {
  const { staged } = await stageRelease();
  const branch = await stageBranch(staged);
  const above = await stageBranch(staged, { name: 'above' });
  await retargetBranch(staged.forge, { ...staged, branch: above, target: 'work' });
  const aim = (target: string) => retargetBranch(staged.forge, { ...staged, branch, target });
  await expect(aim('nowhere')).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining('no branch nowhere'),
  });
  await expect(aim('work')).rejects.toMatchObject({
    message: expect.stringContaining('cannot land on itself'),
  });
  await expect(aim('above')).rejects.toMatchObject({ message: expect.stringContaining('waits for #1') });
  expect(getBranch(staged.forge, branch.id)).toMatchObject({ target: 'main', revision: 1 });
});

test('a branch that cannot be read is aimed nowhere, and the refusal says how to mend it', async () => {
  const { staged } = await stageRelease();
  const branch = await stageBranch(staged);
  staged.forge.db.run(`UPDATE branches SET broken_reason = 'its commit is missing' WHERE id = :id`, {
    id: branch.id,
  });
  await expect(retargetBranch(staged.forge, { ...staged, branch, target: 'release' })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('Push it again first'),
  });
});

test('who may only read is refused', async () => {
  const { staged } = await stageRelease();
  const branch = await stageBranch(staged);
  const caller = { ...staged.caller, scope: 'read' as const };
  const aiming = retargetBranch(staged.forge, { ...staged, caller, branch, target: 'release' });
  await expect(aiming).rejects.toMatchObject({ code: 'forbidden' });
});

test('Z5: a branch that is aimed elsewhere between the check and the merge is not merged', async () => {
  const { staged, main } = await stageRelease();
  const branch = await stageBranch(staged);
  const prepared = await prepareMerge(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
  const intents = recordIntents(staged.forge, [prepared]);
  await retargetBranch(staged.forge, { ...staged, branch, target: 'release' });
  await expect(moveRefs(staged.forge, intents)).rejects.toMatchObject({ code: 'conflict' });
  expect(await staged.tip('refs/heads/main')).toBe(main);
});

test('a branch whose target is itself under review waits for it, and follows it when it has landed', async () => {
  const { staged } = await stageRelease();
  const below = await stageBranch(staged, { name: 'below' });
  const above = await stageBranch(staged, { name: 'above', from: below.headOid });
  const stacked = await retargetBranch(staged.forge, { ...staged, branch: above, target: 'below' });
  expect(listRevisions(staged.forge, above.id).at(-1)?.baseOid).toBe(below.headOid);
  const { holds } = await examineGate(staged.forge, { ...staged, branch: stacked });
  expect(holds).toContainEqual(
    expect.objectContaining({
      kind: 'target_under_review',
      message: 'Its target below is itself under review, as #1.',
    }),
  );
  await followLanded(staged.forge);
  expect(getBranch(staged.forge, above.id).target).toBe('below');

  await mergeBranch(staged.forge, { ...staged, branch: below, expectedHead: below.headOid });
  await followLanded(staged.forge);
  expect(getBranch(staged.forge, above.id)).toMatchObject({ target: 'main', revision: 3 });
  expect(auditOf(staged).at(-1)).toEqual({ from: 'below', to: 'main' });
});

test('a branch whose target was closed stays aimed at it, and the gate says so', async () => {
  const { staged } = await stageRelease();
  const below = await stageBranch(staged, { name: 'below' });
  const above = await stageBranch(staged, { name: 'above', from: below.headOid });
  await retargetBranch(staged.forge, { ...staged, branch: above, target: 'below' });
  await staged.text('update-ref', '-d', 'refs/heads/below');
  await scanRepo(staged.forge, staged.repo);
  await followLanded(staged.forge);
  expect(getBranch(staged.forge, below.id).state).toBe('closed');
  const stacked = getBranch(staged.forge, above.id);
  expect(stacked.target).toBe('below');
  const { holds } = await examineGate(staged.forge, { ...staged, branch: stacked });
  expect(holds.map(({ kind }) => kind)).toContain('no_target');
});

test('a push to a branch that is aimed elsewhere is compared with that target', async () => {
  const { staged, release, main } = await stageRelease();
  const branch = await stageBranch(staged, { from: main });
  await retargetBranch(staged.forge, { ...staged, branch, target: 'release' });
  const head = await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: 'work',
    files: { 'more.txt': 'more\n' },
  });
  await ingestSpool(staged.forge);
  await scanRepo(staged.forge, staged.repo);
  expect(findOpenBranch(staged.forge, staged.repo.id, 'work')).toMatchObject({
    headOid: head,
    target: 'release',
  });
  expect(listRevisions(staged.forge, branch.id).at(-1)).toMatchObject({ number: 3, baseOid: release });
});
