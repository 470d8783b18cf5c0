// The SQL of what an operator sees of CI at once: what runs where, what waits and why, the health of the targets.
import type { Db } from '../db/open.ts';
import type { QueueReason, Run } from './model.ts';

// Spelled as in the partial index lane_attempts_live, as in queue.ts.
const live = `a.state IN ('queued', 'running', 'cancelling')`;

const selectPlace = `SELECT a.id AS attemptId, a.number AS attempt, a.state, a.token, l.key, l.target, l.group_name AS "group",
         r.number AS runNumber, r.kind, repos.owner, repos.name, b.name AS branch, b.number AS branchNumber`;
const fromPlace = `FROM lane_attempts a JOIN lanes l ON l.id = a.lane_id JOIN runs r ON r.id = l.run_id
    JOIN repos ON repos.id = r.repo_id LEFT JOIN branches b ON b.id = r.branch_id`;

interface Place {
  attemptId: number;
  attempt: number;
  token: number;
  key: string;
  target: string;
  group: string | null;
  runNumber: number;
  kind: Run['kind'];
  owner: string;
  name: string;
  branch: string | null;
  branchNumber: number | null;
}

export interface RunningRow extends Place {
  state: 'running' | 'cancelling';
  message: string | null;
  startedAt: number;
  leaseUntil: number | null;
  wantedEnd: string | null;
}

/** The longest running first. */
export const listRunning = (db: Db): RunningRow[] =>
  db.all<RunningRow>(
    `${selectPlace}, a.message, a.started_at AS startedAt, a.lease_until AS leaseUntil, a.wanted_end AS wantedEnd
     ${fromPlace} WHERE a.state IN ('running', 'cancelling') AND ${live} ORDER BY a.started_at, a.id`,
  );

export interface WaitingRow extends Place {
  state: 'queued';
  reason: QueueReason;
  reasonDetail: string | null;
  reasonSince: number;
  queuedAt: number;
}

/** The longest waiting first. */
export const listWaiting = (db: Db, limit: number): WaitingRow[] =>
  db.all<WaitingRow>(
    `${selectPlace}, a.reason, a.reason_detail AS reasonDetail, a.reason_since AS reasonSince, a.queued_at AS queuedAt
     ${fromPlace} WHERE a.state = 'queued' AND ${live} ORDER BY a.queued_at, a.id LIMIT :limit`,
    { limit },
  );

/** How many lanes wait for which reason. */
export const countReasons = (db: Db): { reason: QueueReason; count: number }[] =>
  db.all<{ reason: QueueReason; count: number }>(
    `SELECT a.reason, count(*) AS count FROM lane_attempts a WHERE a.state = 'queued' AND ${live}
      GROUP BY a.reason ORDER BY count DESC, a.reason`,
  );

export interface TargetRow {
  name: string;
  failures: number;
  unhealthyUntil: number | null;
  message: string | null;
  changedAt: number;
  /** The one repository whose lanes alone are kept away. */
  owner: string | null;
  repo: string | null;
}

export const listTargetRows = (db: Db): TargetRow[] =>
  db.all<TargetRow>(
    `SELECT t.name, t.failures, t.unhealthy_until AS unhealthyUntil, t.message, t.changed_at AS changedAt,
            repos.owner, repos.name AS repo
       FROM ci_targets t LEFT JOIN repos ON repos.id = t.repo_id ORDER BY t.name`,
  );
