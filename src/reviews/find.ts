// Questions about what people decided. Whatever the gate and the queue ask is answered from rows alone.
import type { Account } from '../accounts/model.ts';
import { getAccount } from '../accounts/find.ts';
import { getRevision, listRevisions } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { includesRight, type Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import type { ReviewState, Verdict } from './model.ts';
import { countThreads, listLastVerdicts, type VerdictRow } from './store.ts';

/**
 * What people and agents have decided of a branch: the newest verdict of each account that may still write to the
 * repository. The author's own approval is not in it, nor that of whoever pushed other work after approving.
 */
export function reviewState(forge: Forge, place: { repo: Repo; branch: Branch }): ReviewState {
  const { repo, branch } = place;
  const rows = listLastVerdicts(forge.db, branch.id);
  const revisions = rows.length === 0 ? [] : listRevisions(forge, branch.id);
  const counted = rows
    .filter((row) => mayStillDecide(forge, repo, row.accountId))
    .filter((row) => row.verdict !== 'approve' || !isOwnWork(branch, revisions, row))
    .map((row) => toVerdict(branch, row));
  return {
    approvals: counted.filter(({ verdict }) => verdict === 'approve'),
    changesAsked: counted.filter(({ verdict }) => verdict === 'changes'),
    ...countThreads(forge.db, branch.id),
  };
}

/** Whether the account's approval of the branch's present head would be an approval of its own work. */
export function isOwnBranch(forge: Forge, branch: Branch, account: Account): boolean {
  if (branch.authorId === account.id) return true;
  return getRevision(forge, branch.id, branch.revision).pushedById === account.id;
}

function mayStillDecide(forge: Forge, repo: Repo, accountId: number): boolean {
  const account = getAccount(forge, accountId);
  if (account.disabledAt !== undefined) return false;
  const caller = { account, scope: 'admin' as const, credential: 'review', address: '' };
  return includesRight(rightOn(forge, caller, repo), 'write');
}

function isOwnWork(branch: Branch, revisions: readonly Revision[], row: VerdictRow): boolean {
  if (branch.authorId === row.accountId) return true;
  if (isCurrent(branch, row)) return false;
  return revisions.some(({ number, pushedById }) => number > row.revision && pushedById === row.accountId);
}

/** A patch that is not known yet is taken for another one, so that the gate stays shut until it is. */
const isCurrent = (branch: Branch, row: VerdictRow): boolean =>
  row.headOid === branch.headOid || (row.patch !== null && row.patch === row.headPatch);

const toVerdict = (branch: Branch, row: VerdictRow): Verdict => ({
  accountId: row.accountId,
  name: row.name,
  kind: row.kind === 'person' ? 'person' : 'agent',
  verdict: row.verdict,
  headOid: row.headOid,
  revision: row.revision,
  isCurrent: isCurrent(branch, row),
  at: row.at,
});
