// The SQL of holds and drafts.
import type { Db } from '../../db/open.ts';

export interface HoldRow {
  id: number;
  branchId: number;
  authorId: number;
  author: string;
  reason: string;
  createdAt: number;
  expiresAt: number | null;
}

const selectHold = `SELECT h.id, h.branch_id AS branchId, h.author_id AS authorId, who.name AS author, h.reason,
         h.created_at AS createdAt, h.expires_at AS expiresAt
    FROM branch_holds h JOIN accounts who ON who.id = h.author_id`;
const inForce = 'h.lifted_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > :now)';

/** Those in force, oldest first. */
export const listHoldRows = (db: Db, of: { branchId: number; now: number }): HoldRow[] =>
  db.all<HoldRow>(`${selectHold} WHERE h.branch_id = :branchId AND ${inForce} ORDER BY h.id`, of);

export const findHoldRow = (db: Db, of: { branchId: number; id: number; now: number }): HoldRow | undefined =>
  db.get<HoldRow>(`${selectHold} WHERE h.id = :id AND h.branch_id = :branchId AND ${inForce}`, of);

export const insertHold = (
  db: Db,
  hold: { branchId: number; authorId: number; reason: string; now: number; expiresAt: number | null },
): number =>
  db.run(
    `INSERT INTO branch_holds (branch_id, author_id, reason, created_at, expires_at)
     VALUES (:branchId, :authorId, :reason, :now, :expiresAt)`,
    hold,
  ).lastId;

/** False when it was lifted before. */
export const updateLifted = (db: Db, lift: { id: number; now: number; by: number }): boolean =>
  db.run(
    'UPDATE branch_holds SET lifted_at = :now, lifted_by = :by WHERE id = :id AND lifted_at IS NULL',
    lift,
  ).changes > 0;

export const findDraftRow = (db: Db, branchId: number): { by: string; at: number } | undefined =>
  db.get<{ by: string; at: number }>(
    `SELECT who.name AS by, d.set_at AS at FROM branch_drafts d JOIN accounts who ON who.id = d.set_by
      WHERE d.branch_id = :branchId`,
    { branchId },
  );

/** False when it is a draft already. */
export const insertDraft = (db: Db, draft: { branchId: number; by: number; now: number }): boolean =>
  db.run(
    'INSERT INTO branch_drafts (branch_id, set_by, set_at) VALUES (:branchId, :by, :now) ON CONFLICT DO NOTHING',
    draft,
  ).changes > 0;

/** False when it is none. */
export const deleteDraft = (db: Db, branchId: number): boolean =>
  db.run('DELETE FROM branch_drafts WHERE branch_id = :branchId', { branchId }).changes > 0;
