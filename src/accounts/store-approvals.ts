// The SQL of sign-ins that wait for an approval.
import type { Db } from '../db/open.ts';
import type { TokenScope } from './model.ts';

export interface ApprovalRow {
  hash: string;
  code: string;
  program: string;
  address: string;
  /** Of the token that it asks for. */
  scope: TokenScope;
  createdAt: number;
  state: 'waiting' | 'approved' | 'denied' | 'taken';
  accountId: number | null;
}

const columns = `hash, code, program, address, scope, created_at AS createdAt, state, account_id AS accountId`;

export function insertApproval(
  db: Db,
  row: Pick<ApprovalRow, 'hash' | 'code' | 'program' | 'address' | 'scope'> & {
    now: number;
    expiresAt: number;
  },
): void {
  db.run('DELETE FROM sign_in_approvals WHERE expires_at < :now', { now: row.now });
  db.run(
    `INSERT INTO sign_in_approvals (hash, code, program, address, scope, created_at, expires_at)
     VALUES (:hash, :code, :program, :address, :scope, :now, :expiresAt)`,
    row,
  );
}

export function countApprovals(
  db: Db,
  where: { now: number; address: string },
): { fromAddress: number; inAll: number } {
  const row = db.get<{ fromAddress: number | null; inAll: number }>(
    `SELECT sum(address = :address) AS fromAddress, count(*) AS inAll FROM sign_in_approvals WHERE expires_at > :now`,
    where,
  );
  return { fromAddress: row?.fromAddress ?? 0, inAll: row?.inAll ?? 0 };
}

export const findApprovalByHash = (db: Db, where: { hash: string; now: number }): ApprovalRow | undefined =>
  db.get(`SELECT ${columns} FROM sign_in_approvals WHERE hash = :hash AND expires_at > :now`, where);

export const findApprovalByCode = (db: Db, where: { code: string; now: number }): ApprovalRow | undefined =>
  db.get(
    `SELECT ${columns} FROM sign_in_approvals WHERE code = :code AND state = 'waiting' AND expires_at > :now`,
    where,
  );

/** False: it was decided already, or is over. */
export const decideApprovalRow = (
  db: Db,
  decision: { hash: string; state: 'approved' | 'denied'; accountId: number; now: number },
): boolean =>
  db.run(
    `UPDATE sign_in_approvals SET state = :state, account_id = :accountId
      WHERE hash = :hash AND state = 'waiting' AND expires_at > :now`,
    decision,
  ).changes === 1;

export const claimApproval = (db: Db, hash: string): void => {
  db.run(`UPDATE sign_in_approvals SET state = 'taken' WHERE hash = :hash AND state = 'approved'`, { hash });
};
