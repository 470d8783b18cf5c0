import { expect, test } from 'vitest';
import { recentAudit } from '../../src/accounts/audit.ts';
import { getBranch } from '../../src/branches/find.ts';
import { askGate } from '../../src/landing/gate/gate.ts';
import { holdBranch, liftHold, readHolds, setDraft } from '../../src/landing/holds/hold-branch.ts';
import { holdRequest } from '../../src/landing/holds/model.ts';
import { mergeBranch } from '../../src/landing/merge/merge.ts';
import { setMember } from '../../src/repos/members.ts';
import { useForge } from '../support/forge.ts';
import { stageBranch, stageRepo } from './staged-branch.ts';

const open = useForge();
const hour = 3_600_000;

/** A green branch of ada's, and ben, who may write. */
async function stage() {
  let now = Date.UTC(2026, 0, 1);
  const it = await open({ clock: { now: () => now } });
  const staged = await stageRepo(it);
  const branch = await stageBranch(staged);
  const ben = it.account('ben');
  setMember(it.forge, { repo: staged.repo, caller: staged.caller, account: 'ben', role: 'write' });
  const gate = async () => (await askGate(it.forge, { ...staged, branch })).holds;
  return { ...staged, it, branch, ben, gate, pass: (ms: number) => void (now += ms) };
}

test('a held branch does not land, and says who holds it and why', async () => {
  const staged = await stage();
  const { forge, branch, ben } = staged;
  holdBranch(forge, { ...staged, caller: ben.caller, reason: 'the demo runs' });
  expect(await staged.gate()).toEqual([
    {
      kind: 'held',
      message: 'ben holds the branch: the demo runs.',
      wayOut: 'ben or a maintainer lifts it: ph unhold',
      since: '2026-01-01T00:00:00.000Z',
      resolves: 'somebody',
    },
  ]);
  const order = { ...staged, expectedHead: branch.headOid };
  await expect(mergeBranch(forge, order)).rejects.toMatchObject({ code: 'conflict' });
  expect(getBranch(forge, branch.id).state).toBe('open');
});

test('a hold with an end passes by itself', async () => {
  const staged = await stage();
  holdBranch(staged.forge, { ...staged, reason: 'the demo runs', hours: 4 });
  expect(await staged.gate()).toMatchObject([
    { kind: 'held', resolves: 'itself', message: expect.stringContaining('until 2026-01-01 04:00 UTC') },
  ]);
  staged.pass(4 * hour - 1);
  expect(await staged.gate()).toHaveLength(1);
  staged.pass(1);
  expect(await staged.gate()).toEqual([]);
});

test('a hold is lifted by its author and by whoever maintains the repository, and by nobody else', async () => {
  const staged = await stage();
  const { forge, ben, caller } = staged;
  const own = holdBranch(forge, { ...staged, caller: ben.caller, reason: 'mine' });
  const foreign = holdBranch(forge, { ...staged, caller, reason: 'of a maintainer' });
  expect(() => liftHold(forge, { ...staged, caller: ben.caller, id: foreign.id })).toThrow(
    'Only ada or a maintainer of ada/app lifts it.',
  );
  liftHold(forge, { ...staged, caller: ben.caller, id: own.id });
  expect(() => liftHold(forge, { ...staged, caller: ben.caller, id: own.id })).toThrow('has no hold');
  liftHold(forge, { ...staged, caller, id: foreign.id });
  expect(readHolds(forge, staged.branch).holds).toEqual([]);
  const actions = recentAudit(forge, 4).map(({ action, account }) => `${account} ${action}`);
  expect(actions).toEqual(['ada branch.unhold', 'ben branch.unhold', 'ada branch.hold', 'ben branch.hold']);
});

test('a hold of another branch is none of this one', async () => {
  const staged = await stage();
  const other = await stageBranch(staged, { name: 'other' });
  const { id } = holdBranch(staged.forge, { ...staged, branch: other, reason: 'not now' });
  expect(() => liftHold(staged.forge, { ...staged, id })).toThrow('has no hold');
  expect(await staged.gate()).toEqual([]);
});

test('a draft does not land until it is ready; saying so twice leaves one row', async () => {
  const staged = await stage();
  const { forge } = staged;
  setDraft(forge, { ...staged, draft: true });
  setDraft(forge, { ...staged, draft: true });
  expect(await staged.gate()).toMatchObject([{ kind: 'draft', message: 'The branch is a draft, says ada.' }]);
  expect(recentAudit(forge, 2).map(({ action }) => action)).toEqual([
    'branch.draft',
    expect.not.stringMatching('branch.draft'),
  ]);
  setDraft(forge, { ...staged, draft: false });
  expect(await staged.gate()).toEqual([]);
});

test('everybody who waits hears of a hold and of its end', async () => {
  const staged = await stage();
  const { forge, branch } = staged;
  const told: number[] = [];
  forge.events.on('branch-held', ({ branchId }) => told.push(branchId));
  const { id } = holdBranch(forge, { ...staged, reason: 'wait' });
  liftHold(forge, { ...staged, id });
  setDraft(forge, { ...staged, draft: true });
  expect(told).toEqual([branch.id, branch.id, branch.id]);
});

test('holds do not grow without end, and no settled branch is held', async () => {
  const staged = await stage();
  const { forge, branch } = staged;
  for (let count = 0; count < 20; count += 1) holdBranch(forge, { ...staged, reason: `hold ${count}` });
  expect(() => holdBranch(forge, { ...staged, reason: 'more' })).toThrow('has 20 holds already');
  forge.db.run("UPDATE branches SET state = 'closed' WHERE id = :id", { id: branch.id });
  expect(() => holdBranch(forge, { ...staged, reason: 'more' })).toThrow('only open branches land');
  expect(() => setDraft(forge, { ...staged, draft: true })).toThrow('only open branches land');
});

test.each([
  ['no reason', { reason: '  ' }],
  ['a reason of several lines', { reason: 'a\nb' }],
  ['no time', { reason: 'a', hours: 0 }],
  ['a hundred years', { reason: 'a', hours: 876_000 }],
])('%s is refused', (_what, request) => {
  expect(holdRequest.safeParse(request).success).toBe(false);
});
