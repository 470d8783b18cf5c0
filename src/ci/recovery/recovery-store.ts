// The SQL of recovery: claims that are fenced off by hand, waits that are cut short, the pause, and the health of
// targets as an operator resets it.
import type { Db } from '../../db/open.ts';

/** How a claim that was fenced off ends when its programs are gone; `requeued`: a new attempt follows it. */
export type WantedEnd = 'failed' | 'cancelled' | 'requeued';

/**
 * Takes a claim from its holder: the token grows, so the holder's next word is refused. The attempt counts as running
 * until its programs are gone. False: the claim is another one by now, or has ended.
 */
export function fenceOff(
  db: Db,
  claim: { id: number; token: number; wantedEnd: WantedEnd; wantedBy: number; message: string },
): boolean {
  const { changes } = db.run(
    `UPDATE lane_attempts SET state = 'cancelling', token = token + 1, wanted_end = :wantedEnd, wanted_by = :wantedBy,
            message = :message
      WHERE id = :id AND token = :token AND state IN ('running', 'cancelling')`,
    claim,
  );
  return changes === 1;
}

/** A lane that was to be queued anew is not wanted any more. False: it was not to be. */
export function dropRequeue(db: Db, claim: { id: number; message: string }): boolean {
  const { changes } = db.run(
    `UPDATE lane_attempts SET wanted_end = 'cancelled', message = :message
      WHERE id = :id AND state = 'cancelling' AND wanted_end = 'requeued'`,
    claim,
  );
  return changes === 1;
}

/** What somebody wanted of a claim that is fenced off; undefined when nobody took it from its holder. */
export function findWantedEnd(
  db: Db,
  attemptId: number,
): { wantedEnd: WantedEnd; wantedBy: number } | undefined {
  return db.get<{ wantedEnd: WantedEnd; wantedBy: number }>(
    `SELECT wanted_end AS wantedEnd, wanted_by AS wantedBy FROM lane_attempts
      WHERE id = :attemptId AND wanted_end IS NOT NULL`,
    { attemptId },
  );
}

/** Ends the wait of a queued attempt that is tried again after a failure. False: it does not wait for that. */
export function endBackoff(db: Db, attempt: { id: number; now: number }): boolean {
  const { changes } = db.run(
    `UPDATE lane_attempts SET not_before = NULL, reason = 'ready', reason_detail = NULL, reason_since = :now
      WHERE id = :id AND state = 'queued' AND not_before > :now`,
    attempt,
  );
  return changes === 1;
}

/** The number of a run of the nightly that has not ended. */
export const findUnfinishedNightly = (db: Db, nightly: { repoId: number; id: string }): number | undefined =>
  db.get<{ number: number }>(
    `SELECT number FROM runs WHERE repo_id = :repoId AND nightly = :id AND state IN ('queued', 'running') LIMIT 1`,
    nightly,
  )?.number;

export interface Pause {
  pausedAt: number;
  pausedBy: string | null;
  reason: string;
}

export function findPauseRow(db: Db): Pause | undefined {
  return db.get<Pause>(
    `SELECT p.paused_at AS pausedAt, p.reason, who.name AS pausedBy
       FROM ci_pause p LEFT JOIN accounts who ON who.id = p.paused_by WHERE p.id = 1`,
  );
}

/** False: it was paused already; the row stays as it was. */
export function insertPause(db: Db, pause: { now: number; by: number; reason: string }): boolean {
  const { changes } = db.run(
    `INSERT INTO ci_pause (id, paused_at, paused_by, reason) VALUES (1, :now, :by, :reason) ON CONFLICT DO NOTHING`,
    pause,
  );
  return changes === 1;
}

export const deletePause = (db: Db): boolean => db.run('DELETE FROM ci_pause', {}).changes === 1;

/** False: there is no such target, or nothing was against it. */
export function clearTargetRow(db: Db, target: { name: string; now: number }): boolean {
  const { changes } = db.run(
    `UPDATE ci_targets SET failures = 0, unhealthy_until = NULL, message = NULL, changed_at = :now
      WHERE name = :name AND (failures > 0 OR unhealthy_until IS NOT NULL)`,
    target,
  );
  return changes === 1;
}
