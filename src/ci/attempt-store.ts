// The attempts of lanes, as they begin and end.
import type { Db } from '../db/open.ts';
import type { AttemptCause, FailureKind, SkipCause } from './model.ts';

export interface NewAttempt {
  laneId: number;
  now: number;
  /** Left out: queued. What a path filter leaves out, or what is green already at the same tree, never runs. */
  ended?: { state: 'skipped' | 'success'; message: string };
  requestedBy?: number;
  /** Left out: what a person asked for is a rerun, everything else came with a push. */
  cause?: AttemptCause;
  /** Holds a retry back. */
  notBefore?: number;
}

export function insertAttempt(db: Db, attempt: NewAttempt): number {
  const { laneId, now, ended, requestedBy, notBefore } = attempt;
  const reason = notBefore === undefined ? 'ready' : 'retry_backoff';
  return db.run(
    `INSERT INTO lane_attempts (lane_id, number, state, reason, reason_since, queued_at, finished_at, skip_cause,
                                message, requested_by, cause, not_before)
     SELECT :laneId, coalesce(max(number), 0) + 1, :state, :reason, :now, :now, :finishedAt, :skipCause, :message, :by,
            :cause, :notBefore
       FROM lane_attempts WHERE lane_id = :laneId`,
    {
      laneId,
      now,
      state: ended?.state ?? 'queued',
      reason: ended ? null : reason,
      finishedAt: ended ? now : null,
      skipCause: ended?.state === 'skipped' ? 'path_filter' : null,
      message: ended?.message ?? null,
      by: requestedBy ?? null,
      cause: attempt.cause ?? (requestedBy === undefined ? 'push' : 'rerun'),
      notBefore: notBefore ?? null,
    },
  ).lastId;
}

export interface EndRow {
  id: number;
  /** The token of the claim that ends; undefined ends an attempt that is still queued. */
  token: number | undefined;
  now: number;
  state: 'success' | 'failed' | 'cancelled' | 'skipped';
  exitCode: number | null;
  signal: string | null;
  failureKind: FailureKind | null;
  skipCause: SkipCause | null;
  message: string | null;
}

/** The one statement that ends an attempt. False: the claim is lost, or the attempt is no longer queued. */
export function endAttemptRow(db: Db, { token, ...end }: EndRow): boolean {
  const fence =
    token === undefined ? `state = 'queued'` : `token = :token AND state IN ('running', 'cancelling')`;
  const { changes } = db.run(
    `UPDATE lane_attempts SET state = :state, exit_code = :exitCode, signal = :signal, failure_kind = :failureKind,
            skip_cause = :skipCause, message = coalesce(:message, message), finished_at = :now,
            reason = NULL, reason_detail = NULL, lease_until = NULL
      WHERE id = :id AND ${fence}`,
    token === undefined ? end : { ...end, token },
  );
  return changes === 1;
}
