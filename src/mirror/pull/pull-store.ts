// The SQL of pulls, and of what they found of each ref.
import type { Db } from '../../db/open.ts';
import type { Pull, PulledRef, PulledRefState, PullState } from './model.ts';

interface PullRow {
  id: number;
  state: PullState;
  startedAt: number;
  finishedAt: number | null;
  created: number;
  moved: number;
  deleted: number;
  message: string | null;
}

const toPull = ({ finishedAt, message, ...row }: PullRow): Pull => ({
  ...row,
  finishedAt: finishedAt ?? undefined,
  message: message ?? undefined,
});

export const listPullRows = (db: Db, { repoId, limit }: { repoId: number; limit: number }): Pull[] =>
  db
    .all<PullRow>(
      `SELECT id, state, started_at AS startedAt, finished_at AS finishedAt, created, moved, deleted, message
       FROM mirror_pulls WHERE repo_id = :repoId ORDER BY id DESC LIMIT :limit`,
      { repoId, limit },
    )
    .map(toPull);

export const insertPull = (db: Db, pull: { repoId: number; token: number; now: number }): number =>
  db.run(
    `INSERT INTO mirror_pulls (repo_id, token, state, started_at) VALUES (:repoId, :token, 'running', :now)`,
    pull,
  ).lastId;

export interface PullEnd {
  id: number;
  state: Exclude<PullState, 'running'>;
  created: number;
  moved: number;
  deleted: number;
  message: string | null;
  now: number;
}

export function finishPull(db: Db, end: PullEnd): void {
  db.run(
    `UPDATE mirror_pulls SET state = :state, finished_at = :now, created = :created, moved = :moved, deleted = :deleted,
       message = :message
     WHERE id = :id AND state = 'running'`,
    { ...end },
  );
}

/** A pull that found everything as it was is worth no line of its own. */
export function deletePull(db: Db, id: number): void {
  db.run('DELETE FROM mirror_pulls WHERE id = :id', { id });
}

export function deletePullsBefore(db: Db, before: number): void {
  db.run('DELETE FROM mirror_pulls WHERE finished_at < :before', { before });
}

interface RefRow {
  ref: string;
  broughtOid: string | null;
  thereOid: string | null;
  state: PulledRefState;
  message: string | null;
}

const selectRefs = `SELECT ref, brought_oid AS broughtOid, there_oid AS thereOid, state, message FROM mirror_pulled_refs`;

const toRef = ({ broughtOid, thereOid, message, ...row }: RefRow): PulledRef => ({
  ...row,
  broughtOid: broughtOid ?? undefined,
  thereOid: thereOid ?? undefined,
  message: message ?? undefined,
});

export const listPulledRefs = (db: Db, repoId: number): Map<string, PulledRef> =>
  new Map(
    db
      .all<RefRow>(`${selectRefs} WHERE repo_id = :repoId ORDER BY ref`, { repoId })
      .map((row) => [row.ref, toRef(row)]),
  );

export const listLeftRefs = (db: Db, { repoId, limit }: { repoId: number; limit: number }): PulledRef[] =>
  db
    .all<RefRow>(`${selectRefs} WHERE repo_id = :repoId AND state <> 'in-step' ORDER BY ref LIMIT :limit`, {
      repoId,
      limit,
    })
    .map(toRef);

export const countPulledRefs = (db: Db, repoId: number): { total: number; left: number } =>
  db.get<{ total: number; left: number }>(
    `SELECT count(*) AS total, count(*) FILTER (WHERE state <> 'in-step') AS left FROM mirror_pulled_refs
     WHERE repo_id = :repoId`,
    { repoId },
  ) ?? { total: 0, left: 0 };

export function putPulledRef(db: Db, repoId: number, ref: PulledRef & { now: number }): void {
  db.run(
    `INSERT INTO mirror_pulled_refs (repo_id, ref, brought_oid, there_oid, state, message, changed_at)
     VALUES (:repoId, :ref, :broughtOid, :thereOid, :state, :message, :now)
     ON CONFLICT (repo_id, ref) DO UPDATE SET brought_oid = :broughtOid, there_oid = :thereOid, state = :state,
       message = :message, changed_at = :now`,
    {
      repoId,
      ref: ref.ref,
      broughtOid: ref.broughtOid ?? null,
      thereOid: ref.thereOid ?? null,
      state: ref.state,
      message: ref.message ?? null,
      now: ref.now,
    },
  );
}

export function deletePulledRef(db: Db, repoId: number, ref: string): void {
  db.run('DELETE FROM mirror_pulled_refs WHERE repo_id = :repoId AND ref = :ref', { repoId, ref });
}
