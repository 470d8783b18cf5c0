// The SQL of reviews, of who is named in them, and of patches. That of threads is in thread-store.ts.
import type { Db } from '../db/open.ts';
import type { Review, VerdictKind } from './model.ts';

export interface VerdictRow {
  accountId: number;
  name: string;
  kind: 'person' | 'agent' | 'system';
  verdict: 'approve' | 'changes';
  headOid: string;
  revision: number;
  at: number;
  /** 1 where the present revision begins where that one did: another target may bring other work under the same head. */
  hasSameBase: number;
  /** The patch of the revision it was given at, and of the branch's present one; null while not known. */
  patch: string | null;
  headPatch: string | null;
}

/** The newest verdict of each account, whoever it is; a comment takes nothing back. */
export const listLastVerdicts = (db: Db, branchId: number): VerdictRow[] =>
  db.all(
    `SELECT review.account_id AS accountId, account.name, account.kind, review.verdict, review.head_oid AS headOid,
       review.revision, review.created_at AS at, given.patch, present.patch AS headPatch,
       read.base_oid IS now.base_oid AS hasSameBase
     FROM reviews AS review
     JOIN accounts AS account ON account.id = review.account_id
     JOIN branches AS branch ON branch.id = review.branch_id
     JOIN revisions AS read ON read.branch_id = branch.id AND read.number = review.revision
     JOIN revisions AS now ON now.branch_id = branch.id AND now.number = branch.revision
     LEFT JOIN revision_patches AS given ON given.branch_id = branch.id AND given.revision = review.revision
     LEFT JOIN revision_patches AS present ON present.branch_id = branch.id AND present.revision = branch.revision
     WHERE review.branch_id = :branchId AND review.verdict <> 'comment'
       AND NOT EXISTS (SELECT 1 FROM reviews AS later
                       WHERE later.branch_id = review.branch_id AND later.account_id = review.account_id
                         AND later.verdict <> 'comment' AND later.id > review.id)
     ORDER BY review.id`,
    { branchId },
  );

/** Published threads about something of the branch; talk about all of it needs no resolution. */
export function countThreads(db: Db, branchId: number): { threads: number; unresolvedThreads: number } {
  const row = db.get<{ threads: number; unresolvedThreads: number }>(
    `SELECT count(*) AS threads, count(*) FILTER (WHERE resolved_at IS NULL) AS unresolvedThreads
     FROM review_threads AS thread
     WHERE branch_id = :branchId AND (kind <> 'branch' OR step IS NOT NULL OR lane IS NOT NULL)
       AND EXISTS (SELECT 1 FROM review_comments
                   WHERE thread_id = thread.id AND published_at IS NOT NULL AND deleted_at IS NULL)`,
    { branchId },
  );
  return row ?? { threads: 0, unresolvedThreads: 0 };
}

export interface ReviewRow {
  id: number;
  branch_id: number;
  account_id: number;
  author_name: string;
  author_kind: 'person' | 'agent' | 'system';
  verdict: VerdictKind;
  asked: VerdictKind;
  body: string;
  revision: number;
  head_oid: string;
  created_at: number;
}

const toReview = (row: ReviewRow): Review => ({
  id: row.id,
  branchId: row.branch_id,
  accountId: row.account_id,
  authorName: row.author_name,
  authorKind: row.author_kind,
  verdict: row.verdict,
  asked: row.asked,
  body: row.body,
  revision: row.revision,
  headOid: row.head_oid,
  createdAt: row.created_at,
});

/** The newest first. */
export const listReviewRows = (
  db: Db,
  where: { branchId: number; beforeId: number | null; limit: number },
): Review[] =>
  db
    .all<ReviewRow>(
      `SELECT review.*, account.name AS author_name, account.kind AS author_kind
       FROM reviews AS review JOIN accounts AS account ON account.id = review.account_id
       WHERE review.branch_id = :branchId AND (:beforeId IS NULL OR review.id < :beforeId)
       ORDER BY review.id DESC LIMIT :limit`,
      where,
    )
    .map(toReview);

/** The newest review of an account, whatever it said. */
export function findLastReview(db: Db, where: { branchId: number; accountId: number }): Review | undefined {
  const row = db.get<ReviewRow>(
    `SELECT review.*, account.name AS author_name, account.kind AS author_kind
     FROM reviews AS review JOIN accounts AS account ON account.id = review.account_id
     WHERE review.branch_id = :branchId AND review.account_id = :accountId
     ORDER BY review.id DESC LIMIT 1`,
    where,
  );
  return row && toReview(row);
}

export interface NewReview {
  branchId: number;
  accountId: number;
  verdict: VerdictKind;
  asked: VerdictKind;
  body: string;
  revision: number;
  headOid: string;
  now: number;
}

export const insertReview = (db: Db, review: NewReview): number =>
  db.run(
    `INSERT INTO reviews (branch_id, account_id, verdict, asked, body, revision, head_oid, created_at)
     VALUES (:branchId, :accountId, :verdict, :asked, :body, :revision, :headOid, :now)`,
    { ...review },
  ).lastId;

export interface NewMention {
  accountId: number;
  branchId: number;
  commentId: number | null;
  reviewId: number | null;
  byId: number;
  now: number;
}

/** Whoever is named again by an edited text is not told twice. */
export const insertMention = (db: Db, mention: NewMention): void =>
  void db.run(
    `INSERT INTO review_mentions (account_id, branch_id, comment_id, review_id, by_id, at)
     VALUES (:accountId, :branchId, :commentId, :reviewId, :byId, :now) ON CONFLICT DO NOTHING`,
    { ...mention },
  );

export interface Mention {
  id: number;
  branchId: number;
  byName: string;
  commentId: number | null;
  threadId: number | null;
  at: number;
}

/** Where an account was named, the newest first. */
export const listMentionRows = (db: Db, where: { accountId: number; limit: number }): Mention[] =>
  db.all(
    `SELECT mention.id, mention.branch_id AS branchId, account.name AS byName, mention.comment_id AS commentId,
       comment.thread_id AS threadId, mention.at
     FROM review_mentions AS mention
     JOIN accounts AS account ON account.id = mention.by_id
     LEFT JOIN review_comments AS comment ON comment.id = mention.comment_id
     WHERE mention.account_id = :accountId AND comment.deleted_at IS NULL
     ORDER BY mention.id DESC LIMIT :limit`,
    where,
  );

export interface PatchToRead {
  branchId: number;
  repoId: number;
  revision: number;
  headOid: string;
  baseOid: string | null;
}

/**
 * Revisions of open branches whose patch decides whether a verdict is still about what the branch has: the one it was
 * given at, and the present one.
 */
export const listPatchesToRead = (db: Db, limit: number): PatchToRead[] =>
  db.all(
    `SELECT DISTINCT branch.id AS branchId, branch.repo_id AS repoId, revision.number AS revision,
       revision.head_oid AS headOid, revision.base_oid AS baseOid
     FROM reviews AS review
     JOIN branches AS branch ON branch.id = review.branch_id
     JOIN revisions AS revision ON revision.branch_id = branch.id
       AND revision.number IN (review.revision, branch.revision)
     WHERE branch.state = 'open' AND branch.broken_reason IS NULL AND review.verdict <> 'comment'
       AND review.revision <> branch.revision
       AND NOT EXISTS (SELECT 1 FROM revision_patches AS known
                       WHERE known.branch_id = branch.id AND known.revision = revision.number)
     ORDER BY branch.id LIMIT :limit`,
    { limit },
  );

export const insertPatch = (db: Db, patch: { branchId: number; revision: number; patch: string }): void =>
  void db.run(
    `INSERT INTO revision_patches (branch_id, revision, patch) VALUES (:branchId, :revision, :patch)
     ON CONFLICT DO NOTHING`,
    patch,
  );
