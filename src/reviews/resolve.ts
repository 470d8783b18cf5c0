import { recordAudit } from '../accounts/audit.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { includesRight } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { requireVoice, subjectOf, tellReviewChanged, type ReviewOrder } from './author.ts';
import { getThread, listComments } from './find.ts';
import type { Thread } from './model.ts';
import { updateResolved } from './thread-store.ts';

/**
 * Marks a thread as settled, or as open again: whoever may write to the repository, who wrote the branch, and who
 * began the thread. Refuses (`invalid`) a thread about the whole branch, which is talk and asks for nothing.
 */
export function resolveThread(
  forge: Forge,
  order: ReviewOrder & { threadId: number; isResolved: boolean },
): Thread {
  const { branch, repo, caller, isResolved } = order;
  const account = requireVoice(forge, order);
  const thread = getThread(forge, { branch, id: order.threadId, viewerId: account.id });
  if (thread.kind === 'branch') {
    throw new ForgeError('invalid', 'A comment on the whole branch needs no resolution.');
  }
  const [first] = listComments(forge, { branch, threads: [thread], viewerId: account.id });
  const isInvolved = first?.accountId === account.id || branch.authorId === account.id;
  if (!isInvolved && !includesRight(rightOn(forge, caller, repo), 'write')) {
    throw new ForgeError(
      'forbidden',
      'Only who began a thread, who wrote the branch and who may write to the repository can resolve it.',
    );
  }
  const changed = forge.db.transaction(() => {
    const now = forge.clock.now();
    const to = isResolved
      ? { resolvedAt: now, resolvedBy: account.id }
      : { resolvedAt: null, resolvedBy: null };
    if (!updateResolved(forge.db, { id: thread.id, ...to })) return false;
    recordAudit(forge, caller, {
      action: isResolved ? 'review.resolve' : 'review.unresolve',
      subject: subjectOf(order),
      detail: { thread: thread.id },
    });
    return true;
  });
  if (changed) tellReviewChanged(forge, branch);
  return getThread(forge, { branch, id: thread.id, viewerId: account.id });
}
