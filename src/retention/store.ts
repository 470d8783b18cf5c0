// The SQL of what may go. What something still needs is said here in one place, `isNeededRun` and `isNeededRevision`, and
// asked again in the moment in which a thing is taken away.
import type { Db } from '../db/open.ts';

/** Nothing has landed on the same target since: its run and its statuses speak for the target. */
const isLastLanded = `b.state = 'merged' AND NOT EXISTS (SELECT 1 FROM branches n WHERE n.repo_id = b.repo_id
    AND n.state = 'merged' AND n.updated_at > b.updated_at AND n.target = b.target)`;

/** The verdict that a page, a gate or a badge still shows, and what runs, waits or is landing. */
const isNeededRun = `(r.finished_at IS NULL
  OR EXISTS (SELECT 1 FROM lanes l JOIN lane_attempts a ON a.lane_id = l.id
              WHERE l.run_id = r.id AND a.state IN ('queued', 'running', 'cancelling'))
  OR EXISTS (SELECT 1 FROM runs twin JOIN branches b
               ON b.repo_id = twin.repo_id AND b.head_oid = twin.head_oid AND b.state = 'open'
              WHERE twin.repo_id = r.repo_id AND twin.tree_oid = r.tree_oid)
  OR EXISTS (SELECT 1 FROM landing_candidates c WHERE c.run_id = r.id AND (c.state IN ('testing', 'landing')
               OR EXISTS (SELECT 1 FROM landing_members m JOIN landings g ON g.id = m.landing_id
                           WHERE m.candidate_id = c.id AND g.state IN ('waiting', 'queued', 'testing', 'landing'))))
  OR EXISTS (SELECT 1 FROM landings g JOIN branches b ON b.id = g.branch_id
              WHERE g.end_run_id = r.id AND b.state = 'open')
  OR (r.kind = 'nightly' AND NOT EXISTS (SELECT 1 FROM runs n WHERE n.repo_id = r.repo_id
               AND n.nightly = r.nightly AND n.due_at > r.due_at))
  OR EXISTS (SELECT 1 FROM branches b WHERE b.id = r.branch_id AND b.revision = r.revision
               AND ${isLastLanded}))`;

/** What people said of it, what other systems did, and the tutorial that stands for the branch. */
const isNeededRevision = `(b.state = 'open' OR rev.number >= b.revision
  OR EXISTS (SELECT 1 FROM review_threads t WHERE t.branch_id = b.id AND t.revision = rev.number)
  OR EXISTS (SELECT 1 FROM reviews v WHERE v.branch_id = b.id AND v.revision = rev.number)
  OR EXISTS (SELECT 1 FROM commit_statuses s WHERE s.repo_id = b.repo_id AND s.oid = rev.head_oid)
  OR rev.number IS (SELECT max(u.revision) FROM tutorials u WHERE u.branch_id = b.id AND u.state = 'ready')
  OR EXISTS (SELECT 1 FROM runs r WHERE r.branch_id = b.id AND r.revision = rev.number AND r.finished_at IS NULL))`;

const isNewestAttempt = 'a.number = (SELECT max(o.number) FROM lane_attempts o WHERE o.lane_id = a.lane_id)';

export const needsRun = (db: Db, id: number): boolean =>
  db.get(`SELECT 1 FROM runs r WHERE r.id = :id AND ${isNeededRun}`, { id }) !== undefined;

/** Whether the files of an attempt are needed: its run is, and no later attempt has taken its place. */
export const needsAttempt = (db: Db, id: number): boolean =>
  db.get(
    `SELECT 1 FROM lane_attempts a JOIN lanes l ON l.id = a.lane_id JOIN runs r ON r.id = l.run_id
      WHERE a.id = :id AND (a.finished_at IS NULL OR (${isNewestAttempt} AND ${isNeededRun}))`,
    { id },
  ) !== undefined;

export const needsRevision = (db: Db, revision: { branchId: number; number: number }): boolean =>
  db.get(
    `SELECT 1 FROM revisions rev JOIN branches b ON b.id = rev.branch_id
      WHERE rev.branch_id = :branchId AND rev.number = :number AND ${isNeededRevision}`,
    revision,
  ) !== undefined;

/** `before`: what ended earlier is too old. `maxBytes`: of everything together, the newest first. */
export interface Bounds {
  repoId: number;
  before: number;
  maxBytes: number;
  limit: number;
}

export interface OutdatedAttempt {
  id: number;
  token: number;
  number: number;
  laneKey: string;
  runNumber: number;
  runId: number;
  bytes: number;
  finishedAt: number;
  /** Bytes of this one and all newer ones. */
  upTo: number;
}

const ofEnded = `FROM runs r JOIN lanes l ON l.run_id = r.id JOIN lane_attempts a ON a.lane_id = l.id
      WHERE r.repo_id = :repoId AND a.finished_at IS NOT NULL AND a.started_at IS NOT NULL`;
const attemptColumns = `a.id, a.token, a.number, l.key AS laneKey, r.number AS runNumber, r.id AS runId,
      a.finished_at AS finishedAt`;

const beyond = (sized: string): string =>
  `SELECT e.* FROM (${sized}) e JOIN lane_attempts a ON a.id = e.id JOIN runs r ON r.id = e.runId
    WHERE (e.finishedAt < :before OR e.upTo > :maxBytes) AND NOT (${isNewestAttempt} AND ${isNeededRun})
    ORDER BY e.finishedAt, e.id LIMIT :limit`;

/** Attempts whose logs are too old or too many, oldest first. */
export const listOutdatedLogs = (db: Db, bounds: Bounds): OutdatedAttempt[] =>
  db.all(
    beyond(`SELECT ${attemptColumns}, a.log_bytes AS bytes,
                   sum(a.log_bytes) OVER (ORDER BY a.finished_at DESC, a.id DESC) AS upTo
              ${ofEnded} AND a.log_removed_at IS NULL`),
    { ...bounds },
  );

/** Attempts whose artifacts are too old or too many, oldest first. */
export const listOutdatedArtifacts = (db: Db, bounds: Bounds): OutdatedAttempt[] =>
  db.all(
    beyond(`SELECT s.*, sum(s.bytes) OVER (ORDER BY s.finishedAt DESC, s.id DESC) AS upTo
              FROM (SELECT ${attemptColumns},
                           (SELECT sum(f.bytes) FROM artifacts f WHERE f.attempt_id = a.id) AS bytes ${ofEnded}) s
             WHERE s.bytes IS NOT NULL`),
    { ...bounds },
  );

type Aged = Pick<Bounds, 'repoId' | 'before' | 'limit'>;

/** Attempts that a later one has taken the place of. */
export const listOutdatedAttempts = (db: Db, aged: Aged): Omit<OutdatedAttempt, 'upTo'>[] =>
  db.all(
    `SELECT ${attemptColumns}, CASE WHEN a.log_removed_at IS NULL THEN a.log_bytes ELSE 0 END AS bytes
       ${ofEnded} AND a.finished_at < :before AND NOT ${isNewestAttempt} AND NOT ${isNeededRun}
      ORDER BY a.finished_at, a.id LIMIT :limit`,
    { ...aged },
  );

export interface OutdatedRun {
  id: number;
  number: number;
  kind: string;
  finishedAt: number;
  bytes: number;
}

/** Runs that ended too long ago, but for the newest `keep` of the repository. */
export const listOutdatedRuns = (db: Db, aged: Aged & { keep: number }): OutdatedRun[] =>
  db.all(
    `SELECT r.id, r.number, r.kind, r.finished_at AS finishedAt,
            (SELECT coalesce(sum(CASE WHEN a.log_removed_at IS NULL THEN a.log_bytes ELSE 0 END), 0)
               FROM lanes l JOIN lane_attempts a ON a.lane_id = l.id WHERE l.run_id = r.id) AS bytes
       FROM runs r JOIN repos p ON p.id = r.repo_id
      WHERE r.repo_id = :repoId AND r.finished_at < :before AND r.number < p.next_run - :keep AND NOT ${isNeededRun}
      ORDER BY r.finished_at, r.id LIMIT :limit`,
    { ...aged },
  );

export interface OutdatedRevision {
  branchId: number;
  number: number;
  headOid: string;
  settledAt: number;
}

/** Superseded revisions of branches that were merged or closed before a time, by branch. */
export const listOutdatedRevisions = (db: Db, aged: Aged): OutdatedRevision[] =>
  db.all(
    `SELECT rev.branch_id AS branchId, rev.number, rev.head_oid AS headOid, b.settled_at AS settledAt
       FROM branches b JOIN revisions rev ON rev.branch_id = b.id
      WHERE b.repo_id = :repoId AND b.state IN ('merged', 'closed') AND b.settled_at < :before
        AND rev.unpinned_at IS NULL AND NOT ${isNeededRevision}
      ORDER BY b.settled_at, rev.branch_id, rev.number LIMIT :limit`,
    { ...aged },
  );

/** What other systems said of commits, long ago; but for heads of branches, and where something landed. */
export const listOutdatedStatuses = (
  db: Db,
  aged: Aged,
): { oid: string; count: number; updatedAt: number }[] =>
  db.all(
    `SELECT s.oid, count(*) AS count, max(s.updated_at) AS updatedAt FROM commit_statuses s
      WHERE s.repo_id = :repoId
        AND NOT EXISTS (SELECT 1 FROM branches b WHERE b.repo_id = s.repo_id AND b.head_oid = s.oid AND b.state = 'open')
        AND NOT EXISTS (SELECT 1 FROM branches b WHERE b.repo_id = s.repo_id AND b.merge_oid = s.oid AND ${isLastLanded})
      GROUP BY s.oid HAVING max(s.updated_at) < :before ORDER BY updatedAt LIMIT :limit`,
    { ...aged },
  );

/** Of everything that is kept, by kind. */
export const sumKept = (db: Db): { kind: string; count: number; bytes: number }[] =>
  db.all(
    `SELECT 'log' AS kind, count(*) AS count, coalesce(sum(log_bytes), 0) AS bytes FROM lane_attempts
      WHERE log_removed_at IS NULL AND started_at IS NOT NULL
     UNION ALL SELECT 'artifacts', count(DISTINCT attempt_id), coalesce(sum(bytes), 0) FROM artifacts
     UNION ALL SELECT 'cache', count(*), coalesce(sum(bytes), 0) FROM ci_caches
     UNION ALL SELECT 'large file', count(*), coalesce(sum(size), 0) FROM lfs_objects
     UNION ALL SELECT 'run', count(*), 0 FROM runs
     UNION ALL SELECT 'revision', count(*), 0 FROM revisions WHERE unpinned_at IS NULL`,
  );

export function addRemoval(
  db: Db,
  removal: { day: string; kind: string; count: number; bytes: number },
): void {
  db.run(
    `INSERT INTO retention_removals (day, kind, count, bytes) VALUES (:day, :kind, :count, :bytes)
     ON CONFLICT (day, kind) DO UPDATE SET count = count + :count, bytes = bytes + :bytes`,
    removal,
  );
}

export const deleteRemovalsBefore = (db: Db, day: string): number =>
  db.run('DELETE FROM retention_removals WHERE day < :day', { day }).changes;

export const sumRemovals = (db: Db, since: string): { kind: string; count: number; bytes: number }[] =>
  db.all(
    `SELECT kind, sum(count) AS count, sum(bytes) AS bytes FROM retention_removals WHERE day >= :since
      GROUP BY kind ORDER BY kind`,
    { since },
  );
