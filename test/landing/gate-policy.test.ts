// What the target's policy asks for, in a real repository with people who review.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askGate } from '../../src/landing/gate/gate.ts';
import type { GateView } from '../../src/landing/model.ts';
import { startThread } from '../../src/reviews/comment.ts';
import { threadRequest } from '../../src/reviews/model.ts';
import { submitReview } from '../../src/reviews/submit.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';
import { numbered, stageReview, type Person, type StagedReview } from '../reviews/stage-review.ts';
import type { Files } from '../support/push-files.ts';

let testForge: TestForge;
beforeAll(async () => {
  testForge = await openTestForge();
});
afterAll(() => testForge.dispose());

let count = 0;
const stage = (
  policy: string,
  change: Files = { 'b.txt': 'two\n' },
  files: Files = {},
): Promise<StagedReview> => {
  count += 1;
  return stageReview(testForge, {
    name: `p${count}`,
    files: { 'a.txt': numbered(20), '.pika/policy.toml': policy, ...files },
    change,
  });
};

/** As its author sees it; CI does not run here. */
async function gateOf(staged: StagedReview): Promise<GateView> {
  const { repo, author } = staged;
  const view = await askGate(testForge.forge, { repo, branch: staged.branch(), caller: author.caller });
  return { ...view, holds: view.holds.filter(({ kind }) => kind !== 'no_run') };
}
const kindsOf = async (staged: StagedReview) => (await gateOf(staged)).holds.map(({ kind }) => kind);

function decide(staged: StagedReview, by: Person, verdict: 'approve' | 'changes' = 'approve'): void {
  const branch = staged.branch();
  submitReview(testForge.forge, {
    repo: staged.repo,
    branch,
    caller: by.caller,
    verdict,
    body: 'Read.',
    expectedHead: branch.headOid,
  });
}

test('an approval is asked for; the own one does not count, another one opens the gate', async () => {
  const staged = await stage('[gate]\napprovals = 1\n');
  decide(staged, staged.author);
  const { holds } = await gateOf(staged);
  expect(holds).toMatchObject([{ kind: 'approval_missing', resolves: 'somebody' }]);
  decide(staged, staged.reviewer);
  const open = await gateOf(staged);
  expect(open.holds).toEqual([]);
  expect(open.met).toContainEqual({
    kind: 'approvals',
    message: `Approved by ${staged.reviewer.account.name}`,
  });
});

test('two approvals are two people', async () => {
  const staged = await stage('[gate]\napprovals = 2\n');
  decide(staged, staged.reviewer);
  decide(staged, staged.reviewer);
  expect(await kindsOf(staged)).toEqual(['approval_missing']);
  decide(staged, staged.owner);
  expect(await kindsOf(staged)).toEqual([]);
});

test('the approval of an agent counts only where the target says so', async () => {
  const staged = await stage('[gate]\napprovals = 1\n');
  const asAgent = (it: StagedReview) =>
    testForge.forge.db.run("UPDATE accounts SET kind = 'agent' WHERE id = :id", {
      id: it.reviewer.account.id,
    });
  asAgent(staged);
  decide(staged, staged.reviewer);
  const { holds } = await gateOf(staged);
  expect(holds[0]?.message).toContain('1 approval by agents does not count.');
  const counting = await stage('[gate]\napprovals = 1\nagents_count = true\n');
  asAgent(counting);
  decide(counting, counting.reviewer);
  expect(await kindsOf(counting)).toEqual([]);
});

test('an approval of an earlier patch is kept or dismissed, as the target says', async () => {
  for (const [policy, expected] of [
    ['keep', []],
    ['dismiss', ['approval_missing']],
  ] as const) {
    const staged = await stage(`[gate]\napprovals = 1\nstale_approvals = "${policy}"\n`);
    decide(staged, staged.reviewer);
    await staged.push({ 'b.txt': 'another\n' });
    await staged.settle();
    expect(await kindsOf(staged), policy).toEqual(expected);
  }
});

test('who asks for changes holds the branch, with and without a policy, until they approve', async () => {
  const staged = await stage('');
  decide(staged, staged.reviewer, 'changes');
  expect(await kindsOf(staged)).toEqual(['changes_asked']);
  decide(staged, staged.owner);
  expect(await kindsOf(staged)).toEqual(['changes_asked']);
  decide(staged, staged.reviewer);
  expect(await kindsOf(staged)).toEqual([]);
});

test('threads that are not resolved hold only where the target says so', async () => {
  for (const [policy, expected] of [
    ['', []],
    ['[gate]\nresolved_threads = true\n', ['unresolved_threads']],
  ] as const) {
    const staged = await stage(policy);
    await startThread(testForge.forge, {
      repo: staged.repo,
      branch: staged.branch(),
      caller: staged.reader.caller,
      request: threadRequest.parse({ body: 'Why?', path: 'b.txt', line: 1 }),
    });
    expect(await kindsOf(staged), policy).toEqual(expected);
  }
});

const owners = (name: string) =>
  `[[gate.owners]]\npaths = ["src/db/**"]\nowners = ["${name}-p${count + 1}"]\n`;

test('an owner is asked for what they own and for nothing else', async () => {
  const beside = await stage(owners('reviewer'), { 'src/dbx/a': '1\n' });
  expect(await kindsOf(beside)).toEqual([]);
  const touching = await stage(owners('reviewer'), { 'src/db/deep/a': '1\n', 'b.txt': '1\n' });
  expect(await kindsOf(touching)).toEqual(['owner_approval_missing']);
  decide(touching, touching.owner);
  expect(await kindsOf(touching)).toEqual(['owner_approval_missing']);
  decide(touching, touching.reviewer);
  expect(await kindsOf(touching)).toEqual([]);
});

test('a file that leaves an owned place needs its owner too', async () => {
  const moved = await stage(
    owners('reviewer'),
    { 'src/db/a': null, 'b/a': numbered(30) },
    { 'src/db/a': numbered(30) },
  );
  expect(await kindsOf(moved)).toEqual(['owner_approval_missing']);
});

test('what owners alone have pushed needs no owner beside them, until somebody else pushes to it', async () => {
  const staged = await stage(owners('author'), { 'src/db/a': '1\n' });
  expect(await kindsOf(staged)).toEqual([]);
  await staged.push({ 'src/db/a': '2\n' }, { by: staged.reviewer });
  expect(await kindsOf(staged)).toEqual(['owner_approval_missing']);
});

test('a change over a size of the policy is held, with the size that is too much', async () => {
  const messages = async (policy: string, change: Files) =>
    (await gateOf(await stage(`[gate.size]\n${policy}\n`, change))).holds.map((hold) => [
      hold.kind,
      hold.message,
    ]);
  const two = { 'b.txt': numbered(6), 'c.txt': '1\n' };
  expect(await messages('max_files = 1', two)).toEqual([['too_large', expect.stringContaining('2 files')]]);
  expect(await messages('max_added_lines = 6', two)).toEqual([
    ['too_large', expect.stringContaining('7 lines')],
  ]);
  expect(await messages('max_file_bytes = 40', two)).toEqual([
    ['too_large', expect.stringContaining('b.txt with 42')],
  ]);
  expect(await messages('max_files = 2\nmax_added_lines = 7\nmax_file_bytes = 42', two)).toEqual([]);
});

test('a file that a later commit takes out again is weighed and searched all the same', async () => {
  const staged = await stage('[gate.size]\nmax_file_bytes = 100\n[gate.secrets]\nrefuse = true\n');
  const head = staged.branch().headOid;
  const middle = await staged.push({ 'c.txt': `${'x'.repeat(101)}\n` }, { from: head });
  await staged.push({ 'c.txt': null }, { from: middle });
  expect(await kindsOf(staged)).toEqual(['too_large']);
  const secret = await staged.push({ 'c.txt': token }, { from: head });
  await staged.push({ 'c.txt': null }, { from: secret });
  expect(await kindsOf(staged)).toEqual(['secret_found']);
});

// Put together here, so that nobody who searches this file takes it for real.
const tokenOf = (letters: string) => `ghp_${letters}Aa1z\n`;
const token = tokenOf('aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY');
const refusing = '[gate.secrets]\nrefuse = true\nallow_paths = ["test/**"]\n';

test('a secret is named by its place and kind, and never by its text', async () => {
  const staged = await stage(refusing, { 'src/key.ts': `one\n${token}` });
  const { holds } = await gateOf(staged);
  expect(holds).toMatchObject([
    { kind: 'secret_found', message: 'It brings a token of GitHub in src/key.ts, line 2.' },
  ]);
  expect(JSON.stringify(holds)).not.toContain('aB3dE5');
});

test('a secret counts outside of the allowed paths, also when the same text stands inside of them', async () => {
  const allowed = await stage(refusing, { 'test/key.ts': token });
  expect(await kindsOf(allowed)).toEqual([]);
  const both = await stage(refusing, { 'test/key.ts': token, 'src/key.ts': token });
  expect(await kindsOf(both)).toEqual(['secret_found']);
});

test('a secret that the target has had before is nothing that the branch brings', async () => {
  const old = { 'old.ts': `${numbered(20)}${token}` };
  const edited = await stage(refusing, { 'old.ts': `one more\n${numbered(20)}${token}` }, old);
  expect(await kindsOf(edited)).toEqual([]);
  const moved = await stage(refusing, { 'old.ts': null, 'new.ts': `${numbered(20)}${token}` }, old);
  expect(await kindsOf(moved)).toEqual([]);
  const added = await stage(
    refusing,
    { 'old.ts': old['old.ts'] + tokenOf('zY8xW6vU4tS2rQ0pN9mL7kJ5hG3fE1dC') },
    old,
  );
  expect(await kindsOf(added)).toEqual(['secret_found']);
});

test('a branch that must contain the tip is held until it does', async () => {
  const staged = await stage('[gate]\nup_to_date = true\n');
  expect((await gateOf(staged)).met).toContainEqual({
    kind: 'up_to_date',
    message: 'Contains the tip of main',
  });
  await staged.moveTarget({ 'c.txt': '1\n' });
  expect(await kindsOf(staged)).toEqual(['not_up_to_date']);
  await staged.push({ 'b.txt': 'two\n' });
  expect(await kindsOf(staged)).toEqual([]);
});

test('a policy that cannot be read holds every branch, and says where it is wrong', async () => {
  const staged = await stage('[gate]\naprovals = 1\n');
  const { holds } = await gateOf(staged);
  expect(holds[0]).toMatchObject({ kind: 'policy_unreadable', message: expect.stringContaining('line 2') });
});

test('a branch that would leave a policy that cannot be read is held itself', async () => {
  const staged = await stage('', { '.pika/policy.toml': '[gate]\naprovals = 1\n' });
  const { holds } = await gateOf(staged);
  expect(holds).toMatchObject([{ kind: 'policy_unreadable', message: expect.stringContaining('line 2') }]);
});
