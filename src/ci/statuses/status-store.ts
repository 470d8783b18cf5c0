// The SQL of what other systems say of commits, and of which branches stand at one.
import type { Db } from '../../db/open.ts';
import type { CommitStatus, StatusState } from './model.ts';

interface StatusRow {
  context: string;
  state: StatusState;
  description: string;
  url: string | null;
  createdAt: number;
  updatedAt: number;
  updatedByName: string | null;
}

/** By context. */
export function listStatusRows(db: Db, repoId: number, oid: string): CommitStatus[] {
  const rows = db.all<StatusRow>(
    `SELECT s.context, s.state, s.description, s.url, s.created_at AS createdAt, s.updated_at AS updatedAt,
            who.name AS updatedByName
       FROM commit_statuses s LEFT JOIN accounts who ON who.id = s.updated_by
      WHERE s.repo_id = :repoId AND s.oid = :oid ORDER BY s.context`,
    { repoId, oid },
  );
  return rows.map((row) => ({
    ...row,
    url: row.url ?? undefined,
    updatedByName: row.updatedByName ?? undefined,
  }));
}

export interface StatusWrite {
  repoId: number;
  oid: string;
  context: string;
  state: StatusState;
  description: string;
  url: string | null;
  now: number;
  by: number;
}

export function putStatusRow(db: Db, status: StatusWrite): void {
  db.run(
    `INSERT INTO commit_statuses (repo_id, oid, context, state, description, url, created_at, updated_at, updated_by)
     VALUES (:repoId, :oid, :context, :state, :description, :url, :now, :now, :by)
     ON CONFLICT (repo_id, oid, context) DO UPDATE
        SET state = :state, description = :description, url = :url, updated_at = :now, updated_by = :by`,
    { ...status },
  );
}

/** All that other systems said of a commit, unless some of it is newer than `before`. */
export const deleteStatuses = (db: Db, old: { repoId: number; oid: string; before: number }): number =>
  db.run(
    `DELETE FROM commit_statuses WHERE repo_id = :repoId AND oid = :oid
        AND NOT EXISTS (SELECT 1 FROM commit_statuses n
                         WHERE n.repo_id = :repoId AND n.oid = :oid AND n.updated_at >= :before)`,
    old,
  ).changes;

/** The ids of the open branches that stand at a commit. */
export const listOpenBranchesAt = (db: Db, repoId: number, oid: string): number[] =>
  db
    .all<{ id: number }>(
      `SELECT id FROM branches WHERE repo_id = :repoId AND state = 'open' AND head_oid = :oid`,
      { repoId, oid },
    )
    .map(({ id }) => id);

/** The id of the newest run of the branch that landed as this commit. */
export const findRunLandedAs = (db: Db, repoId: number, oid: string): number | undefined =>
  db.get<{ id: number }>(
    `SELECT r.id FROM branches b JOIN runs r ON r.branch_id = b.id
      WHERE b.repo_id = :repoId AND b.state = 'merged' AND b.merge_oid = :oid ORDER BY r.id DESC LIMIT 1`,
    { repoId, oid },
  )?.id;
