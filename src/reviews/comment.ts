// Writing, changing and taking back comments. A draft is nobody's business but its author's: it tells nothing and
// leaves no trace in the audit log until it is submitted.
import { recordAudit } from '../accounts/audit.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { includesRight } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import {
  checkLength,
  checkRoom,
  noteMentions,
  requireVoice,
  subjectOf,
  tellReviewChanged,
  type ReviewOrder,
} from './author.ts';
import { getComment, getThread } from './find.ts';
import type { Comment, Thread, ThreadRequest } from './model.ts';
import { placeThread } from './place-thread.ts';
import { deleteDraft, emptyComment, insertComment, insertThread, updateBody } from './thread-store.ts';

/** Begins a thread. Refuses (`invalid`) a file, lines, a step or a log that the revision does not have. */
export async function startThread(
  forge: Forge,
  order: ReviewOrder & { request: ThreadRequest },
): Promise<Thread> {
  const { branch, request } = order;
  const account = requireVoice(forge, order);
  checkRoom(forge, branch, request.body);
  const thread = await placeThread(forge, branch, request);
  const threadId = forge.db.transaction(() => {
    // Others may have written meanwhile.
    checkRoom(forge, branch, request.body);
    const id = insertThread(forge.db, thread);
    write(forge, { ...order, account }, { threadId: id, body: request.body, isDraft: request.draft });
    return id;
  });
  if (!request.draft) tellReviewChanged(forge, branch);
  return getThread(forge, { branch, id: threadId, viewerId: account.id });
}

/** Answers in a thread. */
export function replyTo(
  forge: Forge,
  order: ReviewOrder & { threadId: number; body: string; isDraft: boolean },
): Comment {
  const { branch, body, isDraft } = order;
  const account = requireVoice(forge, order);
  const thread = getThread(forge, { branch, id: order.threadId, viewerId: account.id });
  const id = forge.db.transaction(() => {
    checkRoom(forge, branch, body);
    return write(forge, { ...order, account }, { threadId: thread.id, body, isDraft });
  });
  if (!isDraft) tellReviewChanged(forge, branch);
  return getComment(forge, { branch, id, viewerId: account.id });
}

function write(
  forge: Forge,
  order: Parameters<typeof noteMentions>[1],
  comment: { threadId: number; body: string; isDraft: boolean },
): number {
  const now = forge.clock.now();
  const id = insertComment(forge.db, { ...comment, accountId: order.account.id, now });
  if (!comment.isDraft) {
    noteMentions(forge, order, { body: comment.body, commentId: id });
    audit(forge, order, { action: 'review.comment', threadId: comment.threadId, commentId: id });
  }
  return id;
}

/** Changes one's own comment. */
export function editComment(forge: Forge, order: ReviewOrder & { id: number; body: string }): Comment {
  const { branch, id, body } = order;
  const account = requireVoice(forge, order);
  checkLength(forge, body);
  const comment = getComment(forge, { branch, id, viewerId: account.id });
  if (comment.accountId !== account.id) {
    throw new ForgeError('forbidden', `Comment ${id} is by ${comment.authorName}; only they may change it.`);
  }
  forge.db.transaction(() => {
    updateBody(forge.db, { id, body, now: forge.clock.now() });
    if (comment.publishedAt === undefined) return;
    noteMentions(forge, { ...order, account }, { body, commentId: id });
    audit(forge, order, { action: 'review.edit', threadId: comment.threadId, commentId: id });
  });
  if (comment.publishedAt !== undefined) tellReviewChanged(forge, branch);
  return getComment(forge, { branch, id, viewerId: account.id });
}

/** Takes back one's own comment; who maintains the repository may take away anybody's. */
export function deleteComment(forge: Forge, order: ReviewOrder & { id: number }): void {
  const { branch, id, caller, repo } = order;
  const account = requireVoice(forge, order);
  const comment = getComment(forge, { branch, id, viewerId: account.id });
  const isOwn = comment.accountId === account.id;
  if (!isOwn && !includesRight(rightOn(forge, caller, repo), 'maintain')) {
    throw new ForgeError(
      'forbidden',
      `Comment ${id} is by ${comment.authorName}; only they and maintainers may delete it.`,
    );
  }
  if (comment.publishedAt === undefined) {
    forge.db.transaction(() => deleteDraft(forge.db, comment));
    return;
  }
  forge.db.transaction(() => {
    emptyComment(forge.db, { id, now: forge.clock.now() });
    audit(forge, order, { action: 'review.delete', threadId: comment.threadId, commentId: id });
  });
  tellReviewChanged(forge, branch);
}

function audit(
  forge: Forge,
  order: ReviewOrder,
  entry: { action: string; threadId: number; commentId: number },
): void {
  const detail = { thread: entry.threadId, comment: entry.commentId };
  recordAudit(forge, order.caller, { action: entry.action, subject: subjectOf(order), detail });
}
