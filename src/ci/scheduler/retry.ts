// Tries a failed lane again when its manifest asks for that kind of failure: a new attempt, held back for a while that
// doubles. The failed attempt stays as it is, and says by its follower that it was tried again.
import { getBranch } from '../../branches/find.ts';
import type { Forge } from '../../forge/open.ts';
import { getRun, listAttempts } from '../find.ts';
import type { Attempt, FailureKind, LaneExtras } from '../model.ts';
import { insertAttempt } from '../attempt-store.ts';
import { findPlaceOfLane } from './target-store.ts';

/** Part of the transaction that ended the attempt: the id of the attempt that follows, or undefined. */
export function retryLane(
  forge: Forge,
  ended: { attemptId: number; laneId: number; runId: number },
  failureKind: FailureKind | undefined,
): number | undefined {
  if (failureKind === undefined) return undefined;
  const spec = findPlaceOfLane(forge.db, ended.laneId)?.spec ?? '{}';
  if (!spec.includes('"retry":{"')) return undefined;
  const most = (JSON.parse(spec) as LaneExtras).retry[failureKind] ?? 0;
  if (most === 0) return undefined;
  const attempts = listAttempts(forge, ended.laneId);
  // Who put the lane back into the queue by hand has queued the attempt that follows already.
  if (attempts.at(-1)?.id !== ended.attemptId) return undefined;
  const tries = currentTries(attempts);
  const used = tries.filter((attempt) => attempt.failureKind === failureKind).length;
  if (used > most || !isWanted(forge, ended.runId)) return undefined;
  const { retrySeconds, maxRetrySeconds } = forge.config.ci;
  const waitSeconds = Math.min(retrySeconds * 2 ** (tries.length - 1), maxRetrySeconds);
  const now = forge.clock.now();
  const { laneId } = ended;
  return insertAttempt(forge.db, { laneId, now, cause: 'retry', notBefore: now + waitSeconds * 1000 });
}

/** The attempts since a person or a push asked for one. */
function currentTries(attempts: readonly Attempt[]): readonly Attempt[] {
  const first = attempts.findLastIndex(({ cause }) => cause !== 'retry');
  return attempts.slice(Math.max(first, 0));
}

/** What a newer head took over, or what belongs to a settled branch, is not tried again. */
function isWanted(forge: Forge, runId: number): boolean {
  const run = getRun(forge, runId);
  if (run.branchId === undefined) return true;
  const branch = getBranch(forge, run.branchId);
  return branch.state === 'open' && branch.revision === run.revision;
}
