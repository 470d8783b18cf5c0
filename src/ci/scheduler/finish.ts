// The one place that completes an attempt, skips the lanes that needed it, and recomputes the run.
// A claim is fenced by its token: whoever lost it may report, but changes nothing.
import type { Forge } from '../../forge/open.ts';
import { getRun } from '../find.ts';
import { hasEnded, satisfiesGate, type AttemptState, type FailureKind, type SkipCause } from '../model.ts';
import { findAttemptState, listLaneStates, type LaneState } from './queue.ts';
import { findWantedEnd } from '../recovery/recovery-store.ts';
import { retryLane } from './retry.ts';
import { runStateOf } from './run-state.ts';
import { endAttemptRow } from '../attempt-store.ts';
import { updateRunState } from '../store.ts';
import { noteTarget } from './target-health.ts';

export interface Ending {
  state: 'success' | 'failed' | 'cancelled' | 'skipped';
  exitCode?: number | undefined;
  signal?: string | undefined;
  failureKind?: FailureKind | undefined;
  skipCause?: SkipCause | undefined;
  message?: string | undefined;
  /** Runs in the transaction that ended the attempt, and only when it did: for what the end brings with it. */
  alongside?: (() => void) | undefined;
}

/** Which attempt ends; `token` is that of the claim, undefined for an attempt that is still queued. */
export interface EndedAttempt {
  attemptId: number;
  laneId: number;
  runId: number;
  token: number | undefined;
}

/** What changed in a transaction, to be announced after it has committed. */
export interface Change {
  runId: number;
  laneId: number;
  attemptId: number;
  state: AttemptState;
}

/**
 * Ends an attempt. False: the claim was lost, or it had ended; nothing was written. Does not wait for the disk: after a power
 * cut no program of the lane lives, and it runs again. Whatever builds on the end, as a merge does, brings it to the disk.
 */
export function finishAttempt(forge: Forge, attempt: EndedAttempt, ending: Ending): boolean {
  const changes = forge.db.relaxedTransaction(() => {
    const ended = endAttempt(forge, attempt, ending);
    if (ended.length > 0) {
      ending.alongside?.();
      recomputeRun(forge, attempt.runId);
    }
    return ended;
  });
  announce(forge, changes);
  return changes.length > 0;
}

/** As `finishAttempt`, inside the caller's transaction: the caller recomputes the run and announces. */
export function endAttempt(forge: Forge, attempt: EndedAttempt, given: Ending): Change[] {
  const ending = settleEnding(forge, attempt, given);
  const ended = endAttemptRow(forge.db, {
    id: attempt.attemptId,
    token: attempt.token,
    now: forge.clock.now(),
    state: ending.state,
    exitCode: ending.exitCode ?? null,
    signal: ending.signal ?? null,
    failureKind: ending.failureKind ?? null,
    skipCause: ending.skipCause ?? null,
    message: ending.message ?? null,
  });
  if (!ended) return [];
  const { runId, laneId, attemptId } = attempt;
  const hasRun = attempt.token !== undefined;
  if (hasRun) noteTarget(forge, laneId, ending);
  // Before the lanes that need this one are looked at: they go on waiting for an attempt that follows.
  const retryId = hasRun ? retryLane(forge, attempt, ending.failureKind) : undefined;
  const retried: Change[] =
    retryId === undefined ? [] : [{ runId, laneId, attemptId: retryId, state: 'queued' }];
  const skipped = ending.state === 'success' ? [] : skipDependents(forge, attempt);
  return [{ runId, laneId, attemptId, state: ending.state }, ...retried, ...skipped];
}

// Who cancelled a lane wants it cancelled, even when its program ended by itself in the same moment; who marked it
// failed wants it failed.
function settleEnding(forge: Forge, { attemptId, token }: EndedAttempt, ending: Ending): Ending {
  const attempt = token === undefined ? undefined : findAttemptState(forge.db, attemptId);
  if (attempt?.state !== 'cancelling' || ending.failureKind === 'unkillable') return ending;
  const { exitCode, signal } = ending;
  const wanted = findWantedEnd(forge.db, attemptId)?.wantedEnd;
  const state = wanted === 'failed' ? ('failed' as const) : ('cancelled' as const);
  const failureKind = wanted === 'failed' || wanted === 'requeued' ? 'operator' : 'cancelled';
  return { state, failureKind, exitCode, signal, message: attempt.message ?? undefined };
}

function skipDependents(forge: Forge, ended: EndedAttempt): Change[] {
  const { runId } = ended;
  const lanes = listLaneStates(forge.db, runId);
  const cause = lanes.find((lane) => lane.laneId === ended.laneId);
  if (cause === undefined || !hasEnded(cause.state) || isMet(cause)) return [];
  const dependents = lanes.filter(
    ({ needs, state }) => state === 'queued' && (JSON.parse(needs) as string[]).includes(cause.key),
  );
  const message = `needs ${cause.key}, which ended ${cause.state}`;
  return dependents.flatMap(({ laneId, attemptId }) =>
    endAttempt(
      forge,
      { attemptId, laneId, runId, token: undefined },
      { state: 'skipped', skipCause: 'dependency_failed', message },
    ),
  );
}

const isMet = ({ state, skipCause }: LaneState): boolean =>
  satisfiesGate({ state, skipCause: skipCause ?? undefined });

/** Writes the run's state as its lanes' newest attempts say; part of the transaction that changed one of them. */
export function recomputeRun(forge: Forge, runId: number): void {
  const lanes = listLaneStates(forge.db, runId).map(({ required, state, skipCause }) => ({
    required: required === 1,
    attempt: { state, skipCause: skipCause ?? undefined },
  }));
  const state = runStateOf(lanes);
  const isOver = state !== 'queued' && state !== 'running';
  updateRunState(forge.db, { id: runId, state, finishedAt: isOver ? forge.clock.now() : undefined });
}

/** Tells everybody what a committed transaction changed. */
export function announce(forge: Forge, changes: readonly Change[]): void {
  const runs = new Map(
    [...new Set(changes.map((change) => change.runId))].map((id) => [id, getRun(forge, id)]),
  );
  for (const { runId, laneId, attemptId, state } of changes) {
    const run = runs.get(runId);
    if (run === undefined) continue;
    const { repoId, branchId } = run;
    forge.events.emit('lane-changed', { repoId, branchId, runId, laneId, attemptId, state });
  }
  const ended = new Set(changes.filter((change) => hasEnded(change.state)).map((change) => change.runId));
  for (const run of runs.values()) {
    if (!ended.has(run.id) || run.finishedAt === undefined) continue;
    const { id: runId, repoId, branchId, state } = run;
    forge.events.emit('run-finished', { repoId, branchId, runId, state });
  }
}
