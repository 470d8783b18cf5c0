// All SQL of what people have read in tutorials.
import type { Db } from '../db/open.ts';

interface Viewer {
  accountId: number;
  branchId: number;
}

export const listViewed = (db: Db, viewer: Viewer): string[] =>
  db
    .all<{ mark: string }>(
      'SELECT mark FROM tutorial_viewed WHERE account_id = :accountId AND branch_id = :branchId',
      { ...viewer },
    )
    .map(({ mark }) => mark);

export const insertViewed = (db: Db, viewed: Viewer & { mark: string; at: number }): number =>
  db.run(
    `INSERT INTO tutorial_viewed (account_id, branch_id, mark, viewed_at)
     VALUES (:accountId, :branchId, :mark, :at) ON CONFLICT DO NOTHING`,
    { ...viewed },
  ).changes;

export const deleteViewed = (db: Db, viewed: Viewer & { mark: string }): number =>
  db.run(
    'DELETE FROM tutorial_viewed WHERE account_id = :accountId AND branch_id = :branchId AND mark = :mark',
    { ...viewed },
  ).changes;
