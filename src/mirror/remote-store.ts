// The SQL of remotes. The sealed credential leaves only for a sync.
import type { Db } from '../db/open.ts';
import type { CredentialKind, MirrorRemote } from './model.ts';

interface RemoteRow {
  id: number;
  repoId: number;
  name: string;
  url: string;
  patterns: string;
  credential: CredentialKind;
  publicKey: string | null;
  hostKeys: string | null;
  statuses: string;
  active: number;
  atomic: number | null;
  wanted: number;
  done: number;
  tried: number;
  wantedAt: number | null;
  syncedAt: number | null;
  checkedAt: number | null;
  token: number;
  leaseUntil: number | null;
  failures: number;
  restsUntil: number | null;
  problem: string | null;
  createdAt: number;
  createdByName: string | null;
}

const selectRemotes = `SELECT m.id, m.repo_id AS repoId, m.name, m.url, m.patterns, m.credential,
    m.public_key AS publicKey, m.host_keys AS hostKeys, m.statuses, m.active, m.atomic, m.wanted, m.done, m.tried,
    m.wanted_at AS wantedAt, m.synced_at AS syncedAt, m.checked_at AS checkedAt, m.token, m.lease_until AS leaseUntil,
    m.failures, m.rests_until AS restsUntil, m.problem, m.created_at AS createdAt, who.name AS createdByName
  FROM mirror_remotes m LEFT JOIN accounts who ON who.id = m.created_by`;

const toRemote = (row: RemoteRow): MirrorRemote => ({
  ...row,
  patterns: JSON.parse(row.patterns) as string[],
  publicKey: row.publicKey ?? undefined,
  hostKeys: row.hostKeys ?? undefined,
  isActive: row.active === 1,
  isAtomic: row.atomic === null ? undefined : row.atomic === 1,
  wantedAt: row.wantedAt ?? undefined,
  syncedAt: row.syncedAt ?? undefined,
  checkedAt: row.checkedAt ?? undefined,
  leaseUntil: row.leaseUntil ?? undefined,
  restsUntil: row.restsUntil ?? undefined,
  problem: row.problem ?? undefined,
  createdByName: row.createdByName ?? undefined,
});

export const listRemoteRows = (db: Db, repoId: number): MirrorRemote[] =>
  db.all<RemoteRow>(`${selectRemotes} WHERE m.repo_id = :repoId ORDER BY m.name`, { repoId }).map(toRemote);

export function findRemoteByName(db: Db, where: { repoId: number; name: string }): MirrorRemote | undefined {
  const row = db.get<RemoteRow>(`${selectRemotes} WHERE m.repo_id = :repoId AND m.name = :name`, where);
  return row && toRemote(row);
}

export function findRemote(db: Db, id: number): MirrorRemote | undefined {
  const row = db.get<RemoteRow>(`${selectRemotes} WHERE m.id = :id`, { id });
  return row && toRemote(row);
}

export const listAllRemotes = (db: Db): MirrorRemote[] =>
  db.all<RemoteRow>(`${selectRemotes} ORDER BY m.id`).map(toRemote);

export interface NewRemote {
  repoId: number;
  name: string;
  url: string;
  patterns: readonly string[];
  statuses: string;
  isActive: boolean;
  now: number;
  by: number;
}

/** The credential comes after the id, which it is sealed for. */
export const insertRemote = (db: Db, { patterns, isActive, ...remote }: NewRemote): number =>
  db.run(
    `INSERT INTO mirror_remotes (repo_id, name, url, patterns, credential, statuses, active, created_at, created_by, updated_at)
     VALUES (:repoId, :name, :url, :patterns, 'none', :statuses, :active, :now, :by, :now)`,
    { ...remote, patterns: JSON.stringify(patterns), active: Number(isActive) },
  ).lastId;

export interface RemoteUpdate {
  id: number;
  url: string;
  patterns: readonly string[];
  statuses: string;
  isActive: boolean;
  now: number;
}

/** A changed remote is tried at once, whatever it did before, and whoever syncs it has lost it. */
export function updateRemote(db: Db, { patterns, isActive, ...update }: RemoteUpdate): void {
  db.run(
    `UPDATE mirror_remotes SET url = :url, patterns = :patterns, statuses = :statuses, active = :active, atomic = NULL,
       token = token + 1, lease_until = NULL, failures = 0, rests_until = NULL, problem = NULL, updated_at = :now
     WHERE id = :id`,
    { ...update, patterns: JSON.stringify(patterns), active: Number(isActive) },
  );
}

export interface CredentialUpdate {
  id: number;
  kind: CredentialKind;
  sealed: Buffer | null;
  publicKey: string | null;
}

export function updateCredential(db: Db, update: CredentialUpdate): void {
  db.run(
    `UPDATE mirror_remotes SET credential = :kind, sealed = :sealed, public_key = :publicKey WHERE id = :id`,
    { ...update },
  );
}

export const findSealed = (db: Db, id: number): Buffer | undefined =>
  db.get<{ sealed: Buffer | null }>('SELECT sealed FROM mirror_remotes WHERE id = :id', { id })?.sealed ??
  undefined;

export function updateHostKeys(db: Db, update: { id: number; hostKeys: string | null }): void {
  db.run('UPDATE mirror_remotes SET host_keys = :hostKeys WHERE id = :id', update);
}

export function updateAtomic(db: Db, update: { id: number; isAtomic: boolean }): void {
  const { id, isAtomic } = update;
  db.run('UPDATE mirror_remotes SET atomic = :atomic WHERE id = :id', { id, atomic: Number(isAtomic) });
}

export const deleteRemoteRow = (db: Db, id: number): boolean =>
  db.run('DELETE FROM mirror_remotes WHERE id = :id', { id }).changes === 1;

/** One more wish of every remote of the repository that is on. */
export function wishForRepo(db: Db, wish: { repoId: number; now: number }): void {
  db.run(
    `UPDATE mirror_remotes SET wanted_at = CASE WHEN wanted > done THEN wanted_at ELSE :now END, wanted = wanted + 1
     WHERE repo_id = :repoId AND active = 1`,
    wish,
  );
}

/** One more wish of one remote, which is tried at once where `isNow`. */
export function wishForRemote(db: Db, wish: { id: number; now: number; isNow: boolean }): void {
  const rest = wish.isNow ? ', rests_until = NULL' : '';
  db.run(
    `UPDATE mirror_remotes SET wanted_at = CASE WHEN wanted > done THEN wanted_at ELSE :now END, wanted = wanted + 1
       ${rest}
     WHERE id = :id`,
    { id: wish.id, now: wish.now },
  );
}

/**
 * What may be synced now: it is wanted, nobody syncs it, and it does not rest. One that was reached and refused something
 * rests from that alone: a newer wish goes at once. Those that failed the last time come last.
 */
export const listDue = (db: Db, { now, limit }: { now: number; limit: number }): MirrorRemote[] =>
  db
    .all<RemoteRow>(
      `${selectRemotes} WHERE m.active = 1 AND m.wanted > m.done AND m.lease_until IS NULL
         AND (m.rests_until IS NULL OR m.rests_until <= :now OR (m.failures = 0 AND m.wanted > m.tried))
       ORDER BY m.failures > 0, m.wanted_at, m.id LIMIT :limit`,
      { now, limit },
    )
    .map(toRemote);

/** Remotes that are in step as far as anybody knows, and were not looked at since. */
export const listUnchecked = (db: Db, before: number): MirrorRemote[] =>
  db
    .all<RemoteRow>(
      `${selectRemotes} WHERE m.active = 1 AND m.wanted <= m.done AND m.lease_until IS NULL
         AND coalesce(m.checked_at, 0) < :before`,
      { before },
    )
    .map(toRemote);

/** Takes the remote for a sync, which is one more wish where `wishes` is 1: undefined when somebody has it. */
export function claimRemote(
  db: Db,
  claim: { id: number; leaseUntil: number; wishes: 0 | 1; now: number },
): { token: number; generation: number } | undefined {
  return db.get<{ token: number; generation: number }>(
    `UPDATE mirror_remotes SET token = token + 1, lease_until = :leaseUntil, wanted = wanted + :wishes,
       tried = wanted + :wishes, wanted_at = CASE WHEN wanted > done THEN wanted_at ELSE :now END
     WHERE id = :id AND lease_until IS NULL RETURNING token, wanted AS generation`,
    claim,
  );
}

export interface RemoteEnd {
  id: number;
  token: number;
  /** The wish that is fulfilled; null when none is. */
  done: number | null;
  /** Wishes that came meanwhile are as old as the sync at most. */
  startedAt: number;
  failures: number;
  restsUntil: number | null;
  problem: string | null;
  now: number;
}

/** Gives the remote back; false when the claim was lost, and then nothing is written. */
export const finishRemote = (db: Db, { done, ...end }: RemoteEnd): boolean =>
  db.run(
    `UPDATE mirror_remotes SET lease_until = NULL, failures = :failures, rests_until = :restsUntil, problem = :problem,
       done = coalesce(:done, done), checked_at = :now,
       synced_at = CASE WHEN :done IS NULL THEN synced_at ELSE :now END,
       wanted_at = CASE WHEN :done IS NULL THEN wanted_at WHEN wanted > :done THEN :startedAt ELSE NULL END
     WHERE id = :id AND token = :token AND lease_until IS NOT NULL`,
    { ...end, done },
  ).changes === 1;

export const holdsRemote = (db: Db, claim: { id: number; token: number }): boolean =>
  db.get(
    'SELECT 1 FROM mirror_remotes WHERE id = :id AND token = :token AND lease_until IS NOT NULL',
    claim,
  ) !== undefined;

/** Frees what was held by nobody that still lives; the token stays behind, so that nobody else's writes count. */
export const freeLost = (db: Db, { leaseBefore }: { leaseBefore: number }): number[] =>
  db
    .all<{ id: number }>(
      `UPDATE mirror_remotes SET lease_until = NULL, token = token + 1 WHERE lease_until < :leaseBefore RETURNING id`,
      { leaseBefore },
    )
    .map(({ id }) => id);
