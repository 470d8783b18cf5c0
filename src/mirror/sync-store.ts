// The SQL of syncs, and of what they found of each ref.
import type { Db } from '../db/open.ts';
import type { MirrorRef, MirrorSync, RefState, SyncCause, SyncState } from './model.ts';

interface SyncRow {
  id: number;
  remoteId: number;
  token: number;
  generation: number;
  cause: SyncCause;
  accountName: string | null;
  state: SyncState;
  startedAt: number;
  finishedAt: number | null;
  pushed: number;
  deleted: number;
  refused: number;
  diverged: number;
  message: string | null;
}

const selectSyncs = `SELECT s.id, s.remote_id AS remoteId, s.token, s.generation, s.cause, who.name AS accountName, s.state,
    s.started_at AS startedAt, s.finished_at AS finishedAt, s.pushed, s.deleted, s.refused, s.diverged, s.message
  FROM mirror_syncs s LEFT JOIN accounts who ON who.id = s.account_id`;

const toSync = ({ accountName, finishedAt, message, ...row }: SyncRow): MirrorSync => ({
  ...row,
  accountName: accountName ?? undefined,
  finishedAt: finishedAt ?? undefined,
  message: message ?? undefined,
});

export interface NewSync {
  remoteId: number;
  token: number;
  generation: number;
  cause: SyncCause;
  accountId: number | null;
  now: number;
}

export const insertSync = (db: Db, sync: NewSync): number =>
  db.run(
    `INSERT INTO mirror_syncs (remote_id, token, generation, cause, account_id, state, started_at)
     VALUES (:remoteId, :token, :generation, :cause, :accountId, 'running', :now)`,
    { ...sync },
  ).lastId;

export interface SyncEnd {
  id: number;
  state: Exclude<SyncState, 'running'>;
  pushed: number;
  deleted: number;
  refused: number;
  diverged: number;
  message: string | null;
  now: number;
}

export function finishSync(db: Db, end: SyncEnd): void {
  db.run(
    `UPDATE mirror_syncs SET state = :state, finished_at = :now, pushed = :pushed, deleted = :deleted, refused = :refused,
       diverged = :diverged, message = :message
     WHERE id = :id AND state = 'running'`,
    { ...end },
  );
}

/** Whatever is still said to run of a remote that nobody holds any more. */
export function interruptSyncs(db: Db, { remoteId, message, now }: Lost): void {
  db.run(
    `UPDATE mirror_syncs SET state = 'interrupted', finished_at = :now, message = :message
     WHERE remote_id = :remoteId AND state = 'running'`,
    { remoteId, message, now },
  );
}

interface Lost {
  remoteId: number;
  message: string;
  now: number;
}

export function findSync(db: Db, id: number): MirrorSync | undefined {
  const row = db.get<SyncRow>(`${selectSyncs} WHERE s.id = :id`, { id });
  return row && toSync(row);
}

/** Newest first. */
export const listSyncRows = (
  db: Db,
  where: { remoteId: number; beforeId: number | null; limit: number },
): MirrorSync[] =>
  db
    .all<SyncRow>(
      `${selectSyncs} WHERE s.remote_id = :remoteId AND (:beforeId IS NULL OR s.id < :beforeId)
       ORDER BY s.id DESC LIMIT :limit`,
      where,
    )
    .map(toSync);

export function deleteSyncsBefore(db: Db, before: number): void {
  db.run('DELETE FROM mirror_syncs WHERE finished_at < :before', { before });
}

/** Keeps the newest of each remote. */
export function deleteSyncsBeyond(db: Db, most: number): void {
  db.run(
    `DELETE FROM mirror_syncs WHERE state <> 'running' AND id IN (
       SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY remote_id ORDER BY id DESC) AS place FROM mirror_syncs)
       WHERE place > :most)`,
    { most },
  );
}

interface RefRow {
  ref: string;
  state: RefState;
  hereOid: string | null;
  thereOid: string | null;
  oursOid: string | null;
  sent: string;
  message: string | null;
  changedAt: number;
}

const refColumns = `ref, state, here_oid AS hereOid, there_oid AS thereOid, ours_oid AS oursOid, sent, message,
  changed_at AS changedAt`;

const toRef = ({ hereOid, thereOid, oursOid, sent, message, ...row }: RefRow): MirrorRef => ({
  ...row,
  hereOid: hereOid ?? undefined,
  thereOid: thereOid ?? undefined,
  oursOid: oursOid ?? undefined,
  sent: JSON.parse(sent) as string[],
  message: message ?? undefined,
});

export const listAllRefs = (db: Db, remoteId: number): MirrorRef[] =>
  db
    .all<RefRow>(`SELECT ${refColumns} FROM mirror_refs WHERE remote_id = :remoteId ORDER BY ref`, {
      remoteId,
    })
    .map(toRef);

export interface RefPage {
  remoteId: number;
  /** One state, `odd` for everything but in step, or `all`. */
  state: string;
  after: string;
  limit: number;
}

export const listRefPage = (db: Db, page: RefPage): MirrorRef[] =>
  db
    .all<RefRow>(
      `SELECT ${refColumns} FROM mirror_refs
       WHERE remote_id = :remoteId AND ref > :after
         AND (:state = 'all' OR state = :state OR (:state = 'odd' AND state <> 'in-step'))
       ORDER BY ref LIMIT :limit`,
      { ...page },
    )
    .map(toRef);

export function findRef(db: Db, where: { remoteId: number; ref: string }): MirrorRef | undefined {
  const row = db.get<RefRow>(
    `SELECT ${refColumns} FROM mirror_refs WHERE remote_id = :remoteId AND ref = :ref`,
    where,
  );
  return row && toRef(row);
}

export function countRefs(db: Db, remoteId: number): Record<RefState, number> {
  const counts = { 'in-step': 0, behind: 0, diverged: 0, refused: 0 };
  const rows = db.all<{ state: RefState; n: number }>(
    'SELECT state, count(*) AS n FROM mirror_refs WHERE remote_id = :remoteId GROUP BY state',
    { remoteId },
  );
  for (const { state, n } of rows) counts[state] = n;
  return counts;
}

/** Writes what is known of a ref; when it came to stand so stays, as long as it stands so. */
export function putRef(db: Db, remoteId: number, ref: Omit<MirrorRef, 'changedAt'> & { now: number }): void {
  db.run(
    `INSERT INTO mirror_refs (remote_id, ref, state, here_oid, there_oid, ours_oid, sent, message, changed_at)
     VALUES (:remoteId, :ref, :state, :hereOid, :thereOid, :oursOid, :sent, :message, :now)
     ON CONFLICT (remote_id, ref) DO UPDATE SET state = excluded.state, here_oid = excluded.here_oid,
       there_oid = excluded.there_oid, ours_oid = excluded.ours_oid, sent = excluded.sent, message = excluded.message,
       changed_at = CASE WHEN state = excluded.state AND here_oid IS excluded.here_oid
         AND there_oid IS excluded.there_oid THEN changed_at ELSE excluded.changed_at END`,
    {
      remoteId,
      ref: ref.ref,
      state: ref.state,
      hereOid: ref.hereOid ?? null,
      thereOid: ref.thereOid ?? null,
      oursOid: ref.oursOid ?? null,
      sent: JSON.stringify(ref.sent),
      message: ref.message ?? null,
      now: ref.now,
    },
  );
}

export function deleteRef(db: Db, where: { remoteId: number; ref: string }): void {
  db.run('DELETE FROM mirror_refs WHERE remote_id = :remoteId AND ref = :ref', where);
}

/** What stands elsewhere is another place: nothing is known of it. */
export function forgetRefs(db: Db, remoteId: number): void {
  db.run('DELETE FROM mirror_refs WHERE remote_id = :remoteId', { remoteId });
}
