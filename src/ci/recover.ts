// Gives back what a dead forge or a dead thread left behind. A lane returns to the queue only after its
// programs are verified gone, so that it never runs twice at the same time.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Forge } from '../forge/open.ts';
import { announce, finishAttempt, recomputeRun } from './finish.ts';
import { attemptCookie, cookiePrefix } from './launch.ts';
import { listLive, requeueAttempt, type LiveLane } from './queue.ts';
import { killSurvivors } from './survivors.ts';

/**
 * At start, before the first pass: no thread of an earlier forge lives, so every claim of another owner is ended (its
 * programs by their cookies) and requeued, without waiting for its lease.
 */
export async function recoverAtStart(forge: Forge, owner: string): Promise<void> {
  const { paths } = forge.config;
  await killSurvivors(cookiePrefix(paths.data));
  for (const name of readdirSync(paths.checkouts)) {
    rmSync(join(paths.checkouts, name), { recursive: true, force: true, maxRetries: 3 });
  }
  for (const lane of listLive(forge.db)) {
    if (lane.owner !== owner) await reapLane(forge, lane, 'the forge was restarted while it ran');
  }
}

/** Ends what is left of a claim that nobody holds any more; `cancelling` ends as cancelled, `running` is queued again. */
export async function reapLane(
  forge: Forge,
  lane: Pick<LiveLane, 'attemptId' | 'laneId' | 'runId' | 'token' | 'state'>,
  why: string,
): Promise<void> {
  const survivors = await killSurvivors(attemptCookie(forge.config.paths.data, lane));
  if (survivors.length > 0) {
    const message = `${survivors.length} of its programs could not be ended`;
    finishAttempt(forge, lane, { state: 'failed', failureKind: 'unkillable', message });
  } else if (lane.state === 'cancelling') {
    finishAttempt(forge, lane, { state: 'cancelled', failureKind: 'cancelled' });
  } else requeueLane(forge, lane, why);
}

/** Puts a claimed lane back into the queue, fenced by its token. */
export function requeueLane(
  forge: Forge,
  lane: Pick<LiveLane, 'attemptId' | 'laneId' | 'runId' | 'token'>,
  why: string,
): boolean {
  const { attemptId, laneId, runId, token } = lane;
  const isRequeued = forge.db.transaction(() => {
    const changed = requeueAttempt(forge.db, { id: attemptId, token, now: forge.clock.now(), detail: why });
    if (changed) recomputeRun(forge, runId);
    return changed;
  });
  if (isRequeued) announce(forge, [{ attemptId, laneId, runId, state: 'queued' }]);
  return isRequeued;
}
