// The SQL of upstreams. The sealed credential leaves only for a pull.
import type { Db } from '../../db/open.ts';
import type { CredentialKind } from '../model.ts';
import type { PullRule, Upstream } from './model.ts';

interface UpstreamRow {
  repoId: number;
  url: string;
  patterns: string;
  follows: number;
  everyMinutes: number;
  rewrites: PullRule;
  deletions: PullRule;
  credential: CredentialKind;
  publicKey: string | null;
  hostKeys: string | null;
  wanted: number;
  done: number;
  pulledAt: number | null;
  token: number;
  leaseUntil: number | null;
  failures: number;
  restsUntil: number | null;
  problem: string | null;
  createdAt: number;
  createdByName: string | null;
}

const selectUpstreams = `SELECT u.repo_id AS repoId, u.url, u.patterns, u.follows, u.every_minutes AS everyMinutes, u.rewrites,
    u.deletions, u.credential, u.public_key AS publicKey, u.host_keys AS hostKeys, u.wanted, u.done,
    u.pulled_at AS pulledAt, u.token, u.lease_until AS leaseUntil, u.failures, u.rests_until AS restsUntil, u.problem,
    u.created_at AS createdAt, who.name AS createdByName
  FROM mirror_upstreams u LEFT JOIN accounts who ON who.id = u.created_by`;

const toUpstream = (row: UpstreamRow): Upstream => ({
  ...row,
  patterns: JSON.parse(row.patterns) as string[],
  follows: row.follows === 1,
  publicKey: row.publicKey ?? undefined,
  hostKeys: row.hostKeys ?? undefined,
  pulledAt: row.pulledAt ?? undefined,
  leaseUntil: row.leaseUntil ?? undefined,
  restsUntil: row.restsUntil ?? undefined,
  problem: row.problem ?? undefined,
  createdByName: row.createdByName ?? undefined,
});

export function findUpstreamRow(db: Db, repoId: number): Upstream | undefined {
  const row = db.get<UpstreamRow>(`${selectUpstreams} WHERE u.repo_id = :repoId`, { repoId });
  return row && toUpstream(row);
}

export const listTroubledRows = (db: Db, where: { failures: number; limit: number }): Upstream[] =>
  db
    .all<UpstreamRow>(
      `${selectUpstreams} WHERE u.failures >= :failures OR (u.failures = 0 AND u.problem IS NOT NULL)
       ORDER BY u.failures DESC, u.repo_id LIMIT :limit`,
      where,
    )
    .map(toUpstream);

export const getSealed = (db: Db, repoId: number): Buffer | undefined =>
  db.get<{ sealed: Buffer | null }>('SELECT sealed FROM mirror_upstreams WHERE repo_id = :repoId', { repoId })
    ?.sealed ?? undefined;

/** Those that nobody pulls and that are wanted, or whose time has come again; those that failed the last time come last. */
export const listDueUpstreams = (
  db: Db,
  due: { now: number; limit: number },
): { repoId: number; failures: number }[] =>
  db.all(
    `SELECT repo_id AS repoId, failures FROM mirror_upstreams
     WHERE lease_until IS NULL AND coalesce(rests_until, 0) <= :now
       AND (wanted > done OR (follows = 1 AND coalesce(pulled_at, 0) + every_minutes * 60000 <= :now))
     ORDER BY failures > 0, coalesce(pulled_at, 0), repo_id LIMIT :limit`,
    due,
  );

export interface UpstreamWrite {
  repoId: number;
  url: string;
  patterns: readonly string[];
  follows: boolean;
  everyMinutes: number;
  rewrites: PullRule;
  deletions: PullRule;
  now: number;
  by: number | null;
}

/** One in the place of another is looked at from the beginning, but under a token that goes on growing. */
export function putUpstream(db: Db, { patterns, follows, ...upstream }: UpstreamWrite): void {
  db.run(
    `INSERT INTO mirror_upstreams (repo_id, url, patterns, follows, every_minutes, rewrites, deletions, credential,
       created_at, created_by)
     VALUES (:repoId, :url, :patterns, :follows, :everyMinutes, :rewrites, :deletions, 'none', :now, :by)
     ON CONFLICT (repo_id) DO UPDATE SET url = :url, patterns = :patterns, follows = :follows,
       every_minutes = :everyMinutes, rewrites = :rewrites, deletions = :deletions, credential = 'none', sealed = NULL,
       public_key = NULL, host_keys = NULL, wanted = wanted + 1, pulled_at = NULL, failures = 0, rests_until = NULL,
       problem = NULL, created_at = :now, created_by = :by`,
    { ...upstream, patterns: JSON.stringify(patterns), follows: Number(follows) },
  );
}

export interface RulesWrite {
  repoId: number;
  patterns: readonly string[];
  follows: boolean;
  everyMinutes: number;
  rewrites: PullRule;
  deletions: PullRule;
}

export function updateRules(db: Db, { patterns, follows, ...rules }: RulesWrite): void {
  db.run(
    `UPDATE mirror_upstreams SET patterns = :patterns, follows = :follows, every_minutes = :everyMinutes,
       rewrites = :rewrites, deletions = :deletions WHERE repo_id = :repoId`,
    { ...rules, patterns: JSON.stringify(patterns), follows: Number(follows) },
  );
}

export function updateCredential(
  db: Db,
  change: { repoId: number; credential: CredentialKind; sealed: Buffer | null; publicKey: string | null },
): void {
  db.run(
    `UPDATE mirror_upstreams SET credential = :credential, sealed = :sealed, public_key = :publicKey
     WHERE repo_id = :repoId`,
    change,
  );
}

export function updateHostKeys(db: Db, change: { repoId: number; hostKeys: string | null }): void {
  db.run('UPDATE mirror_upstreams SET host_keys = :hostKeys WHERE repo_id = :repoId', change);
}

export const deleteUpstream = (db: Db, repoId: number): void => {
  db.run('DELETE FROM mirror_pulled_refs WHERE repo_id = :repoId', { repoId });
  db.run('DELETE FROM mirror_pulls WHERE repo_id = :repoId', { repoId });
  db.run('DELETE FROM mirror_upstreams WHERE repo_id = :repoId', { repoId });
};

/** Wants a pull at once, whatever came of the ones before. */
export function wantPull(db: Db, repoId: number): void {
  db.run(`UPDATE mirror_upstreams SET wanted = wanted + 1, rests_until = NULL WHERE repo_id = :repoId`, {
    repoId,
  });
}

/** Takes the row, or answers undefined when somebody has it. */
export function claimUpstream(
  db: Db,
  claim: { repoId: number; leaseUntil: number },
): { token: number; wanted: number } | undefined {
  const { changes } = db.run(
    `UPDATE mirror_upstreams SET token = token + 1, lease_until = :leaseUntil
     WHERE repo_id = :repoId AND lease_until IS NULL`,
    claim,
  );
  if (changes === 0) return undefined;
  return db.get<{ token: number; wanted: number }>(
    'SELECT token, wanted FROM mirror_upstreams WHERE repo_id = :repoId',
    { repoId: claim.repoId },
  );
}

interface Held {
  repoId: number;
  token: number;
}

/** False when the row was taken by another, or is gone: then nothing of this pull counts. */
export const releaseDone = (
  db: Db,
  done: Held & { generation: number; now: number; problem: string | null },
): boolean =>
  db.run(
    `UPDATE mirror_upstreams SET done = max(done, :generation), pulled_at = :now, lease_until = NULL, failures = 0,
       rests_until = NULL, problem = :problem
     WHERE repo_id = :repoId AND token = :token AND lease_until IS NOT NULL`,
    { ...done },
  ).changes === 1;

export const releaseFailed = (
  db: Db,
  failed: Held & { failures: number; restsUntil: number; problem: string },
): boolean =>
  db.run(
    `UPDATE mirror_upstreams SET lease_until = NULL, failures = :failures, rests_until = :restsUntil, problem = :problem
     WHERE repo_id = :repoId AND token = :token AND lease_until IS NOT NULL`,
    { ...failed },
  ).changes === 1;

/** Nobody wants any more what was wanted until now. */
export const releaseCancelled = (db: Db, held: Held & { now: number }): boolean =>
  db.run(
    `UPDATE mirror_upstreams SET lease_until = NULL, done = wanted, pulled_at = coalesce(pulled_at, :now), failures = 0, problem = NULL
     WHERE repo_id = :repoId AND token = :token AND lease_until IS NOT NULL`,
    { ...held },
  ).changes === 1;

/** Whoever held a row past its lease holds it no more; what was wanted still is. */
export function recoverUpstreams(db: Db, lost: { leaseBefore: number; message: string; now: number }): void {
  db.run(
    `UPDATE mirror_pulls SET state = 'interrupted', finished_at = :now, message = :message
     WHERE state = 'running' AND repo_id IN
       (SELECT repo_id FROM mirror_upstreams WHERE lease_until IS NULL OR lease_until < :leaseBefore)`,
    { ...lost },
  );
  db.run('UPDATE mirror_upstreams SET lease_until = NULL WHERE lease_until < :leaseBefore', {
    leaseBefore: lost.leaseBefore,
  });
}
