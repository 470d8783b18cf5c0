// Writing, changing and taking back comments. A draft is nobody's business but its author's: it tells nothing and
// leaves no trace in the audit log until it is submitted.
import { recordAudit } from '../accounts/audit.ts';
import { getRevision, listRevisions } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
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
import { commitOf, findFile, readContext } from './file-lines.ts';
import { getComment, getThread } from './find.ts';
import type { Comment, Side, Thread, ThreadRequest } from './model.ts';
import {
  deleteDraft,
  emptyComment,
  insertComment,
  insertThread,
  updateBody,
  type NewThread,
} from './thread-store.ts';

/** Begins a thread. Refuses (`invalid`) a file or lines that the revision does not have. */
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

async function placeThread(forge: Forge, branch: Branch, request: ThreadRequest): Promise<NewThread> {
  const revision = revisionRead(forge, branch, request.head);
  const { path, line } = request;
  const place = { branchId: branch.id, revision: revision.number, now: forge.clock.now() };
  const nowhere = {
    path: undefined,
    side: undefined,
    firstLine: undefined,
    lastLine: undefined,
    context: [],
  };
  if (path === undefined) {
    if (line !== undefined) throw new ForgeError('invalid', 'path: name the file that the line is in.');
    return { ...place, ...nowhere, kind: 'branch' };
  }
  if (line === undefined) {
    const sides: readonly Side[] = ['new', 'old'];
    const found = await Promise.all(sides.map((side) => fileOn(forge, branch, { revision, side, path })));
    if (found.every((oid) => oid === undefined)) throw noSuchFile(path, revision);
    return { ...place, ...nowhere, kind: 'file', path };
  }
  const { side } = request;
  const firstLine = request.firstLine ?? line;
  checkRange(forge, { firstLine, line });
  const oid = await fileOn(forge, branch, { revision, side, path });
  if (oid === undefined) throw noSuchFile(path, revision);
  const context = await readContext(forge, { repoId: branch.repoId, oid, path, firstLine, lastLine: line });
  return { ...place, kind: 'line', path, side, firstLine, lastLine: line, context };
}

function checkRange(forge: Forge, { firstLine, line }: { firstLine: number; line: number }): void {
  const { maxCommentedLines } = forge.config.limits;
  if (firstLine > line) throw new ForgeError('invalid', 'firstLine: a range ends behind its first line.');
  if (line - firstLine < maxCommentedLines) return;
  throw new ForgeError(
    'invalid',
    `firstLine: a comment is about at most ${maxCommentedLines} lines; comment on the whole file.`,
  );
}

function fileOn(
  forge: Forge,
  branch: Branch,
  { revision, side, path }: { revision: Revision; side: Side; path: string },
): Promise<string | undefined> {
  const commit = commitOf(revision, side);
  if (commit === undefined) return Promise.resolve(undefined);
  return findFile(forge, { repoId: branch.repoId, commit, path });
}

/** The revision that was read: the newest one of that head. */
function revisionRead(forge: Forge, branch: Branch, head: string | undefined): Revision {
  if (head === undefined) return getRevision(forge, branch.id, branch.revision);
  const revision = listRevisions(forge, branch.id).findLast(({ headOid }) => headOid === head);
  // Refuses one whose code is not kept any more.
  if (revision !== undefined) return getRevision(forge, branch.id, revision.number);
  throw new ForgeError('conflict', `head: ${head.slice(0, 8)} never was a head of #${branch.number}.`);
}

const noSuchFile = (path: string, revision: Revision): ForgeError =>
  new ForgeError(
    'invalid',
    `path: revision ${revision.number} has no file ${path} on that side. Name a file of the branch, or leave path out to comment on the whole branch.`,
  );
