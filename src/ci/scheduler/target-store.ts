// The SQL of the health of targets, as the scheduler counts it. What an operator resets is in recovery-store.ts.
import type { Db } from '../../db/open.ts';

export interface TargetHealth {
  name: string;
  failures: number;
  unhealthyUntil: number | null;
  /** The repository all of the failures in a row come from; null when several. */
  repoId: number | null;
  /** The lane that failed last. */
  lane: string | null;
}

const columns = 'name, failures, unhealthy_until AS unhealthyUntil, repo_id AS repoId, lane';

export const findTarget = (db: Db, name: string): TargetHealth | undefined =>
  db.get<TargetHealth>(`SELECT ${columns} FROM ci_targets WHERE name = :name`, { name });

export const listUnhealthy = (db: Db, now: number): (TargetHealth & { unhealthyUntil: number })[] =>
  db.all<TargetHealth & { unhealthyUntil: number }>(
    `SELECT ${columns} FROM ci_targets WHERE unhealthy_until > :now`,
    { now },
  );

export function saveTarget(db: Db, health: TargetHealth & { message: string | null; now: number }): void {
  db.run(
    `INSERT INTO ci_targets (name, failures, unhealthy_until, message, repo_id, lane, changed_at)
     VALUES (:name, :failures, :unhealthyUntil, :message, :repoId, :lane, :now)
     ON CONFLICT (name) DO UPDATE SET failures = :failures, unhealthy_until = :unhealthyUntil, message = :message,
            repo_id = :repoId, lane = :lane, changed_at = :now`,
    { ...health },
  );
}

/**
 * A lane came to its own end on its target. While one repository alone is kept away, the lanes of others say nothing
 * about it.
 */
export function recordSound(db: Db, sound: { laneId: number; now: number }): void {
  // Nearly always all are well, and asking costs less than a write that changes nothing.
  if (db.get('SELECT 1 FROM ci_targets WHERE failures > 0') === undefined) return;
  db.run(
    `UPDATE ci_targets SET failures = 0, unhealthy_until = NULL, message = NULL, repo_id = NULL, lane = NULL,
            changed_at = :now
      WHERE name = (SELECT target FROM lanes WHERE id = :laneId) AND failures > 0
        AND (unhealthy_until IS NULL OR repo_id IS NULL OR repo_id =
             (SELECT r.repo_id FROM lanes l JOIN runs r ON r.id = l.run_id WHERE l.id = :laneId))`,
    sound,
  );
}

/** Where a lane ran, for whoever counts its end. */
export const findPlaceOfLane = (db: Db, laneId: number) =>
  db.get<{ target: string; key: string; repoId: number; spec: string }>(
    `SELECT l.target, l.key, l.spec, r.repo_id AS repoId FROM lanes l JOIN runs r ON r.id = l.run_id
      WHERE l.id = :laneId`,
    { laneId },
  );
