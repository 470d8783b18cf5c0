// All SQL of large files: objects, the repositories that have them, and locks.
import type { Db } from '../db/open.ts';
import type { Lock, Pointer } from './model.ts';

type Holding = { repoId: number; oid: string };

export const findHolding = (db: Db, holding: Holding): Pointer | undefined =>
  db.get(
    `SELECT o.oid, o.size FROM lfs_holdings h JOIN lfs_objects o ON o.oid = h.oid
     WHERE h.repo_id = :repoId AND h.oid = :oid`,
    holding,
  );

/** How many objects a repository has, and their bytes. */
export const sumHoldings = (db: Db, repoId: number): { objects: number; bytes: number } =>
  db.get<{ objects: number; bytes: number }>(
    `SELECT count(*) AS objects, coalesce(sum(o.size), 0) AS bytes
     FROM lfs_holdings h JOIN lfs_objects o ON o.oid = h.oid WHERE h.repo_id = :repoId`,
    { repoId },
  ) ?? { objects: 0, bytes: 0 };

export function insertObject(db: Db, object: Pointer & { now: number }): void {
  db.run(
    'INSERT INTO lfs_objects (oid, size, created_at) VALUES (:oid, :size, :now) ON CONFLICT DO NOTHING',
    { ...object },
  );
}

export function insertHolding(db: Db, holding: Holding & { givenBy: number | null; now: number }): void {
  db.run(
    `INSERT INTO lfs_holdings (repo_id, oid, given_by, given_at) VALUES (:repoId, :oid, :givenBy, :now)
     ON CONFLICT DO NOTHING`,
    { ...holding },
  );
}

/** Objects after `after` that a repository has, in the order of their ids. */
export const listObjects = (db: Db, page: { after: string; limit: number }): Pointer[] =>
  db.all(
    `SELECT oid, size FROM lfs_objects o
     WHERE oid > :after AND EXISTS (SELECT 1 FROM lfs_holdings h WHERE h.oid = o.oid)
     ORDER BY oid LIMIT :limit`,
    page,
  );

/** Objects that no repository has: an upload that ended between its row and its holding, or a repository gone. */
export const listUnheld = (db: Db): Pointer[] =>
  db.all(`SELECT oid, size FROM lfs_objects o
     WHERE NOT EXISTS (SELECT 1 FROM lfs_holdings h WHERE h.oid = o.oid)`);

/** Those that no repository has and that are older than `before`; objects that are just coming in are not. */
export const listUnheldBefore = (db: Db, page: { before: number; limit: number }) =>
  db.all<Pointer & { createdAt: number }>(
    `SELECT oid, size, created_at AS createdAt FROM lfs_objects o
     WHERE created_at < :before AND NOT EXISTS (SELECT 1 FROM lfs_holdings h WHERE h.oid = o.oid)
     ORDER BY created_at LIMIT :limit`,
    page,
  );

/** False: a repository has it. */
export const deleteUnheld = (db: Db, oid: string): boolean =>
  db.run(
    `DELETE FROM lfs_objects WHERE oid = :oid
       AND NOT EXISTS (SELECT 1 FROM lfs_holdings h WHERE h.oid = :oid)`,
    { oid },
  ).changes === 1;

export function deleteObject(db: Db, oid: string): void {
  db.run('DELETE FROM lfs_objects WHERE oid = :oid', { oid });
}

const lockColumns = 'l.id, l.path, a.name AS owner, l.owner_id AS ownerId, l.locked_at AS lockedAt';
const lockTables = 'lfs_locks l JOIN accounts a ON a.id = l.owner_id';

/** False when the path is locked already. */
export const insertLock = (
  db: Db,
  lock: { repoId: number; path: string; ownerId: number; now: number },
): boolean =>
  db.run(
    `INSERT INTO lfs_locks (repo_id, path, owner_id, locked_at) VALUES (:repoId, :path, :ownerId, :now)
     ON CONFLICT (repo_id, path) DO NOTHING`,
    lock,
  ).changes === 1;

export const findLock = (
  db: Db,
  where: { repoId: number; id: number } | { repoId: number; path: string },
): Lock | undefined =>
  db.get(
    `SELECT ${lockColumns} FROM ${lockTables}
     WHERE l.repo_id = :repoId AND ${'id' in where ? 'l.id = :id' : 'l.path = :path'}`,
    where,
  );

/** Locks from the id `from` on, the oldest first. */
export const listLockRows = (db: Db, page: { repoId: number; from: number; limit: number }): Lock[] =>
  db.all(
    `SELECT ${lockColumns} FROM ${lockTables}
     WHERE l.repo_id = :repoId AND l.id >= :from ORDER BY l.id LIMIT :limit`,
    page,
  );

export const countLocks = (db: Db, repoId: number): number =>
  db.get<{ n: number }>('SELECT count(*) AS n FROM lfs_locks WHERE repo_id = :repoId', { repoId })?.n ?? 0;

export const deleteLock = (db: Db, lock: { repoId: number; id: number }): boolean =>
  db.run('DELETE FROM lfs_locks WHERE repo_id = :repoId AND id = :id', lock).changes === 1;
