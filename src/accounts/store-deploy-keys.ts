// The SQL of deploy keys.
import type { Db } from '../db/open.ts';

export interface DeployKeyRow {
  id: number;
  repoId: number;
  algorithm: string;
  fingerprint: string;
  label: string;
  /** 0 or 1. */
  canWrite: number;
  createdBy: string | null;
  createdAt: number;
  lastUsedAt: number | null;
}

const select = `SELECT k.id, k.repo_id AS repoId, k.algorithm, k.fingerprint, k.label, k.can_write AS canWrite,
    a.name AS createdBy, k.created_at AS createdAt, k.last_used_at AS lastUsedAt
  FROM deploy_keys k LEFT JOIN accounts a ON a.id = k.created_by`;

export const listDeployKeyRows = (db: Db, repoId: number): DeployKeyRow[] =>
  db.all(`${select} WHERE k.repo_id = :repoId ORDER BY k.id`, { repoId });

export const findDeployKey = (
  db: Db,
  where: { blob: string } | { fingerprint: string },
): DeployKeyRow | undefined =>
  'blob' in where
    ? db.get(`${select} WHERE k.blob = :blob`, where)
    : db.get(`${select} WHERE k.fingerprint = :fingerprint`, where);

export interface NewDeployKey {
  repoId: number;
  algorithm: string;
  blob: string;
  fingerprint: string;
  label: string;
  canWrite: number;
  createdBy: number;
  createdAt: number;
}

export const insertDeployKey = (db: Db, key: NewDeployKey): number =>
  db.run(
    `INSERT INTO deploy_keys (repo_id, algorithm, blob, fingerprint, label, can_write, created_by, created_at)
     VALUES (:repoId, :algorithm, :blob, :fingerprint, :label, :canWrite, :createdBy, :createdAt)`,
    { ...key },
  ).lastId;

/** What it was, or undefined when the repository has no such key. */
export const deleteDeployKey = (
  db: Db,
  where: { id: number; repoId: number },
): { fingerprint: string } | undefined =>
  db.get('DELETE FROM deploy_keys WHERE id = :id AND repo_id = :repoId RETURNING fingerprint', where);
