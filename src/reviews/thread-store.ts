// The SQL of threads and their comments.
import { z } from 'zod';
import type { Db } from '../db/open.ts';
import {
  contextLine,
  type Comment,
  type ContextLine,
  type LogPlace,
  type Side,
  type Thread,
  type ThreadKind,
} from './model.ts';

const contextLines = z.array(contextLine);

interface ThreadRow {
  id: number;
  branch_id: number;
  kind: ThreadKind;
  path: string | null;
  side: Side | null;
  first_line: number | null;
  last_line: number | null;
  revision: number;
  step: string | null;
  run: number | null;
  lane: string | null;
  attempt: number | null;
  context: string;
  created_at: number;
  resolved_at: number | null;
  resolved_by_name: string | null;
}

const toThread = (row: ThreadRow): Thread => ({
  id: row.id,
  branchId: row.branch_id,
  kind: kindOf(row),
  path: row.path ?? undefined,
  side: row.side ?? undefined,
  firstLine: row.first_line ?? undefined,
  lastLine: row.last_line ?? undefined,
  revision: row.revision,
  step: row.step ?? undefined,
  log: logOf(row),
  context: contextLines.parse(JSON.parse(row.context)),
  createdAt: row.created_at,
  resolvedAt: row.resolved_at ?? undefined,
  resolvedByName: row.resolved_by_name ?? undefined,
});

function kindOf({ kind, step, lane }: ThreadRow): ThreadKind {
  if (step !== null) return 'step';
  return lane === null ? kind : 'log';
}

const logOf = ({ run, lane, attempt }: ThreadRow): LogPlace | undefined =>
  run === null || lane === null || attempt === null ? undefined : { run, lane, attempt };

interface CommentRow {
  id: number;
  thread_id: number;
  account_id: number;
  author_name: string;
  author_kind: 'person' | 'agent' | 'system';
  review_id: number | null;
  body: string;
  created_at: number;
  published_at: number | null;
  edited_at: number | null;
  deleted_at: number | null;
}

const toComment = (row: CommentRow): Comment => ({
  id: row.id,
  threadId: row.thread_id,
  accountId: row.account_id,
  authorName: row.author_name,
  authorKind: row.author_kind,
  reviewId: row.review_id ?? undefined,
  body: row.body,
  createdAt: row.created_at,
  publishedAt: row.published_at ?? undefined,
  editedAt: row.edited_at ?? undefined,
  deletedAt: row.deleted_at ?? undefined,
});

const selectThreads = `SELECT thread.*, account.name AS resolved_by_name
  FROM review_threads AS thread LEFT JOIN accounts AS account ON account.id = thread.resolved_by`;

// A comment of which nothing is left keeps its place as long as somebody answered it.
const isSeen = `EXISTS (SELECT 1 FROM review_comments AS comment WHERE comment.thread_id = thread.id
  AND comment.deleted_at IS NULL AND (comment.published_at IS NOT NULL OR comment.account_id = :viewerId))`;

export interface ThreadQuery {
  branchId: number;
  /** Whose drafts are seen; 0 for nobody's. */
  viewerId: number;
  state: 'open' | 'resolved' | 'all';
  afterId: number;
  limit: number;
}

/** The oldest first. */
export const listThreadRows = (db: Db, where: ThreadQuery): Thread[] =>
  db
    .all<ThreadRow>(
      `${selectThreads} WHERE thread.branch_id = :branchId AND thread.id > :afterId AND ${isSeen}
         AND (:state = 'all' OR (:state = 'open') = (thread.resolved_at IS NULL))
       ORDER BY thread.id LIMIT :limit`,
      { ...where },
    )
    .map(toThread);

export function findThreadRow(
  db: Db,
  where: { id: number; branchId: number; viewerId: number },
): Thread | undefined {
  const row = db.get<ThreadRow>(
    `${selectThreads} WHERE thread.id = :id AND thread.branch_id = :branchId AND ${isSeen}`,
    where,
  );
  return row && toThread(row);
}

const selectComments = `SELECT comment.*, account.name AS author_name, account.kind AS author_kind
  FROM review_comments AS comment
  JOIN review_threads AS thread ON thread.id = comment.thread_id
  JOIN accounts AS account ON account.id = comment.account_id`;

/** The comments of a branch that somebody may see, the oldest first. */
export const listCommentRows = (
  db: Db,
  where: { branchId: number; viewerId: number; firstThread: number; lastThread: number },
): Comment[] =>
  db
    .all<CommentRow>(
      `${selectComments} WHERE thread.branch_id = :branchId AND thread.id BETWEEN :firstThread AND :lastThread
         AND (comment.published_at IS NOT NULL OR comment.account_id = :viewerId)
       ORDER BY comment.id`,
      where,
    )
    .map(toComment);

export function findCommentRow(
  db: Db,
  where: { id: number; branchId: number; viewerId: number },
): Comment | undefined {
  const row = db.get<CommentRow>(
    `${selectComments} WHERE comment.id = :id AND thread.branch_id = :branchId AND comment.deleted_at IS NULL
       AND (comment.published_at IS NOT NULL OR comment.account_id = :viewerId)`,
    where,
  );
  return row && toComment(row);
}

/** Comments and reviews of a branch, drafts too: what its limit counts. */
export const countWritten = (db: Db, branchId: number): number =>
  db.get<{ count: number }>(
    `SELECT (SELECT count(*) FROM review_comments WHERE thread_id IN
              (SELECT id FROM review_threads WHERE branch_id = :branchId))
          + (SELECT count(*) FROM reviews WHERE branch_id = :branchId) AS count`,
    { branchId },
  )?.count ?? 0;

/** What a reader sees of the talk: published comments that stand. */
export const countComments = (db: Db, branchId: number): number =>
  db.get<{ count: number }>(
    `SELECT count(*) AS count FROM review_comments AS comment JOIN review_threads AS thread ON thread.id = comment.thread_id
     WHERE thread.branch_id = :branchId AND comment.published_at IS NOT NULL AND comment.deleted_at IS NULL`,
    { branchId },
  )?.count ?? 0;

export const listDraftRows = (db: Db, where: { branchId: number; accountId: number }): Comment[] =>
  db
    .all<CommentRow>(
      `${selectComments} WHERE thread.branch_id = :branchId AND comment.account_id = :accountId
         AND comment.published_at IS NULL ORDER BY comment.id`,
      where,
    )
    .map(toComment);

export interface NewThread {
  branchId: number;
  kind: ThreadKind;
  path: string | undefined;
  side: Side | undefined;
  firstLine: number | undefined;
  lastLine: number | undefined;
  revision: number;
  step: string | undefined;
  log: LogPlace | undefined;
  context: readonly ContextLine[];
  now: number;
}

export const insertThread = (db: Db, { log, ...thread }: NewThread): number =>
  db.run(
    `INSERT INTO review_threads (branch_id, kind, path, side, first_line, last_line, revision, context, created_at,
       step, run, lane, attempt)
     VALUES (:branchId, :kind, :path, :side, :firstLine, :lastLine, :revision, :context, :now,
       :step, :run, :lane, :attempt)`,
    {
      ...thread,
      kind: thread.path === undefined ? 'branch' : thread.kind,
      step: thread.step ?? null,
      run: log?.run ?? null,
      lane: log?.lane ?? null,
      attempt: log?.attempt ?? null,
      path: thread.path ?? null,
      side: thread.side ?? null,
      firstLine: thread.firstLine ?? null,
      lastLine: thread.lastLine ?? null,
      context: JSON.stringify(thread.context),
    },
  ).lastId;

export interface NewComment {
  threadId: number;
  accountId: number;
  body: string;
  isDraft: boolean;
  now: number;
}

export const insertComment = (db: Db, { isDraft, ...comment }: NewComment): number =>
  db.run(
    `INSERT INTO review_comments (thread_id, account_id, body, created_at, published_at)
     VALUES (:threadId, :accountId, :body, :now, :publishedAt)`,
    { ...comment, publishedAt: isDraft ? null : comment.now },
  ).lastId;

/** Publishes an account's drafts with its review. */
export const publishDrafts = (
  db: Db,
  publication: { branchId: number; accountId: number; reviewId: number; now: number },
): void =>
  void db.run(
    `UPDATE review_comments SET published_at = :now, review_id = :reviewId
     WHERE account_id = :accountId AND published_at IS NULL
       AND thread_id IN (SELECT id FROM review_threads WHERE branch_id = :branchId)`,
    publication,
  );

/** A draft that is changed was never seen otherwise. */
export const updateBody = (db: Db, change: { id: number; body: string; now: number }): void =>
  void db.run(
    `UPDATE review_comments SET body = :body, edited_at = CASE WHEN published_at IS NULL THEN NULL ELSE :now END
     WHERE id = :id`,
    change,
  );

/** A published comment leaves an empty place, so that the answers to it still stand behind something. */
export const emptyComment = (db: Db, { id, now }: { id: number; now: number }): void =>
  void db.run("UPDATE review_comments SET body = '', deleted_at = :now WHERE id = :id", { id, now });

/** Takes away a draft, and its thread when nothing else is in it. */
export function deleteDraft(db: Db, { id, threadId }: { id: number; threadId: number }): void {
  db.run('DELETE FROM review_comments WHERE id = :id AND published_at IS NULL', { id });
  db.run(
    'DELETE FROM review_threads WHERE id = :threadId AND NOT EXISTS (SELECT 1 FROM review_comments WHERE thread_id = :threadId)',
    { threadId },
  );
}

/** False when it was so already. */
export const updateResolved = (
  db: Db,
  change: { id: number; resolvedAt: number | null; resolvedBy: number | null },
): boolean =>
  db.run(
    `UPDATE review_threads SET resolved_at = :resolvedAt, resolved_by = :resolvedBy
     WHERE id = :id AND (resolved_at IS NULL) = (:resolvedAt IS NOT NULL)`,
    change,
  ).changes === 1;
