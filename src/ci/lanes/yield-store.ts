// The SQL of what lanes leave behind: artifacts, caches, and kept folders.
import type { Db } from '../../db/open.ts';
import type { StoredArtifact } from './lane-message.ts';

export function insertArtifacts(db: Db, attemptId: number, artifacts: readonly StoredArtifact[]): void {
  for (const artifact of artifacts) {
    db.run(
      `INSERT INTO artifacts (attempt_id, path, bytes, sha256) VALUES (:attemptId, :path, :bytes, :sha256)
       ON CONFLICT (attempt_id, path) DO UPDATE SET bytes = :bytes, sha256 = :sha256`,
      { attemptId, ...artifact },
    );
  }
}

export const listArtifactRows = (db: Db, attemptId: number): StoredArtifact[] =>
  db.all<StoredArtifact>(
    'SELECT path, bytes, sha256 FROM artifacts WHERE attempt_id = :attemptId ORDER BY path',
    { attemptId },
  );

export const findArtifactRow = (db: Db, attemptId: number, path: string): StoredArtifact | undefined =>
  db.get<StoredArtifact>(
    'SELECT path, bytes, sha256 FROM artifacts WHERE attempt_id = :attemptId AND path = :path',
    { attemptId, path },
  );

/** Every attempt that has artifacts. */
export const listArtifactOwners = (db: Db) =>
  db.all<{ id: number; token: number }>(
    `SELECT a.id, a.token FROM lane_attempts a
      WHERE EXISTS (SELECT 1 FROM artifacts f WHERE f.attempt_id = a.id) ORDER BY a.id`,
  );

/** Attempts that have ended and said something. */
export const listLogOwners = (db: Db) =>
  db.all<{ id: number; token: number }>(
    `SELECT id, token FROM lane_attempts
      WHERE finished_at IS NOT NULL AND log_removed_at IS NULL AND log_bytes > 0 ORDER BY id`,
  );

export function deleteArtifacts(db: Db, attemptId: number): void {
  db.run('DELETE FROM artifacts WHERE attempt_id = :attemptId', { attemptId });
}

export interface CacheRow {
  id: number;
  repoId: number;
  scope: string;
  key: string;
  bytes: number;
  usedAt: number;
}

type NamedCache = Pick<CacheRow, 'repoId' | 'scope' | 'key'>;

export function upsertCache(db: Db, cache: Omit<CacheRow, 'id' | 'usedAt'> & { now: number }): void {
  db.run(
    `INSERT INTO ci_caches (repo_id, scope, key, bytes, created_at, used_at)
     VALUES (:repoId, :scope, :key, :bytes, :now, :now)
     ON CONFLICT (repo_id, scope, key) DO UPDATE SET bytes = :bytes, created_at = :now, used_at = :now`,
    { ...cache },
  );
}

export function touchCache(db: Db, { repoId, scope, key, now }: NamedCache & { now: number }): void {
  db.run('UPDATE ci_caches SET used_at = :now WHERE repo_id = :repoId AND scope = :scope AND key = :key', {
    repoId,
    scope,
    key,
    now,
  });
}

/** Least recently used first. */
export const listCacheRows = (db: Db): CacheRow[] =>
  db.all<CacheRow>(
    `SELECT id, repo_id AS repoId, scope, key, bytes, used_at AS usedAt FROM ci_caches
      ORDER BY repo_id, used_at, id`,
  );

/** Ids of the branches that were merged or closed, among those whose caches are kept. */
export const listSettledScopes = (db: Db): string[] =>
  db
    .all<{ scope: string }>(
      `SELECT DISTINCT c.scope FROM ci_caches c LEFT JOIN branches b ON c.scope = 'branch-' || b.id
        WHERE c.scope LIKE 'branch-%' AND (b.id IS NULL OR b.state <> 'open')`,
    )
    .map(({ scope }) => scope);

export function deleteCache(db: Db, id: number): void {
  db.run('DELETE FROM ci_caches WHERE id = :id', { id });
}

export interface KeptFolder {
  id: number;
  token: number;
  keptUntil: number;
  /** Whether somebody has a shell in it. */
  isOpen: 0 | 1;
}

/** Newest first. */
export const listKept = (db: Db): KeptFolder[] =>
  db.all<KeptFolder>(
    `SELECT a.id, a.token, a.kept_until AS keptUntil,
            EXISTS (SELECT 1 FROM lane_shells s WHERE s.attempt_id = a.id AND s.ended_at IS NULL) AS isOpen
       FROM lane_attempts a WHERE a.kept_until IS NOT NULL ORDER BY a.kept_until DESC, a.id DESC`,
  );

/** Only for an attempt that failed: one that was cancelled meanwhile has nothing to look into. */
export function keepUntil(db: Db, fence: { id: number; token: number; until: number }): boolean {
  const sql = `UPDATE lane_attempts SET kept_until = :until WHERE id = :id AND token = :token AND state = 'failed'`;
  return db.run(sql, fence).changes === 1;
}

export function forgetKept(db: Db, id: number): void {
  db.run('UPDATE lane_attempts SET kept_until = NULL WHERE id = :id', { id });
}
