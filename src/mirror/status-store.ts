// The SQL of what services are to be told of commits.
import type { Db } from '../db/open.ts';

export const statusStates = ['pending', 'success', 'failure', 'error'] as const;
export type StatusState = (typeof statusStates)[number];

export interface CommitVerdict {
  oid: string;
  state: StatusState;
  description: string;
  /** Where people read more. */
  url: string;
}

export interface UntoldStatus extends CommitVerdict {
  remoteId: number;
  attempts: number;
}

/** Another verdict is told anew; the same one is not. */
export function putStatus(db: Db, status: CommitVerdict & { remoteId: number; now: number }): void {
  db.run(
    `INSERT INTO mirror_statuses (remote_id, oid, state, description, url, updated_at)
     VALUES (:remoteId, :oid, :state, :description, :url, :now)
     ON CONFLICT (remote_id, oid) DO UPDATE SET state = :state, description = :description, url = :url, told = 0,
       attempts = 0, rests_until = NULL, message = NULL, updated_at = :now
     WHERE state <> :state OR description <> :description OR url <> :url`,
    { ...status },
  );
}

/** What may be told now: its commit stands at the remote, or the service would know nothing of it. */
export const listUntold = (
  db: Db,
  where: { now: number; limit: number; maxAttempts: number },
): UntoldStatus[] =>
  db.all(
    `SELECT s.remote_id AS remoteId, s.oid, s.state, s.description, s.url, s.attempts
     FROM mirror_statuses s JOIN mirror_remotes m ON m.id = s.remote_id
     WHERE s.told = 0 AND m.active = 1 AND m.statuses <> '' AND s.attempts < :maxAttempts
       AND (s.rests_until IS NULL OR s.rests_until <= :now)
       AND EXISTS (SELECT 1 FROM mirror_refs r WHERE r.remote_id = s.remote_id AND r.there_oid = s.oid)
     ORDER BY s.updated_at LIMIT :limit`,
    where,
  );

/** False when another verdict came meanwhile, which is to be told still. */
export const markTold = (db: Db, { remoteId, oid, state }: UntoldStatus): boolean =>
  db.run(
    `UPDATE mirror_statuses SET told = 1, message = NULL WHERE remote_id = :remoteId AND oid = :oid AND state = :state`,
    { remoteId, oid, state },
  ).changes === 1;

export function markFailed(
  db: Db,
  { remoteId, oid, restsUntil, message }: UntoldStatus & { restsUntil: number; message: string },
): void {
  db.run(
    `UPDATE mirror_statuses SET attempts = attempts + 1, rests_until = :restsUntil, message = :message
     WHERE remote_id = :remoteId AND oid = :oid`,
    { remoteId, oid, restsUntil, message },
  );
}

/** Why the newest one that failed could not be told. */
export const findStatusProblem = (db: Db, remoteId: number): string | undefined =>
  db.get<{ message: string }>(
    `SELECT message FROM mirror_statuses WHERE remote_id = :remoteId AND told = 0 AND message IS NOT NULL
     ORDER BY updated_at DESC LIMIT 1`,
    { remoteId },
  )?.message;

/** Remotes whose service is told how CI went. */
export const listTellingRemotes = (db: Db): { id: number; repoId: number }[] =>
  db.all(`SELECT id, repo_id AS repoId FROM mirror_remotes WHERE active = 1 AND statuses <> ''`);

export function deleteStatusesBefore(db: Db, before: number): void {
  db.run('DELETE FROM mirror_statuses WHERE updated_at < :before', { before });
}
