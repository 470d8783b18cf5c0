// A review: a verdict on one head, with a word about the whole and all drafts of its author, published together.
import { recordAudit } from '../accounts/audit.ts';
import type { Account } from '../accounts/model.ts';
import { getBranch } from '../branches/find.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import {
  checkRoom,
  noteMentions,
  requireVoice,
  subjectOf,
  tellReviewChanged,
  type ReviewOrder,
} from './author.ts';
import { countDrafts, getLastReview, isOwnBranch } from './find.ts';
import type { Review, VerdictKind } from './model.ts';
import { insertReview } from './store.ts';
import { listDraftRows, publishDrafts } from './thread-store.ts';

export interface SubmitOrder extends ReviewOrder {
  verdict: VerdictKind;
  body: string;
  /** The head that was read. */
  expectedHead: string;
  /** The revision that was read, where the head says too little: aimed at another target it is another change. */
  expectedRevision?: number | undefined;
}

/**
 * Submits a review. A verdict on one's own work is kept as a comment, and says so. Refuses (`conflict`) one on a head
 * that is no more, or on a branch that has ended; and (`invalid`) one that says nothing.
 */
export function submitReview(forge: Forge, order: SubmitOrder): Review {
  const account = requireVoice(forge, order, order.verdict === 'comment' ? 'read' : 'write');
  forge.db.transaction(() => {
    const branch = getBranch(forge, order.branch.id);
    checkReview(forge, { ...order, branch }, account);
    const isOwn = order.verdict !== 'comment' && isOwnBranch(forge, branch, account);
    const reviewId = insertReview(forge.db, {
      branchId: branch.id,
      accountId: account.id,
      verdict: isOwn ? 'comment' : order.verdict,
      asked: order.verdict,
      body: order.body,
      revision: branch.revision,
      headOid: branch.headOid,
      now: forge.clock.now(),
    });
    publish(forge, { ...order, branch, account }, reviewId);
  });
  tellReviewChanged(forge, order.branch);
  return getLastReview(forge, order.branch, account);
}

function checkReview(forge: Forge, order: SubmitOrder, account: Account): void {
  const { branch, verdict, body, expectedHead, expectedRevision = branch.revision } = order;
  if (verdict !== 'comment' && branch.state !== 'open') {
    throw new ForgeError(
      'conflict',
      `Branch #${branch.number} is ${branch.state}; there is nothing to decide.`,
    );
  }
  if (branch.headOid !== expectedHead || branch.revision !== expectedRevision) {
    throw new ForgeError(
      'conflict',
      `The branch has moved on to revision ${branch.revision} (${branch.headOid.slice(0, 8)}). Read what changed, then submit your review again.`,
    );
  }
  checkRoom(forge, branch, body);
  if (verdict === 'approve' || body !== '' || countDrafts(forge, branch, account.id) > 0) return;
  throw new ForgeError(
    'invalid',
    verdict === 'changes'
      ? 'body: say what should change, or comment on the lines first.'
      : 'body: write something, or keep drafts on lines first.',
  );
}

function publish(forge: Forge, order: SubmitOrder & { account: Account }, reviewId: number): void {
  const { branch, account, body } = order;
  const drafts = listDraftRows(forge.db, { branchId: branch.id, accountId: account.id });
  publishDrafts(forge.db, {
    branchId: branch.id,
    accountId: account.id,
    reviewId,
    now: forge.clock.now(),
  });
  noteMentions(forge, order, { body, reviewId });
  for (const draft of drafts) noteMentions(forge, order, { body: draft.body, commentId: draft.id });
  recordAudit(forge, order.caller, {
    action: `review.${order.verdict}`,
    subject: subjectOf(order),
    detail: { review: reviewId, head: branch.headOid, comments: drafts.length },
  });
}

/** Why a review does not count as what was asked for; undefined when it does. */
export function noteOf({ verdict, asked }: Pick<Review, 'verdict' | 'asked'>): string | undefined {
  if (verdict === asked) return undefined;
  return asked === 'approve'
    ? 'This is an approval of own work, so it counts as a comment; somebody else has to approve it.'
    : 'This is a verdict on own work, so it counts as a comment; hold the branch to keep it from landing.';
}
