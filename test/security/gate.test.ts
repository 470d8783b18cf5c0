// L2: a branch is judged by what its target says, whatever it says itself. Z5: by the very commits that land.
import { expect, test } from 'vitest';
import { askGate } from '../../src/landing/gate/gate.ts';
import { holdBranch } from '../../src/landing/holds/hold-branch.ts';
import { mergeBranch, moveRefs, prepareMerge, recordIntents } from '../../src/landing/merge/merge.ts';
import { retargetBranch } from '../../src/landing/retarget.ts';
import { getBranch } from '../../src/branches/find.ts';
import { stageBranch, stageRepo } from '../landing/staged-branch.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles, type Files } from '../support/push-files.ts';

const open = useForge();
const kinds = (view: { holds: { kind: string }[] }) => view.holds.map((hold) => hold.kind);

const policy = `[gate]
approvals = 1
[[gate.owners]]
paths = [".pika/**"]
owners = ["olga"]
[gate.size]
max_files = 3
[gate.secrets]
refuse = true
`;

/** A target with a policy, and a green branch that changes files, the policy perhaps among them. */
async function stage(files: Files) {
  const staged = await stageRepo(await open());
  await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: 'main',
    files: { '.pika/policy.toml': policy },
  });
  return { ...staged, branch: await stageBranch(staged, { files }) };
}

const key = `ghp_${['aB3dE5fG7hJ9kL1m', 'N2pQ4rS6tU8vW0xYAa1z'].join('')}\n`;

test.each([
  ['takes the policy away', { '.pika/policy.toml': null }],
  ['empties the policy', { '.pika/policy.toml': '' }],
  [
    'allows itself everything',
    { '.pika/policy.toml': '[gate]\napprovals = 0\n[gate.secrets]\nallow_paths = ["**"]\n' },
  ],
])('L2: a branch that %s is held by the policy of the target', async (_what, own: Files) => {
  const staged = await stage({ ...own, 'key.txt': key, b: '1\n', c: '1\n' });
  expect(kinds(await askGate(staged.forge, staged))).toEqual([
    'approval_missing',
    'owner_approval_missing',
    'too_large',
    'secret_found',
  ]);
});

test('L2: a policy that arrived on the target after the push holds all the same', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  expect(kinds(await askGate(staged.forge, { ...staged, branch }))).toEqual([]);
  await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: 'main',
    files: { '.pika/policy.toml': policy },
  });
  expect(kinds(await askGate(staged.forge, { ...staged, branch }))).toEqual(['approval_missing']);
});

test('L2: the lanes of other files with the same name do not speak for a branch', async () => {
  const staged = await stageRepo(await open());
  const green = await stageBranch(staged, { name: 'green', files: { 'x.txt': '1\n' } });
  const same = await stageBranch(staged, {
    name: 'same',
    files: { 'x.txt': '1\n' },
    message: 'Again\n',
    lane: 'queued',
  });
  const other = await stageBranch(staged, { name: 'other', files: { 'x.txt': '2\n' }, lane: 'queued' });
  const failed = await stageBranch(staged, {
    name: 'failed',
    files: { 'x.txt': '1\n' },
    message: 'Once more\n',
    lane: 'failed',
  });
  const ask = async (branch: typeof green) => kinds(await askGate(staged.forge, { ...staged, branch }));
  expect(await ask(same)).toEqual([]);
  expect(await ask(other)).toEqual(['lane_not_green']);
  expect(await ask(failed)).toEqual(['lane_not_green']);
  staged.forge.db.run(
    `UPDATE lanes SET command = '"false"' WHERE run_id = (SELECT id FROM runs WHERE branch_id = :id)`,
    { id: green.id },
  );
  expect(await ask(same)).toEqual(['lane_not_green']);
});

test('Z5: a branch that is aimed elsewhere between the check and the merge does not land', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  await staged.text('update-ref', 'refs/heads/next', (await staged.tip('refs/heads/main')) ?? '');
  const prepared = await prepareMerge(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
  const intents = recordIntents(staged.forge, [prepared]);
  await retargetBranch(staged.forge, { ...staged, branch, target: 'next' });
  await expect(moveRefs(staged.forge, intents)).rejects.toMatchObject({ code: 'conflict' });
  expect(await staged.tip('refs/heads/work')).toBe(branch.headOid);
});

test('Z5: a policy that changes between the check and the merge refuses the merge', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  const prepared = await prepareMerge(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
  const intents = recordIntents(staged.forge, [prepared]);
  await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: 'main',
    files: { '.pika/policy.toml': policy },
  });
  await expect(moveRefs(staged.forge, intents)).rejects.toMatchObject({ code: 'conflict' });
  expect(getBranch(staged.forge, branch.id).state).toBe('open');
});

test('Z5: nobody is asked to merge a head that they have not seen, held or not', async () => {
  const staged = await stageRepo(await open());
  const branch = await stageBranch(staged);
  holdBranch(staged.forge, { ...staged, branch, reason: 'wait' });
  await pushFiles(staged.forge.git, { repo: staged.folder, branch: 'work', files: { 'unseen.txt': 'x\n' } });
  const merging = mergeBranch(staged.forge, { ...staged, branch, expectedHead: branch.headOid });
  await expect(merging).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('The branch moved'),
  });
});
