// Questions about what people decided. Whatever the gate and the queue ask is answered from rows alone.
import type { Account } from '../accounts/model.ts';
import { getAccount } from '../accounts/find.ts';
import { getRevision, listRevisions } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { includesRight, type Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { ForgeError } from '../lib/errors.ts';
import type { Comment, Review, ReviewState, Thread, Verdict } from './model.ts';
import {
  countThreads,
  findLastReview,
  listLastVerdicts,
  listMentionRows,
  listReviewRows,
  type Mention,
  type VerdictRow,
} from './store.ts';
import {
  countComments,
  findCommentRow,
  findThreadRow,
  listCommentRows,
  listDraftRows,
  listThreadRows,
} from './thread-store.ts';

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
  (row.headOid === branch.headOid && row.hasSameBase === 1) ||
  (row.patch !== null && row.patch === row.headPatch);

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

/** The threads that somebody may see, the oldest first: those with a published comment, or with a draft of his own. */
export const listThreads = (
  forge: Forge,
  where: {
    branch: Branch;
    viewerId: number;
    state?: 'open' | 'resolved' | 'all';
    afterId?: number;
    limit?: number;
  },
): Thread[] =>
  listThreadRows(forge.db, {
    branchId: where.branch.id,
    viewerId: where.viewerId,
    state: where.state ?? 'all',
    afterId: where.afterId ?? 0,
    limit: where.limit ?? forge.config.limits.maxCommentsPerBranch,
  });

/** A thread of the branch, or a refusal (`not_found`), also for one of another branch or another's draft. */
export function getThread(
  forge: Forge,
  { branch, id, viewerId }: { branch: Branch; id: number; viewerId: number },
): Thread {
  const thread = findThreadRow(forge.db, { id, branchId: branch.id, viewerId });
  if (thread !== undefined) return thread;
  throw new ForgeError('not_found', `Branch #${branch.number} has no thread ${id}.`);
}

/** The comments of the threads, which are in the order of their ids, with the viewer's own drafts. */
export function listComments(
  forge: Forge,
  { branch, threads, viewerId }: { branch: Branch; threads: readonly Thread[]; viewerId: number },
): Comment[] {
  const [first, last] = [threads[0], threads.at(-1)];
  if (first === undefined || last === undefined) return [];
  const wanted = new Set(threads.map(({ id }) => id));
  const range = { branchId: branch.id, viewerId, firstThread: first.id, lastThread: last.id };
  return listCommentRows(forge.db, range).filter(({ threadId }) => wanted.has(threadId));
}

export function getComment(
  forge: Forge,
  { branch, id, viewerId }: { branch: Branch; id: number; viewerId: number },
): Comment {
  const comment = findCommentRow(forge.db, { id, branchId: branch.id, viewerId });
  if (comment !== undefined) return comment;
  throw new ForgeError('not_found', `Branch #${branch.number} has no comment ${id}.`);
}

/** The reviews of a branch, the newest first. */
export const listReviews = (
  forge: Forge,
  where: { branch: Branch; beforeId?: number | undefined; limit: number },
): Review[] =>
  listReviewRows(forge.db, {
    branchId: where.branch.id,
    beforeId: where.beforeId ?? null,
    limit: where.limit,
  });

/** What an account last submitted on a branch; undefined when it has not yet. */
export const findReview = (forge: Forge, branch: Branch, accountId: number): Review | undefined =>
  findLastReview(forge.db, { branchId: branch.id, accountId });

export function getLastReview(forge: Forge, branch: Branch, account: Account): Review {
  const review = findReview(forge, branch, account.id);
  if (review !== undefined) return review;
  throw new ForgeError('not_found', `${account.name} has not reviewed #${branch.number} yet.`);
}

/** How many own comments wait to be submitted. */
export const countDrafts = (forge: Forge, branch: Branch, accountId: number): number =>
  listDraftRows(forge.db, { branchId: branch.id, accountId }).length;

/** What stands in the talk of a branch, for its tab: published comments. */
export const countTalk = (forge: Forge, branch: Branch): number => countComments(forge.db, branch.id);

/** Where an account was named with @NAME, the newest first. */
export const listMentions = (forge: Forge, accountId: number, limit: number): Mention[] =>
  listMentionRows(forge.db, { accountId, limit });
