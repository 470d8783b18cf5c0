import type { Db } from '../db/open.ts';

interface Reader {
  accountId: number;
  branchId: number;
}

/** The patch at which each file was viewed, by its path. */
export const listViewedRows = (db: Db, reader: Reader): { path: string; patch: string }[] =>
  db.all(
    `SELECT path, patch FROM review_viewed_files WHERE account_id = :accountId AND branch_id = :branchId`,
    { ...reader },
  );

export const countViewedRows = (db: Db, reader: Reader): number =>
  db.get<{ count: number }>(
    `SELECT count(*) AS count FROM review_viewed_files WHERE account_id = :accountId AND branch_id = :branchId`,
    { ...reader },
  )?.count ?? 0;

/** A file that was viewed before is viewed with its new patch from now on. */
export const insertViewed = (db: Db, viewed: Reader & { path: string; patch: string; now: number }): void =>
  void db.run(
    `INSERT INTO review_viewed_files (account_id, branch_id, path, patch, viewed_at)
     VALUES (:accountId, :branchId, :path, :patch, :now)
     ON CONFLICT DO UPDATE SET patch = excluded.patch, viewed_at = excluded.viewed_at`,
    { ...viewed },
  );

export const removeViewed = (db: Db, viewed: Reader & { path: string }): void =>
  void db.run(
    `DELETE FROM review_viewed_files
     WHERE account_id = :accountId AND branch_id = :branchId AND path = :path`,
    { ...viewed },
  );
