// The SQL of reviews that somebody was asked for.
import type { Db } from '../db/open.ts';
import type { ReviewRequest } from './request-model.ts';

/** The oldest first. */
export const listRequestRows = (db: Db, branchId: number): ReviewRequest[] =>
  db
    .all<Omit<ReviewRequest, 'isAnswered'> & { isAnswered: number }>(
      `SELECT request.account_id AS accountId, account.name, account.kind, request.by_id AS byId,
         asker.name AS byName, request.at,
         EXISTS (SELECT 1 FROM reviews WHERE branch_id = request.branch_id AND account_id = request.account_id
                 AND id > request.after_review) AS isAnswered
       FROM review_requests AS request
       JOIN accounts AS account ON account.id = request.account_id
       JOIN accounts AS asker ON asker.id = request.by_id
       WHERE request.branch_id = :branchId ORDER BY request.at, request.account_id`,
      { branchId },
    )
    .map((row) => ({ ...row, isAnswered: row.isAnswered === 1 }));

/** Who is asked already is asked again. */
export const putRequest = (
  db: Db,
  request: { branchId: number; accountId: number; byId: number; now: number },
): void =>
  void db.run(
    `INSERT INTO review_requests (branch_id, account_id, by_id, after_review, at)
     VALUES (:branchId, :accountId, :byId,
       (SELECT ifnull(max(id), 0) FROM reviews WHERE branch_id = :branchId AND account_id = :accountId), :now)
     ON CONFLICT (branch_id, account_id) DO UPDATE
       SET by_id = excluded.by_id, after_review = excluded.after_review, at = excluded.at`,
    request,
  );

/** False when there is none. */
export const deleteRequest = (db: Db, where: { branchId: number; accountId: number }): boolean =>
  db.run('DELETE FROM review_requests WHERE branch_id = :branchId AND account_id = :accountId', where)
    .changes === 1;
