// All SQL of verdicts. That of threads and their comments is in thread-store.ts.
import type { Db } from '../db/open.ts';

export interface VerdictRow {
  accountId: number;
  name: string;
  kind: 'person' | 'agent' | 'system';
  verdict: 'approve' | 'changes';
  headOid: string;
  revision: number;
  at: number;
  /** The patch of the revision it was given at, and of the branch's present one; null while not known. */
  patch: string | null;
  headPatch: string | null;
}

/** The newest verdict of each account, whoever it is; a comment takes nothing back. */
export const listLastVerdicts = (db: Db, branchId: number): VerdictRow[] =>
  db.all(
    `SELECT review.account_id AS accountId, account.name, account.kind, review.verdict, review.head_oid AS headOid,
       review.revision, review.created_at AS at, given.patch, present.patch AS headPatch
     FROM reviews AS review
     JOIN accounts AS account ON account.id = review.account_id
     JOIN branches AS branch ON branch.id = review.branch_id
     LEFT JOIN revision_patches AS given ON given.branch_id = branch.id AND given.revision = review.revision
     LEFT JOIN revision_patches AS present ON present.branch_id = branch.id AND present.revision = branch.revision
     WHERE review.branch_id = :branchId AND review.verdict <> 'comment'
       AND NOT EXISTS (SELECT 1 FROM reviews AS later
                       WHERE later.branch_id = review.branch_id AND later.account_id = review.account_id
                         AND later.verdict <> 'comment' AND later.id > review.id)
     ORDER BY review.id`,
    { branchId },
  );

/** Published threads about files and lines. */
export function countThreads(db: Db, branchId: number): { threads: number; unresolvedThreads: number } {
  const row = db.get<{ threads: number; unresolvedThreads: number }>(
    `SELECT count(*) AS threads, count(*) FILTER (WHERE resolved_at IS NULL) AS unresolvedThreads
     FROM review_threads AS thread
     WHERE branch_id = :branchId AND kind <> 'branch'
       AND EXISTS (SELECT 1 FROM review_comments
                   WHERE thread_id = thread.id AND published_at IS NOT NULL AND deleted_at IS NULL)`,
    { branchId },
  );
  return row ?? { threads: 0, unresolvedThreads: 0 };
}
