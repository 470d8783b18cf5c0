// The SQL by which runs, attempts and what they left behind are forgotten. Which of them may go is decided by whoever calls.
import type { Db } from '../../db/open.ts';

/** False: the attempt has not ended, or its log is gone already. */
export const markLogRemoved = (db: Db, attempt: { id: number; now: number }): boolean =>
  db.run(
    `UPDATE lane_attempts SET log_removed_at = :now
      WHERE id = :id AND finished_at IS NOT NULL AND log_removed_at IS NULL`,
    attempt,
  ).changes === 1;

/** Only of attempts that have ended and are not the newest of their lane. */
export const deleteAttempt = (db: Db, id: number): boolean =>
  db.run(
    `DELETE FROM lane_attempts WHERE id = :id AND finished_at IS NOT NULL
        AND number < (SELECT max(o.number) FROM lane_attempts o WHERE o.lane_id = lane_attempts.lane_id)`,
    { id },
  ).changes === 1;

/** Only of runs that have ended; their lanes, attempts and results go with them. */
export const deleteRun = (db: Db, id: number): boolean =>
  db.run('DELETE FROM runs WHERE id = :id AND finished_at IS NOT NULL', { id }).changes === 1;

export const listAttemptIdsOfRun = (db: Db, runId: number): number[] =>
  db
    .all<{ id: number }>(
      'SELECT a.id FROM lanes l JOIN lane_attempts a ON a.lane_id = l.id WHERE l.run_id = :runId',
      { runId },
    )
    .map(({ id }) => id);

/** Tests of a repository of which no result is left. */
export function deleteForgottenTests(db: Db, repoId: number): void {
  db.run(
    `DELETE FROM tests WHERE repo_id = :repoId
        AND NOT EXISTS (SELECT 1 FROM test_history h WHERE h.test_id = tests.id)`,
    { repoId },
  );
}

export interface KnownAttempt {
  token: number;
  /** Whether its log is still there. */
  hasLog: 0 | 1;
  hasArtifacts: 0 | 1;
}

export const findKnownAttempt = (db: Db, id: number): KnownAttempt | undefined =>
  db.get(
    `SELECT a.token, a.log_removed_at IS NULL AS hasLog,
            EXISTS (SELECT 1 FROM artifacts f WHERE f.attempt_id = a.id) AS hasArtifacts
       FROM lane_attempts a WHERE a.id = :id`,
    { id },
  );
