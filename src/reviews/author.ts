// Who may write about a branch: whoever may read it and has a voice of its own. What one writes is bounded.
import { requireAccount } from '../accounts/guard.ts';
import type { Account, Caller } from '../accounts/model.ts';
import type { Branch } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName, type Repo, type Right } from '../repos/model.ts';
import { requireRight } from '../repos/rights.ts';
import { insertMention } from './store.ts';
import { mentionedIn } from './mentions.ts';
import { countWritten } from './thread-store.ts';

export interface ReviewOrder {
  repo: Repo;
  branch: Branch;
  caller: Caller;
}

/** The account that writes; refuses (`forbidden`) credentials that are nobody's, such as a key of the repository. */
export function requireVoice(forge: Forge, order: ReviewOrder, right: Right = 'read'): Account {
  requireRight(forge, order.caller, { repo: order.repo, right });
  const account = requireAccount(order.caller, 'write');
  if (account.kind !== 'system') return account;
  throw new ForgeError(
    'forbidden',
    'This credential belongs to no person and no agent. Sign in as one to take part in a review.',
  );
}

/** Refuses a text that is too long (`too_large`), and any when the branch has had enough (`limited`). */
export function checkRoom(forge: Forge, branch: Branch, body: string): void {
  checkLength(forge, body);
  const { maxCommentsPerBranch } = forge.config.limits;
  if (countWritten(forge.db, branch.id) < maxCommentsPerBranch) return;
  throw new ForgeError(
    'limited',
    `A branch has at most ${maxCommentsPerBranch} comments and reviews. Go on in a new branch.`,
  );
}

export function checkLength(forge: Forge, body: string): void {
  const { maxCommentBytes } = forge.config.limits;
  const length = Buffer.byteLength(body);
  if (length <= maxCommentBytes) return;
  throw new ForgeError(
    'too_large',
    `body: ${length} bytes are more than the ${maxCommentBytes} of a comment. Shorten it, or put the rest into a file.`,
  );
}

/** Notes down whom a published text names, in the caller's transaction. Nobody is told of what he wrote himself. */
export function noteMentions(
  forge: Forge,
  order: ReviewOrder & { account: Account },
  written: { body: string; commentId?: number; reviewId?: number },
): void {
  for (const { id } of mentionedIn(forge, order.repo, written.body)) {
    if (id === order.account.id) continue;
    insertMention(forge.db, {
      accountId: id,
      branchId: order.branch.id,
      commentId: written.commentId ?? null,
      reviewId: written.reviewId ?? null,
      byId: order.account.id,
      now: forge.clock.now(),
    });
  }
}

export const subjectOf = ({ repo, branch }: Pick<ReviewOrder, 'repo' | 'branch'>): string =>
  `${fullName(repo)}#${branch.number}`;

export const tellReviewChanged = (forge: Forge, { repoId, id }: Branch): void =>
  forge.events.emit('review-changed', { repoId, branchId: id });
