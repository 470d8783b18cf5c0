// The SQL of the queue's entries and its pauses. Every change of an entry says which state it changes; no changed row
// means that somebody else was first.
import type { Db } from '../../db/open.ts';
import type { MergeMethod } from '../../repos/model.ts';
import type { GateHold } from '../model.ts';
import type { LandingEndCause, LandingReason, LandingState } from './model.ts';

export interface Landing {
  id: number;
  repoId: number;
  branchId: number;
  /** Without refs/heads/. */
  target: string;
  headOid: string;
  revision: number;
  method: MergeMethod | undefined;
  message: string | undefined;
  actorId: number;
  credential: string;
  priority: number;
  state: LandingState;
  reason: LandingReason | undefined;
  reasonDetail: string | undefined;
  reasonSince: number | undefined;
  holds: GateHold[];
  candidateId: number | undefined;
  /** Entries of one part are tested together and with nobody else: half of a candidate that failed. */
  part: number | undefined;
  retries: number;
  enqueuedAt: number;
  deadlineAt: number;
  endedAt: number | undefined;
  endCause: LandingEndCause | undefined;
  endMessage: string | undefined;
  endWayOut: string | undefined;
  endRunId: number | undefined;
  endLane: string | undefined;
  aheadId: number | undefined;
  mergeOid: string | undefined;
  endedBy: number | undefined;
}

type Nullable<Type> = {
  [Key in keyof Type]: undefined extends Type[Key] ? NonNullable<Type[Key]> | null : Type[Key];
};
type LandingRow = Omit<Nullable<Landing>, 'holds'> & { holds: string };

const columns = `id, repo_id AS repoId, branch_id AS branchId, target, head_oid AS headOid, revision, method, message,
  actor_id AS actorId, credential, priority, state, reason, reason_detail AS reasonDetail, reason_since AS reasonSince,
  holds, candidate_id AS candidateId, part, retries, enqueued_at AS enqueuedAt, deadline_at AS deadlineAt,
  ended_at AS endedAt, end_cause AS endCause, end_message AS endMessage, end_way_out AS endWayOut,
  end_run_id AS endRunId, end_lane AS endLane, ahead_id AS aheadId, merge_oid AS mergeOid, ended_by AS endedBy`;

// Spelled as in the partial indexes: SQLite uses them only for a term that it finds word by word.
const live = `state IN ('waiting', 'queued', 'testing', 'landing')`;

function landingOf(row: LandingRow): Landing {
  const plain = Object.fromEntries(Object.entries(row).map(([key, value]) => [key, value ?? undefined]));
  return { ...(plain as unknown as Landing), holds: JSON.parse(row.holds) as GateHold[] };
}

export interface NewLanding {
  repoId: number;
  branchId: number;
  target: string;
  headOid: string;
  revision: number;
  method: MergeMethod | undefined;
  message: string | undefined;
  actorId: number;
  credential: string;
  priority: number;
  state: 'waiting' | 'queued';
  reason: LandingReason;
  holds: readonly GateHold[];
  deadlineAt: number;
  now: number;
}

export function insertLanding(db: Db, landing: NewLanding): number {
  return db.run(
    `INSERT INTO landings (repo_id, branch_id, target, head_oid, revision, method, message, actor_id, credential, priority,
                           state, reason, reason_since, holds, enqueued_at, deadline_at)
     VALUES (:repoId, :branchId, :target, :headOid, :revision, :method, :message, :actorId, :credential, :priority,
             :state, :reason, :now, :holds, :now, :deadlineAt)`,
    {
      ...landing,
      method: landing.method ?? null,
      message: landing.message ?? null,
      holds: JSON.stringify(landing.holds),
    },
  ).lastId;
}

export function findLandingRow(db: Db, id: number): Landing | undefined {
  const row = db.get<LandingRow>(`SELECT ${columns} FROM landings WHERE id = :id`, { id });
  return row && landingOf(row);
}

/** The newest entry of a branch, live or ended. */
export function findLandingOfBranch(db: Db, branchId: number): Landing | undefined {
  const row = db.get<LandingRow>(
    `SELECT ${columns} FROM landings WHERE branch_id = :branchId ORDER BY id DESC LIMIT 1`,
    { branchId },
  );
  return row && landingOf(row);
}

/** What has not ended, in the order in which it lands: by priority, then as it came. */
export const listLiveLandings = (db: Db, repoId: number): Landing[] =>
  db
    .all<LandingRow>(
      `SELECT ${columns} FROM landings WHERE repo_id = :repoId AND ${live} ORDER BY priority DESC, id`,
      { repoId },
    )
    .map(landingOf);

export const countLiveLandings = (db: Db, repoId: number): number =>
  db.get<{ count: number }>(`SELECT count(*) AS count FROM landings WHERE repo_id = :repoId AND ${live}`, {
    repoId,
  })?.count ?? 0;

/** Repositories in which something is to land, or is being tested for it. */
export const listQueueRepos = (db: Db): number[] =>
  db
    .all<{ repoId: number }>(
      `SELECT DISTINCT repo_id AS repoId FROM landings WHERE ${live}
       UNION SELECT DISTINCT repo_id FROM landing_candidates WHERE state IN ('testing', 'landing')`,
    )
    .map(({ repoId }) => repoId);

/** Newest first. */
export const listEndedLandings = (db: Db, repoId: number, limit: number): Landing[] =>
  db
    .all<LandingRow>(
      `SELECT ${columns} FROM landings WHERE repo_id = :repoId AND ended_at IS NOT NULL
        ORDER BY ended_at DESC, id DESC LIMIT :limit`,
      { repoId, limit },
    )
    .map(landingOf);

/** What landed on a target since a moment, oldest first. */
export const listLandedSince = (
  db: Db,
  where: { repoId: number; target: string; since: number; limit: number },
): { branchId: number; mergeOid: string }[] =>
  db.all(
    `SELECT branch_id AS branchId, merge_oid AS mergeOid FROM merges
      WHERE repo_id = :repoId AND target = :target AND state = 'done' AND finished_at >= :since
      ORDER BY id LIMIT :limit`,
    where,
  );

export interface Step {
  id: number;
  /** What it must be now. */
  from: LandingState;
  /** The candidate that holds it now; null: none. */
  ofCandidate: number | null;
  to: LandingState;
  reason: LandingReason;
  detail?: string | undefined;
  holds?: readonly GateHold[];
  candidateId?: number | undefined;
  part?: number | undefined;
  now: number;
}

/** Moves an entry on, or back; `reason_since` stays while the reason does. */
export function moveLanding(db: Db, step: Step): boolean {
  const { changes } = db.run(
    `UPDATE landings SET state = :to, reason_since = CASE WHEN reason = :reason AND state = :to THEN reason_since ELSE :now END,
            reason = :reason, reason_detail = :detail, holds = :holds, candidate_id = :candidateId, part = :part
      WHERE id = :id AND state = :from AND candidate_id IS :ofCandidate`,
    {
      id: step.id,
      from: step.from,
      ofCandidate: step.ofCandidate,
      to: step.to,
      reason: step.reason,
      detail: step.detail ?? null,
      holds: JSON.stringify(step.holds ?? []),
      candidateId: step.candidateId ?? null,
      part: step.part ?? null,
      now: step.now,
    },
  );
  return changes === 1;
}

/** Says why an entry is not further, in the state that it has. False: it says so already. */
export function explainLanding(
  db: Db,
  change: { id: number; state: LandingState; reason: LandingReason; detail: string | undefined; now: number },
): boolean {
  const { changes } = db.run(
    `UPDATE landings SET reason_since = CASE WHEN reason = :reason THEN reason_since ELSE :now END,
            reason = :reason, reason_detail = :detail
      WHERE id = :id AND state = :state AND (reason IS NOT :reason OR reason_detail IS NOT :detail)`,
    { ...change, detail: change.detail ?? null },
  );
  return changes === 1;
}

export interface LandingEnd {
  id: number;
  state: 'landed' | 'evicted' | 'cancelled';
  cause: LandingEndCause;
  message: string;
  wayOut: string;
  runId?: number | undefined;
  lane?: string | undefined;
  aheadId?: number | undefined;
  mergeOid?: string | undefined;
  by?: number | undefined;
  now: number;
}

/** The one statement that ends an entry; `from` are the states in which it may. */
export function endLandingRow(db: Db, end: LandingEnd, from: readonly LandingState[]): boolean {
  const { changes } = db.run(
    `UPDATE landings SET state = :state, end_cause = :cause, end_message = :message, end_way_out = :wayOut,
            end_run_id = :runId, end_lane = :lane, ahead_id = :aheadId, merge_oid = :mergeOid, ended_by = :by,
            ended_at = :now, reason = NULL, reason_detail = NULL, holds = '[]'
      WHERE id = :id AND ${live} AND state IN (SELECT value FROM json_each(:from))`,
    {
      ...end,
      runId: end.runId ?? null,
      lane: end.lane ?? null,
      aheadId: end.aheadId ?? null,
      mergeOid: end.mergeOid ?? null,
      by: end.by ?? null,
      from: JSON.stringify(from),
    },
  );
  return changes === 1;
}

/** Takes what waits to another target, with the revision that its branch has there. */
export const aimLanding = (
  db: Db,
  aim: { id: number; from: string; to: string; revision: number },
): boolean =>
  db.run(
    `UPDATE landings SET target = :to, revision = :revision WHERE id = :id AND target = :from AND state = 'waiting'`,
    aim,
  ).changes === 1;

/** False: it has ended, or is being landed. */
export const setPriority = (db: Db, id: number, priority: number): boolean =>
  db.run(
    `UPDATE landings SET priority = :priority WHERE id = :id AND state IN ('waiting', 'queued', 'testing')`,
    { id, priority },
  ).changes === 1;

export interface LandingPause {
  repoId: number;
  pausedAt: number;
  pausedBy: string | undefined;
  reason: string;
}

export function findLandingPause(db: Db, repoId: number): LandingPause | undefined {
  const row = db.get<{ repoId: number; pausedAt: number; pausedBy: string | null; reason: string }>(
    `SELECT p.repo_id AS repoId, p.paused_at AS pausedAt, who.name AS pausedBy, p.reason
       FROM landing_pauses p LEFT JOIN accounts who ON who.id = p.paused_by WHERE p.repo_id = :repoId`,
    { repoId },
  );
  return row && { ...row, pausedBy: row.pausedBy ?? undefined };
}

/** False: it is paused already. */
export const insertLandingPause = (
  db: Db,
  pause: { repoId: number; now: number; by: number; reason: string },
): boolean =>
  db.run(
    `INSERT INTO landing_pauses (repo_id, paused_at, paused_by, reason) VALUES (:repoId, :now, :by, :reason)
     ON CONFLICT DO NOTHING`,
    pause,
  ).changes === 1;

/** Ends a pause, and gives back to every entry the time that it took. False: there is none. */
export function deleteLandingPause(db: Db, repoId: number, now: number): boolean {
  const pause = findLandingPause(db, repoId);
  if (pause === undefined) return false;
  db.run(
    `UPDATE landings SET deadline_at = deadline_at + :now - max(enqueued_at, :pausedAt) WHERE repo_id = :repoId AND ${live}`,
    { repoId, now, pausedAt: pause.pausedAt },
  );
  return db.run('DELETE FROM landing_pauses WHERE repo_id = :repoId', { repoId }).changes === 1;
}
