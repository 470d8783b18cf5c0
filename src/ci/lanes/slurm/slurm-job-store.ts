// The SQL of the jobs that lanes were offered to Slurm as. A job is *current* while it belongs to its attempt, and
// *watched* until Slurm has it no more.
import type { Db } from '../../../db/open.ts';
import type { AttemptState, QueueReason } from '../../model.ts';
import type { LiveLane } from '../../scheduler/queue.ts';

/** Why a job no longer belongs to its attempt; `lost`: its node is to be avoided. */
export type JobEnding = 'over' | 'refused' | 'broken' | 'lost' | 'withdrawn';

/** A job that Slurm may still have, and what its attempt is now. */
export interface WatchedJob {
  id: number;
  attemptId: number;
  laneId: number;
  runId: number;
  target: string;
  jobId: number | null;
  /** Of the claim that its agent took. */
  token: number | null;
  node: string | null;
  submittedAt: number;
  releasedAt: number | null;
  ending: JobEnding | null;
  state: AttemptState;
  /** Why it waits, while it is queued, and since when. */
  reason: QueueReason | null;
  reasonSince: number | null;
  attemptToken: number;
  leaseUntil: number | null;
}

export const insertJob = (db: Db, job: { attemptId: number; target: string; now: number }): number =>
  db.run('INSERT INTO slurm_jobs (attempt_id, target, submitted_at) VALUES (:attemptId, :target, :now)', job)
    .lastId;

const selectJob = `SELECT j.id, j.attempt_id AS attemptId, l.id AS laneId, l.run_id AS runId, j.target, j.job_id AS jobId, j.token,
         j.node, j.submitted_at AS submittedAt, j.released_at AS releasedAt, j.ending, a.state, a.reason,
         a.reason_since AS reasonSince, a.token AS attemptToken, a.lease_until AS leaseUntil
    FROM slurm_jobs j JOIN lane_attempts a ON a.id = j.attempt_id JOIN lanes l ON l.id = a.lane_id`;

export const listWatched = (db: Db): WatchedJob[] =>
  db.all<WatchedJob>(`${selectJob} WHERE j.gone_at IS NULL ORDER BY j.id`);

export const findJob = (db: Db, id: number): WatchedJob | undefined =>
  db.get<WatchedJob>(`${selectJob} WHERE j.id = :id`, { id });

export const findCurrentJob = (db: Db, attemptId: number): WatchedJob | undefined =>
  db.get<WatchedJob>(`${selectJob} WHERE j.attempt_id = :attemptId AND j.released_at IS NULL`, { attemptId });

/**
 * Queued attempts that Slurm has; they hold their place and their group as if they ran. `CROSS JOIN` has SQLite begin with
 * the index of current jobs, which are as many as Slurm has, and not with the attempts.
 */
export const listOffered = (db: Db): LiveLane[] =>
  db.all<LiveLane>(
    `SELECT a.id AS attemptId, l.id AS laneId, r.id AS runId, r.repo_id AS repoId, r.branch_id AS branchId, a.token,
            'running' AS state, a.owner, a.lease_until AS leaseUntil, l.group_name AS "group", l.target, l.key,
            r.number AS runNumber, j.submitted_at AS startedAt, l.timeout_seconds AS timeoutSeconds
       FROM slurm_jobs j CROSS JOIN lane_attempts a ON a.id = j.attempt_id
       JOIN lanes l ON l.id = a.lane_id JOIN runs r ON r.id = l.run_id
      WHERE j.released_at IS NULL AND a.state = 'queued'`,
  );

export function noteSubmitted(db: Db, job: { id: number; jobId: number }): void {
  db.run('UPDATE slurm_jobs SET job_id = :jobId WHERE id = :id AND job_id IS NOT :jobId', job);
}

export function noteNode(db: Db, job: { id: number; node: string }): void {
  db.run('UPDATE slurm_jobs SET node = :node WHERE id = :id AND node IS NOT :node', job);
}

/** The agent of the attempt's current job has taken the claim. */
export function noteClaimed(db: Db, claim: { attemptId: number; token: number }): void {
  db.run('UPDATE slurm_jobs SET token = :token WHERE attempt_id = :attemptId AND released_at IS NULL', claim);
}

/** The job belongs to its attempt no longer. False: it did not already. */
export function releaseJob(db: Db, job: { id: number; now: number; ending: JobEnding }): boolean {
  const { changes } = db.run(
    'UPDATE slurm_jobs SET released_at = :now, ending = :ending WHERE id = :id AND released_at IS NULL',
    job,
  );
  return changes === 1;
}

/** Slurm has it no more, or never had. */
export function noteGone(db: Db, job: { id: number; now: number }): void {
  db.run('UPDATE slurm_jobs SET gone_at = :now WHERE id = :id AND gone_at IS NULL', job);
}

/** How many jobs of an attempt ended, one way or the other, without a result. */
export const countFruitless = (db: Db, attemptId: number): number =>
  db.get<{ count: number }>(
    `SELECT count(*) AS count FROM slurm_jobs WHERE attempt_id = :attemptId AND ending IN ('broken', 'lost')`,
    { attemptId },
  )?.count ?? 0;

/** The nodes that lost this lane, in this attempt or an earlier one. */
export const listLostNodes = (db: Db, of: { attemptId: number; since: number }): string[] =>
  db
    .all<{ node: string }>(
      `SELECT DISTINCT j.node FROM lane_attempts own JOIN lane_attempts a ON a.lane_id = own.lane_id
         JOIN slurm_jobs j ON j.attempt_id = a.id
        WHERE own.id = :attemptId AND j.ending = 'lost' AND j.node IS NOT NULL AND j.released_at > :since
        ORDER BY j.node`,
      of,
    )
    .map(({ node }) => node);

/** Jobs that have been gone for long say nothing to anybody. */
export const forgetJobs = (db: Db, goneBefore: number): void => {
  db.run('DELETE FROM slurm_jobs WHERE gone_at < :goneBefore', { goneBefore });
};
