// The SQL of runs, lanes and attempts as people see them. What the scheduler asks is in queue.ts.
import type { Db } from '../db/open.ts';
import { nodeOfOwner } from './agents/agent-owner.ts';
import type { LaneSpec } from './manifest/manifest.ts';
import {
  plainExtras,
  type Attempt,
  type AttemptCause,
  type AttemptState,
  type FailureKind,
  type Lane,
  type LaneExtras,
  type QueueReason,
  type Run,
  type RunState,
  type SkipCause,
} from './model.ts';

interface RunRow {
  id: number;
  repo_id: number;
  number: number;
  kind: Run['kind'];
  branch_id: number | null;
  revision: number | null;
  head_oid: string;
  tree_oid: string;
  base_oid: string | null;
  state: RunState;
  problem: string | null;
  created_at: number;
  finished_at: number | null;
  nightly: string | null;
  due_at: number | null;
  policy_oid: string | null;
  target: string | null;
  landing_branches: string | null;
}

interface AttemptRow {
  id: number;
  lane_id: number;
  number: number;
  state: AttemptState;
  reason: QueueReason | null;
  reason_detail: string | null;
  reason_since: number | null;
  token: number;
  lease_until: number | null;
  queued_at: number;
  started_at: number | null;
  first_output_at: number | null;
  finished_at: number | null;
  exit_code: number | null;
  signal: string | null;
  failure_kind: FailureKind | null;
  skip_cause: SkipCause | null;
  message: string | null;
  sandbox: string | null;
  owner: string | null;
  log_bytes: number;
  requested_by_name: string | null;
  not_before: number | null;
  cause: AttemptCause | null;
  kept_until: number | null;
  log_removed_at: number | null;
}

interface LaneRow extends AttemptRow {
  run_id: number;
  key: string;
  title: string;
  command: string;
  needs: string;
  group_name: string | null;
  required: number;
  timeout_seconds: number;
  idle_seconds: number;
  target: string;
  spec: string;
}

const runOfRow = (row: RunRow): Run => ({
  id: row.id,
  repoId: row.repo_id,
  number: row.number,
  kind: row.kind,
  branchId: row.branch_id ?? undefined,
  revision: row.revision ?? undefined,
  headOid: row.head_oid,
  treeOid: row.tree_oid,
  baseOid: row.base_oid ?? undefined,
  state: row.state,
  problem: row.problem ?? undefined,
  createdAt: row.created_at,
  finishedAt: row.finished_at ?? undefined,
  nightly: row.nightly ?? undefined,
  dueAt: row.due_at ?? undefined,
  policyOid: row.policy_oid ?? undefined,
  target: row.target ?? undefined,
  landingBranches: row.landing_branches === null ? [] : (JSON.parse(row.landing_branches) as string[]),
});

const attemptOfRow = (row: AttemptRow): Attempt => ({
  id: row.id,
  laneId: row.lane_id,
  number: row.number,
  state: row.state,
  reason: row.reason ?? undefined,
  reasonDetail: row.reason_detail ?? undefined,
  reasonSince: row.reason_since ?? undefined,
  token: row.token,
  leaseUntil: row.lease_until ?? undefined,
  queuedAt: row.queued_at,
  startedAt: row.started_at ?? undefined,
  firstOutputAt: row.first_output_at ?? undefined,
  finishedAt: row.finished_at ?? undefined,
  exitCode: row.exit_code ?? undefined,
  signal: row.signal ?? undefined,
  failureKind: row.failure_kind ?? undefined,
  skipCause: row.skip_cause ?? undefined,
  message: row.message ?? undefined,
  sandbox: row.sandbox ?? undefined,
  node: nodeOfOwner(row.owner),
  logBytes: row.log_bytes,
  requestedByName: row.requested_by_name ?? undefined,
  notBefore: row.not_before ?? undefined,
  cause: row.cause ?? undefined,
  keptUntil: row.kept_until ?? undefined,
  logRemovedAt: row.log_removed_at ?? undefined,
});

const laneOfRow = (row: LaneRow): Lane => ({
  id: row.lane_id,
  runId: row.run_id,
  key: row.key,
  title: row.title,
  command: JSON.parse(row.command) as Lane['command'],
  needs: JSON.parse(row.needs) as string[],
  group: row.group_name ?? undefined,
  required: row.required === 1,
  timeoutSeconds: row.timeout_seconds,
  idleSeconds: row.idle_seconds,
  target: row.target,
  extras: extrasOf(row.spec),
  attempt: attemptOfRow(row),
});

/** Rows of an older program hold an empty spec. */
const extrasOf = (spec: string): LaneExtras =>
  spec === '{}' ? plainExtras : { ...plainExtras, ...(JSON.parse(spec) as Partial<LaneExtras>) };

/** The newest run that has all the given values. */
export function findRunRow(
  db: Db,
  wanted: Partial<
    Record<'id' | 'repo_id' | 'number' | 'kind' | 'branch_id' | 'revision' | 'head_oid', number | string>
  >,
): Run | undefined {
  const terms = Object.keys(wanted).map((column) => `${column} = :${column}`);
  const row = db.get<RunRow>(
    `SELECT * FROM runs WHERE ${terms.join(' AND ')} ORDER BY id DESC LIMIT 1`,
    wanted,
  );
  return row && runOfRow(row);
}

export function listRunsOfBranch(db: Db, branchId: number): Run[] {
  return db
    .all<RunRow>('SELECT * FROM runs WHERE branch_id = :branchId ORDER BY id DESC LIMIT 200', { branchId })
    .map(runOfRow);
}

/** What pushes and people asked for, newest first. */
export const listRunsOfRepo = (db: Db, of: { repoId: number; limit: number }): Run[] =>
  db
    .all<RunRow>(
      `SELECT * FROM runs WHERE repo_id = :repoId AND kind = 'branch' ORDER BY number DESC LIMIT :limit`,
      of,
    )
    .map(runOfRow);

/** The runs of one nightly, newest first. */
export const listNightlyRuns = (db: Db, of: { repoId: number; id: string; limit: number }): Run[] =>
  db
    .all<RunRow>(
      'SELECT * FROM runs WHERE repo_id = :repoId AND nightly = :id ORDER BY due_at DESC, id DESC LIMIT :limit',
      of,
    )
    .map(runOfRow);

const selectLane = `SELECT a.*, l.run_id, l.key, l.title, l.command, l.needs, l.group_name, l.required,
         l.timeout_seconds, l.idle_seconds, l.target, l.spec, who.name AS requested_by_name
    FROM lanes l JOIN lane_attempts a ON a.lane_id = l.id
     AND a.number = (SELECT max(number) FROM lane_attempts WHERE lane_id = l.id)
    LEFT JOIN accounts who ON who.id = a.requested_by`;

export function listLaneRows(db: Db, runId: number): Lane[] {
  return db
    .all<LaneRow>(`${selectLane} WHERE l.run_id = :runId ORDER BY l.position`, { runId })
    .map(laneOfRow);
}

export function findLaneRow(db: Db, runId: number, key: string): Lane | undefined {
  const row = db.get<LaneRow>(`${selectLane} WHERE l.run_id = :runId AND l.key = :key`, { runId, key });
  return row && laneOfRow(row);
}

/** A lane that asks for the same as `laneId`, in another run of exactly the same files, whose newest attempt succeeded. */
export const findGreenTwin = (
  db: Db,
  of: { repoId: number; treeOid: string; laneId: number },
): { id: number } | undefined =>
  db.get<{ id: number }>(
    `SELECT twin.id FROM lanes own
       JOIN runs r ON r.repo_id = :repoId AND r.tree_oid = :treeOid
       JOIN lanes twin ON twin.run_id = r.id AND twin.key = own.key AND twin.id <> own.id
        AND twin.command = own.command AND twin.env = own.env AND twin.needs = own.needs
        AND twin.target = own.target AND twin.spec = own.spec
       JOIN lane_attempts a ON a.lane_id = twin.id
        AND a.number = (SELECT max(number) FROM lane_attempts WHERE lane_id = twin.id)
      WHERE own.id = :laneId AND a.state = 'success' LIMIT 1`,
    of,
  );

export function listAttemptRows(db: Db, laneId: number): Attempt[] {
  const rows = db.all<AttemptRow>(
    `SELECT a.*, who.name AS requested_by_name FROM lane_attempts a
       LEFT JOIN accounts who ON who.id = a.requested_by
      WHERE a.lane_id = :laneId ORDER BY a.number`,
    { laneId },
  );
  return rows.map(attemptOfRow);
}

export function findAttemptRow(db: Db, id: number): Attempt | undefined {
  const row = db.get<AttemptRow>(
    'SELECT a.*, NULL AS requested_by_name FROM lane_attempts a WHERE a.id = :id',
    { id },
  );
  return row && attemptOfRow(row);
}

/** Where an attempt belongs. */
export function findRunOfAttempt(db: Db, attemptId: number): Run | undefined {
  const row = db.get<RunRow>(
    `SELECT r.* FROM runs r JOIN lanes l ON l.run_id = r.id JOIN lane_attempts a ON a.lane_id = l.id
      WHERE a.id = :attemptId`,
    { attemptId },
  );
  return row && runOfRow(row);
}

export interface NewRun {
  repoId: number;
  number: number;
  kind: Run['kind'];
  branchId?: number;
  revision?: number;
  headOid: string;
  treeOid: string;
  baseOid?: string | undefined;
  state: RunState;
  problem: string | undefined;
  nightly?: string;
  dueAt?: number;
  policyOid?: string | undefined;
  target?: string;
  landingBranches?: string[];
  now: number;
}

export function insertRun(db: Db, run: NewRun): number {
  const { repoId, number, kind, headOid, treeOid, state, now } = run;
  return db.run(
    `INSERT INTO runs (repo_id, number, kind, branch_id, revision, head_oid, tree_oid, base_oid, state, problem,
                       created_at, finished_at, nightly, due_at, policy_oid, target, landing_branches)
     VALUES (:repoId, :number, :kind, :branchId, :revision, :headOid, :treeOid, :baseOid, :state, :problem, :now,
             CASE WHEN :state IN ('success', 'failed') THEN :now END, :nightly, :dueAt, :policyOid, :target, :names)`,
    {
      repoId,
      number,
      kind,
      headOid,
      treeOid,
      state,
      now,
      branchId: run.branchId ?? null,
      revision: run.revision ?? null,
      baseOid: run.baseOid ?? null,
      problem: run.problem ?? null,
      nightly: run.nightly ?? null,
      dueAt: run.dueAt ?? null,
      policyOid: run.policyOid ?? null,
      target: run.target ?? null,
      names: run.landingBranches === undefined ? null : JSON.stringify(run.landingBranches),
    },
  ).lastId;
}

export const countLanes = (db: Db, runId: number): number =>
  db.get<{ count: number }>('SELECT count(*) AS count FROM lanes WHERE run_id = :runId', { runId })?.count ??
  0;

export function insertLane(db: Db, runId: number, position: number, spec: LaneSpec): number {
  return db.run(
    `INSERT INTO lanes (run_id, position, key, title, command, env, needs, group_name, required,
                        timeout_seconds, idle_seconds, target, spec)
     VALUES (:runId, :position, :key, :title, :command, :env, :needs, :group, :required, :timeout, :idle, :target,
             :spec)`,
    {
      runId,
      position,
      key: spec.key,
      title: spec.title,
      command: JSON.stringify(spec.command),
      env: JSON.stringify(spec.env),
      needs: JSON.stringify(spec.needs),
      group: spec.group ?? null,
      required: spec.required ? 1 : 0,
      timeout: spec.timeoutSeconds,
      idle: spec.idleSeconds,
      target: spec.target,
      spec: JSON.stringify(spec.extras),
    },
  ).lastId;
}

export function updateRunState(
  db: Db,
  run: { id: number; state: RunState; finishedAt: number | undefined },
): void {
  db.run(
    `UPDATE runs SET state = :state, finished_at = :finishedAt
      WHERE id = :id AND (state <> :state OR finished_at IS NOT :finishedAt)`,
    { id: run.id, state: run.state, finishedAt: run.finishedAt ?? null },
  );
}

/** Writes what planning a run again found. */
export function updateRunPolicy(db: Db, run: { id: number; policyOid: string }): void {
  db.run('UPDATE runs SET policy_oid = :policyOid WHERE id = :id', { ...run });
}

export function updateRunPlan(
  db: Db,
  run: {
    id: number;
    state: RunState;
    treeOid: string;
    problem: string | undefined;
    policyOid: string | undefined;
    now: number;
  },
): void {
  const { id, state, treeOid, now } = run;
  db.run(
    `UPDATE runs SET tree_oid = :treeOid, state = :state, problem = :problem, policy_oid = :policyOid,
            finished_at = CASE WHEN :state IN ('success', 'failed') THEN :now END
      WHERE id = :id`,
    { id, state, treeOid, now, problem: run.problem ?? null, policyOid: run.policyOid ?? null },
  );
}
