// Cancelling ends what is queued at once and marks what runs as `cancelling`; the scheduler's next pass ends
// the programs, and the state changes only when they are verified gone.
import { recordAudit } from '../../accounts/audit.ts';
import type { Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { fullName, type Repo } from '../../repos/model.ts';
import { fenceLane } from './fence.ts';
import { getLane } from '../find.ts';
import { announce, endAttempt, recomputeRun, type Change } from '../scheduler/finish.ts';
import type { Run } from '../model.ts';
import { byWhom, requireActor } from './order.ts';
import {
  listOfSettledBranches,
  listUnfinishedOfRun,
  markCancelling,
  type UnfinishedAttempt,
} from '../scheduler/queue.ts';
import { dropRequeue } from './recovery-store.ts';

export interface CancelOrder {
  repo: Repo;
  run: Run;
  caller: Caller;
  lane?: string | undefined;
  /** Takes what runs from its threads, in place of asking them to end it. */
  force?: boolean | undefined;
  reason?: string | undefined;
}

/**
 * Cancels a run, or one lane of it. Refuses (`conflict`) when nothing of it is unfinished, `not_found` for a lane that the run does
 * not have. Asking again for a lane that is being cancelled is not refused; with `force` it waits for nobody any more.
 */
export function cancelRun(forge: Forge, order: CancelOrder): { cancelled: number } {
  const { repo, run, caller, lane: key, force = false, reason = '' } = order;
  const by = requireActor(forge, caller, { repo, right: 'write' });
  const lane = key === undefined ? undefined : getLane(forge, run, key);
  const changes = forge.db.transaction(() => {
    const unfinished = listUnfinishedOfRun(forge.db, run.id);
    const wanted = unfinished.filter(({ laneId }) => lane === undefined || laneId === lane.id);
    if (wanted.length === 0) {
      throw new ForgeError(
        'conflict',
        `Nothing of ${key ?? `run ${run.number}`} is queued or running any more.`,
      );
    }
    recordAudit(forge, caller, {
      action: force ? 'run.force-cancel' : 'run.cancel',
      subject: `${fullName(repo)} run ${run.number}`,
      detail: { lane: key ?? null, reason },
    });
    const message = byWhom('cancelled', by, reason);
    if (!force) return endQueuedOrMark(forge, wanted, message);
    const fenced = wanted.flatMap((attempt) =>
      attempt.state === 'queued' ? [] : fenceLane(forge, attempt, { wantedEnd: 'cancelled', by, message }),
    );
    const queued = wanted.filter(({ state }) => state === 'queued');
    return [...fenced, ...endQueuedOrMark(forge, queued, message)];
  });
  announce(forge, changes);
  return { cancelled: changes.length };
}

/** Cancels what is left of branches that were merged or closed. */
export function cancelSettled(forge: Forge): void {
  const left = listOfSettledBranches(forge.db);
  if (left.length === 0) return;
  const changes = forge.db.transaction(() =>
    left.flatMap((attempt) => endQueuedOrMark(forge, [attempt], `the branch was ${attempt.branchState}`)),
  );
  announce(forge, changes);
}

/** Inside the caller's transaction; the caller announces the changes. */
export function endQueuedOrMark(
  forge: Forge,
  attempts: readonly UnfinishedAttempt[],
  message: string,
): Change[] {
  const changes: Change[] = [];
  for (const { attemptId, laneId, runId, token, state } of attempts) {
    if (state === 'queued') {
      const ending = { state: 'cancelled', failureKind: 'cancelled', message } as const;
      changes.push(...endAttempt(forge, { attemptId, laneId, runId, token: undefined }, ending));
    } else if (
      markCancelling(forge.db, { id: attemptId, token, message }) ||
      dropRequeue(forge.db, { id: attemptId, message })
    ) {
      changes.push({ attemptId, laneId, runId, state: 'cancelling' });
    }
  }
  for (const runId of new Set(changes.map((change) => change.runId))) recomputeRun(forge, runId);
  return changes;
}
