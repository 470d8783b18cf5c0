// Gives back what a dead forge or a dead thread left behind. A lane returns to the queue only after its
// programs are verified gone, so that it never runs twice at the same time.
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Forge } from '../../forge/open.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import { getAttempt } from '../find.ts';
import { isHeldByAgent } from '../scheduler/claim-offered.ts';
import { announce, endAttempt, finishAttempt, recomputeRun, type Change } from '../scheduler/finish.ts';
import { cookiePrefix, logFolder } from '../lanes/launch.ts';
import { listLive, requeueAttempt, type LiveLane } from '../scheduler/queue.ts';
import { findWantedEnd } from './recovery-store.ts';
import { insertAttempt } from '../attempt-store.ts';
import { killSurvivors } from '../lanes/survivors.ts';
import { listKept } from '../lanes/yield-store.ts';

type Claimed = Pick<LiveLane, 'attemptId' | 'laneId' | 'runId' | 'token' | 'state'>;

/**
 * At start, before the first pass: no thread of an earlier forge lives, so every claim of another owner is ended (its
 * programs by their cookies) and requeued, without waiting for its lease.
 */
export async function recoverAtStart(forge: Forge, owner: string): Promise<void> {
  const { paths } = forge.config;
  await killSurvivors(cookiePrefix(paths.data));
  const kept = new Set(listKept(forge.db).map(({ id, token }) => `${id}-${token}`));
  for (const name of readdirSync(paths.checkouts).filter((name) => !kept.has(name))) {
    await removeTree(join(paths.checkouts, name));
  }
  for (const lane of listLive(forge.db)) {
    // What an agent holds runs on elsewhere; only the end of its lease says that it does not.
    if (lane.owner !== owner && !isHeldByAgent(lane.owner))
      await reapLane(forge, lane, 'the forge was restarted while it ran');
  }
}

/**
 * Ends what is left of a claim that nobody holds any more. `running` is queued again; `cancelling` ends as cancelled, or as
 * whoever fenced it off wants it.
 */
export async function reapLane(forge: Forge, lane: Claimed, why: string): Promise<void> {
  // Of every claim of the attempt: the programs of one that was fenced off carry the token before it.
  const survivors = await killSurvivors(`${cookiePrefix(forge.config.paths.data)}${lane.attemptId}-`);
  keepLog(forge, lane);
  if (survivors.length > 0) {
    const message = `${survivors.length} of its programs could not be ended`;
    finishAttempt(forge, lane, { state: 'failed', failureKind: 'unkillable', message });
  } else if (lane.state === 'cancelling') endCancelling(forge, lane);
  else returnToQueue(forge, lane, why);
}

/** Ends a claim whose thread did not keep to the lane's limit; it is not queued again, because it had its time. */
export async function endOverdue(forge: Forge, lane: Claimed): Promise<void> {
  if (lane.state === 'running') {
    const message = 'took longer than its limit, and its thread did not end it';
    const survivors = await killSurvivors(`${cookiePrefix(forge.config.paths.data)}${lane.attemptId}-`);
    const failureKind = survivors.length > 0 ? 'unkillable' : 'timeout';
    finishAttempt(forge, lane, { state: 'failed', failureKind, message });
  } else await reapLane(forge, lane, 'its thread did not end it');
}

function endCancelling(forge: Forge, lane: Claimed): void {
  const changes = forge.db.transaction(() => {
    const attempt = getAttempt(forge, lane.attemptId);
    if (attempt.state !== 'cancelling' || attempt.token !== lane.token) return [];
    // The attempt that follows comes first, so that the lanes that need this one go on waiting for it.
    const wanted = findWantedEnd(forge.db, lane.attemptId);
    const followers = wanted?.wantedEnd === 'requeued' ? followAttempt(forge, lane, wanted.wantedBy) : [];
    const ended = endAttempt(forge, lane, { state: 'cancelled', failureKind: 'cancelled' });
    recomputeRun(forge, lane.runId);
    return [...ended, ...followers];
  });
  announce(forge, changes);
}

function followAttempt(forge: Forge, { laneId, runId }: Claimed, requestedBy: number): Change[] {
  const now = forge.clock.now();
  const attemptId = insertAttempt(forge.db, { laneId, now, requestedBy, cause: 'requeue' });
  return [{ runId, laneId, attemptId, state: 'queued' }];
}

/** The log of a claim that was fenced off lies under the token before; it is moved to where the attempt is looked for. */
function keepLog(forge: Forge, lane: Claimed): void {
  const folder = logFolder(forge, lane);
  const attempt = dirname(folder);
  if (findWantedEnd(forge.db, lane.attemptId) === undefined || existsSync(folder) || !existsSync(attempt))
    return;
  const tokens = readdirSync(attempt).map(Number);
  const last = Math.max(0, ...tokens.filter((token) => token < lane.token));
  if (last > 0) renameSync(join(attempt, String(last)), folder);
}

/** Puts a claimed lane back into the queue, fenced by its token. */
export function returnToQueue(forge: Forge, lane: Omit<Claimed, 'state'>, why: string): boolean {
  const { attemptId, laneId, runId, token } = lane;
  const isRequeued = forge.db.transaction(() => {
    const changed = requeueAttempt(forge.db, { id: attemptId, token, now: forge.clock.now(), detail: why });
    if (changed) recomputeRun(forge, runId);
    return changed;
  });
  if (isRequeued) announce(forge, [{ attemptId, laneId, runId, state: 'queued' }]);
  return isRequeued;
}
