// What has happened in a repository since a time, read from the tables where it stands. It reads the tables of other rooms
// and writes none.
import type { Db } from '../db/open.ts';

export interface Since {
  repoId: number;
  since: number;
  limit: number;
}

export interface PushRow {
  branchId: number;
  number: number;
  headOid: string;
  baseOid: string | null;
  pusher: string | null;
  at: number;
}

export const listPushes = (db: Db, since: Since): PushRow[] =>
  db.all(
    `SELECT r.branch_id AS branchId, r.number, r.head_oid AS headOid, r.base_oid AS baseOid, who.name AS pusher,
       r.pushed_at AS at
     FROM branches b JOIN revisions r ON r.branch_id = b.id LEFT JOIN accounts who ON who.id = r.pushed_by
     WHERE b.repo_id = :repoId AND b.state IN ('open', 'merged', 'closed') AND b.updated_at >= :since
       AND r.pushed_at >= :since
     ORDER BY r.pushed_at LIMIT :limit`,
    { ...since },
  );

export interface RunRow {
  runId: number;
  at: number;
}

export const listEndedRuns = (db: Db, since: Since): RunRow[] =>
  db.all(
    `SELECT id AS runId, finished_at AS at FROM runs
     WHERE repo_id = :repoId AND finished_at >= :since AND state IN ('success', 'failed', 'cancelled')
     ORDER BY finished_at LIMIT :limit`,
    { ...since },
  );

export interface BranchRow {
  branchId: number;
  action: 'opened' | 'merged' | 'closed' | 'reopened';
  by: string | null;
  at: number;
}

/** Branches that were opened or ended. */
export const listBranchTurns = (db: Db, since: Since): BranchRow[] =>
  db.all(
    `SELECT b.id AS branchId, 'opened' AS action, who.name AS by, b.created_at AS at
       FROM branches b LEFT JOIN accounts who ON who.id = b.author_id
      WHERE b.repo_id = :repoId AND b.state IN ('open', 'merged', 'closed') AND b.updated_at >= :since
        AND b.created_at >= :since
     UNION ALL
     SELECT b.id, b.state, who.name, b.settled_at FROM branches b LEFT JOIN accounts who ON who.id = b.settled_by
      WHERE b.repo_id = :repoId AND b.state IN ('merged', 'closed') AND b.updated_at >= :since
        AND b.settled_at >= :since
     ORDER BY at LIMIT :limit`,
    { ...since },
  );

/** A reopened branch looks as if it had never been closed; the audit log knows. `subject` is `owner/name#`. */
export const listReopened = (
  db: Db,
  since: Since & { subject: string },
): { number: number; by: string | null; at: number }[] =>
  db.all(
    `SELECT CAST(substr(u.subject, length(:subject) + 1) AS INTEGER) AS number, who.name AS by, u.at
     FROM audit u LEFT JOIN accounts who ON who.id = u.account_id
     WHERE u.at >= :since AND u.action = 'branch.reopen' AND substr(u.subject, 1, length(:subject)) = :subject
     ORDER BY u.at LIMIT :limit`,
    { since: since.since, limit: since.limit, subject: since.subject },
  );

export interface ReviewRow {
  reviewId: number;
  branchId: number;
  by: string;
  verdict: string;
  headOid: string;
  body: string;
  at: number;
}

export const listReviews = (db: Db, since: Since): ReviewRow[] =>
  db.all(
    `SELECT v.id AS reviewId, v.branch_id AS branchId, who.name AS by, v.verdict, v.head_oid AS headOid, v.body,
       v.created_at AS at
     FROM reviews v JOIN branches b ON b.id = v.branch_id JOIN accounts who ON who.id = v.account_id
     WHERE v.created_at >= :since AND b.repo_id = :repoId ORDER BY v.created_at LIMIT :limit`,
    { ...since },
  );

export interface LandingRow {
  landingId: number;
  branchId: number;
  state: string;
  target: string;
  headOid: string;
  why: string | null;
  at: number;
}

/** Branches that went into the queue, or left it. */
export const listLandings = (db: Db, since: Since): LandingRow[] =>
  db.all(
    `SELECT l.id AS landingId, l.branch_id AS branchId, 'queued' AS state, l.target, l.head_oid AS headOid, NULL AS why,
       l.enqueued_at AS at
     FROM landings l WHERE l.repo_id = :repoId AND l.enqueued_at >= :since
     UNION ALL
     SELECT l.id, l.branch_id, l.state, l.target, l.head_oid, l.end_message, l.ended_at
     FROM landings l WHERE l.repo_id = :repoId AND l.ended_at >= :since
     ORDER BY at LIMIT :limit`,
    { ...since },
  );
