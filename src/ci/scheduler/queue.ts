// The SQL of the scheduler: what waits, what runs, claims and leases. Every write by a claim's holder is
// fenced by its token; no changed row means that the claim is lost.
import type { Db } from '../../db/open.ts';
import type { AttemptState, QueueReason, Run, SkipCause } from '../model.ts';

// Spelled as in the partial index lane_attempts_live: SQLite uses it only for a term that it finds word by word.
const live = `a.state IN ('queued', 'running', 'cancelling')`;

/** As the row is: a pass looks at all of them, and must not make a thousand objects twice. */
export interface QueuedLane {
  attemptId: number;
  laneId: number;
  runId: number;
  repoId: number;
  branchId: number | null;
  kind: Run['kind'];
  runNumber: number;
  key: string;
  /** JSON: a list of keys. */
  needs: string;
  group: string | null;
  target: string;
  queuedAt: number;
  /** A retry is not claimed earlier. */
  notBefore: number | null;
  reason: QueueReason;
  reasonDetail: string | null;
  reasonSince: number;
}

/** What a lane that needs nothing and is in no group has been told, and would be told again. */
export interface Told {
  target: string;
  reason: QueueReason;
  detail: string;
}

/**
 * Oldest first; without those that only wait for one of the given things and know it already. In a long queue these are
 * nearly all, and a pass that finds nothing free has nothing to do with them.
 */
export const listQueued = (db: Db, told: readonly Told[] = []): QueuedLane[] =>
  db.all<QueuedLane>(
    `SELECT a.id AS attemptId, l.id AS laneId, r.id AS runId, r.repo_id AS repoId, r.branch_id AS branchId, r.kind,
            r.number AS runNumber, l.key, l.needs, l.group_name AS "group", l.target, a.queued_at AS queuedAt,
            a.not_before AS notBefore, a.reason, a.reason_detail AS reasonDetail, a.reason_since AS reasonSince
       FROM lane_attempts a JOIN lanes l ON l.id = a.lane_id JOIN runs r ON r.id = l.run_id
      WHERE a.state = 'queued' AND ${live}
        AND NOT (l.needs = '[]' AND l.group_name IS NULL AND coalesce(
              json_array(l.target, a.reason, a.reason_detail) IN (SELECT value FROM json_each(:told)), 0))
      ORDER BY a.queued_at, a.id`,
    {
      told: JSON.stringify(
        told.map(({ target, reason, detail }) => JSON.stringify([target, reason, detail])),
      ),
    },
  );

/** What the newest attempts of a run's lanes are, without all that is only shown. */
export interface LaneState {
  laneId: number;
  attemptId: number;
  key: string;
  /** JSON: a list of keys. */
  needs: string;
  required: number;
  state: AttemptState;
  skipCause: SkipCause | null;
}

export const listLaneStates = (db: Db, runId: number): LaneState[] =>
  db.all<LaneState>(
    `SELECT l.id AS laneId, a.id AS attemptId, l.key, l.needs, l.required, a.state, a.skip_cause AS skipCause
       FROM lanes l JOIN lane_attempts a ON a.lane_id = l.id
        AND a.number = (SELECT max(number) FROM lane_attempts WHERE lane_id = l.id)
      WHERE l.run_id = :runId`,
    { runId },
  );

export const findAttemptState = (db: Db, id: number) =>
  db.get<{ state: AttemptState; message: string | null }>(
    'SELECT state, message FROM lane_attempts WHERE id = :id',
    { id },
  );

export interface LiveLane {
  attemptId: number;
  laneId: number;
  runId: number;
  repoId: number;
  branchId: number | null;
  token: number;
  state: 'running' | 'cancelling';
  owner: string | null;
  leaseUntil: number | null;
  group: string | null;
  target: string;
  key: string;
  runNumber: number;
  startedAt: number;
  timeoutSeconds: number;
}

export function listLive(db: Db): LiveLane[] {
  return db.all<LiveLane>(
    `SELECT a.id AS attemptId, l.id AS laneId, r.id AS runId, r.repo_id AS repoId, r.branch_id AS branchId, a.token,
            a.state, a.owner, a.lease_until AS leaseUntil, l.group_name AS "group", l.target, l.key,
            r.number AS runNumber, a.started_at AS startedAt, l.timeout_seconds AS timeoutSeconds
       FROM lane_attempts a JOIN lanes l ON l.id = a.lane_id JOIN runs r ON r.id = l.run_id
      WHERE a.state IN ('running', 'cancelling') AND ${live} ORDER BY a.id`,
  );
}

/** Lane-milliseconds that each branch (0: none) of each repository used since a time. */
export function listUsage(db: Db, times: { since: number; now: number }) {
  return db.all<{ repoId: number; branchId: number; used: number }>(
    `SELECT r.repo_id AS repoId, coalesce(r.branch_id, 0) AS branchId,
            sum(coalesce(a.finished_at, :now) - a.started_at) AS used
       FROM lane_attempts a JOIN lanes l ON l.id = a.lane_id JOIN runs r ON r.id = l.run_id
      WHERE a.started_at > :since GROUP BY r.repo_id, r.branch_id`,
    times,
  );
}

/** Takes a queued attempt; the new token, or undefined when it is no longer queued. */
export function claimAttempt(
  db: Db,
  claim: { id: number; owner: string; now: number; leaseUntil: number; sandbox: string },
): number | undefined {
  return db.get<{ token: number }>(
    `UPDATE lane_attempts SET state = 'running', token = token + 1, owner = :owner, lease_until = :leaseUntil,
            started_at = :now, sandbox = :sandbox, reason = NULL, reason_detail = NULL, reason_since = NULL, message = NULL,
            first_output_at = NULL, log_bytes = 0
      WHERE id = :id AND state = 'queued' RETURNING token`,
    claim,
  )?.token;
}

export interface Fence {
  id: number;
  token: number;
}

const fenced = `WHERE id = :id AND token = :token AND state IN ('running', 'cancelling')`;

export function extendLease(db: Db, fence: Fence & { leaseUntil: number; logBytes: number }): boolean {
  const sql = `UPDATE lane_attempts SET lease_until = :leaseUntil, log_bytes = :logBytes ${fenced}`;
  return db.run(sql, { ...fence }).changes === 1;
}

export function stampFirstOutput(db: Db, fence: Fence & { now: number }): boolean {
  const sql = `UPDATE lane_attempts SET first_output_at = :now ${fenced} AND first_output_at IS NULL`;
  return db.run(sql, { ...fence }).changes === 1;
}

export function setLogBytes(db: Db, fence: Fence & { logBytes: number }): boolean {
  return db.run(`UPDATE lane_attempts SET log_bytes = :logBytes ${fenced}`, { ...fence }).changes === 1;
}

/** Marks a running attempt to be ended; it counts as running until its processes are gone. */
export function markCancelling(db: Db, fence: Fence & { message: string }): boolean {
  const sql = `UPDATE lane_attempts SET state = 'cancelling', message = :message
                WHERE id = :id AND token = :token AND state = 'running'`;
  return db.run(sql, { ...fence }).changes === 1;
}

/** Gives a lost claim back to the queue; its token stays and grows with the next claim. */
export function requeueAttempt(db: Db, fence: Fence & { now: number; detail: string }): boolean {
  const sql = `UPDATE lane_attempts SET state = 'queued', reason = 'lease_expired', reason_detail = :detail,
                      reason_since = :now, owner = NULL, lease_until = NULL, started_at = NULL, first_output_at = NULL
                WHERE id = :id AND token = :token AND state = 'running'`;
  return db.run(sql, { ...fence }).changes === 1;
}

export function setReason(
  db: Db,
  change: { id: number; reason: QueueReason; detail: string | undefined; now: number },
): void {
  db.run(
    `UPDATE lane_attempts SET reason_since = CASE WHEN reason = :reason THEN reason_since ELSE :now END,
            reason = :reason, reason_detail = :detail
      WHERE id = :id AND state = 'queued'`,
    { ...change, detail: change.detail ?? null },
  );
}

/** The open branches whose newest revision has no run yet, oldest push first. */
export function listRevisionsWithoutRun(db: Db) {
  return db.all<{ branchId: number; repoId: number; revision: number }>(
    `SELECT b.id AS branchId, b.repo_id AS repoId, b.revision FROM branches b
      WHERE b.state = 'open' AND b.broken_reason IS NULL
        AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.branch_id = b.id AND r.revision = b.revision AND r.kind = 'branch')
      ORDER BY b.updated_at LIMIT 100`,
  );
}

export interface UnfinishedAttempt {
  attemptId: number;
  laneId: number;
  runId: number;
  token: number;
  state: Extract<AttemptState, 'queued' | 'running' | 'cancelling'>;
}

const selectUnfinished = `SELECT a.id AS attemptId, l.id AS laneId, r.id AS runId, a.token, a.state
    FROM lane_attempts a JOIN lanes l ON l.id = a.lane_id JOIN runs r ON r.id = l.run_id`;

// What runs or will: also what is to be queued anew once its programs are gone.
const isOnItsWay = `(a.state IN ('queued', 'running') OR a.wanted_end = 'requeued')`;

// What is to run on although its branch moved on or was settled; only what runs, not what still waits.
const isKept = `(a.state = 'running' AND json_extract(l.spec, '$.keepRunning') IS TRUE)`;

/** Queued and running attempts of the runs of a branch before `revision`, but for those that are to run on. */
export function listSuperseded(db: Db, branchId: number, revision: number): UnfinishedAttempt[] {
  return db.all<UnfinishedAttempt>(
    `${selectUnfinished} WHERE r.branch_id = :branchId AND r.kind = 'branch' AND r.revision < :revision
        AND ${isOnItsWay} AND NOT ${isKept} AND ${live}`,
    { branchId, revision },
  );
}

export function listUnfinishedOfRun(db: Db, runId: number): UnfinishedAttempt[] {
  return db.all<UnfinishedAttempt>(`${selectUnfinished} WHERE r.id = :runId AND ${live}`, { runId });
}

/** Queued and running attempts of branches that were merged or closed, but for those that are to run on. */
export function listOfSettledBranches(db: Db): (UnfinishedAttempt & { branchState: string })[] {
  return db.all<UnfinishedAttempt & { branchState: string }>(
    `SELECT a.id AS attemptId, l.id AS laneId, r.id AS runId, a.token, a.state, b.state AS branchState
       FROM lane_attempts a JOIN lanes l ON l.id = a.lane_id JOIN runs r ON r.id = l.run_id
       JOIN branches b ON b.id = r.branch_id
      WHERE a.state IN ('queued', 'running') AND ${live} AND b.state <> 'open' AND NOT ${isKept}`,
  );
}

/** What a lane thread must be told beyond the claim itself. */
export interface LaunchRow {
  key: string;
  title: string;
  command: string;
  env: string;
  timeoutSeconds: number;
  idleSeconds: number;
  number: number;
  runId: number;
  runNumber: number;
  headOid: string;
  baseOid: string | null;
  repoId: number;
  branchId: number | null;
}

export function getLaunchRow(db: Db, attemptId: number): LaunchRow | undefined {
  return db.get<LaunchRow>(
    `SELECT l.key, l.title, l.command, l.env, l.timeout_seconds AS timeoutSeconds, l.idle_seconds AS idleSeconds,
            a.number, r.id AS runId, r.number AS runNumber, r.head_oid AS headOid, r.base_oid AS baseOid,
            r.repo_id AS repoId, r.branch_id AS branchId
       FROM lane_attempts a JOIN lanes l ON l.id = a.lane_id JOIN runs r ON r.id = l.run_id
      WHERE a.id = :attemptId`,
    { attemptId },
  );
}
