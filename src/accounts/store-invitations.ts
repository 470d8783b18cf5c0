// The SQL of invitations.
import type { Db } from '../db/open.ts';
import type { AccountRole, Invitation } from './model.ts';

const select = `SELECT i.id, i.role, i.note, i.created_at AS createdAt, i.expires_at AS expiresAt, a.name AS createdBy
  FROM invitations i JOIN accounts a ON a.id = i.created_by`;
const isOpen = 'i.used_at IS NULL AND i.expires_at > :now';

export interface NewInvitation {
  hash: string;
  role: AccountRole;
  note: string;
  createdBy: number;
  now: number;
  expiresAt: number;
}

export const insertInvitation = (db: Db, row: NewInvitation): number =>
  db.run(
    `INSERT INTO invitations (hash, role, note, created_by, created_at, expires_at)
     VALUES (:hash, :role, :note, :createdBy, :now, :expiresAt)`,
    { ...row },
  ).lastId;

/** Those that nobody has used yet, newest first. */
export const listInvitations = (db: Db, now: number): Invitation[] =>
  db.all(`${select} WHERE ${isOpen} ORDER BY i.id DESC`, { now });

export const findInvitation = (db: Db, where: { hash: string; now: number }): Invitation | undefined =>
  db.get(`${select} WHERE i.hash = :hash AND ${isOpen}`, where);

/** False: it was used or taken back meanwhile. */
export const claimInvitation = (db: Db, claim: { id: number; accountId: number; now: number }): boolean =>
  db.run(
    'UPDATE invitations SET used_at = :now, account_id = :accountId WHERE id = :id AND used_at IS NULL',
    claim,
  ).changes === 1;

export const expireInvitation = (db: Db, where: { id: number; now: number }): boolean =>
  db.run(
    'UPDATE invitations SET expires_at = :now WHERE id = :id AND used_at IS NULL AND expires_at > :now',
    where,
  ).changes === 1;
