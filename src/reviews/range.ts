// Which two revisions of a branch a reader wants to see against each other.
import type { Caller } from '../accounts/model.ts';
import { getRevision } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { findReview } from './find.ts';

/** The revision that the caller reviewed last; undefined when there is none. */
export function lastReviewed(forge: Forge, branch: Branch, caller: Caller): number | undefined {
  const { account } = caller;
  return account && findReview(forge, branch, account.id)?.revision;
}

/** Refuses (`not_found`) a revision that the branch has not, and `review` of somebody who has not reviewed it. */
export function rangeOf(
  forge: Forge,
  { branch, caller }: { branch: Branch; caller: Caller },
  asked: { since: number | 'review'; revision?: number | undefined },
): { from: Revision; to: Revision } {
  const since = asked.since === 'review' ? lastReviewed(forge, branch, caller) : asked.since;
  if (since === undefined) {
    throw new ForgeError(
      'not_found',
      `since: you have not reviewed branch #${branch.number} yet. Read it whole, or name a revision.`,
    );
  }
  const to = getRevision(forge, branch.id, asked.revision ?? branch.revision);
  return { from: getRevision(forge, branch.id, since), to };
}
