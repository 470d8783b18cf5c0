import { recordAudit } from '../../accounts/audit.ts';
import type { Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { fullName, type Repo } from '../../repos/model.ts';
import { fenceLane } from './fence.ts';
import { getLane } from '../find.ts';
import { announce, recomputeRun, type Change } from '../scheduler/finish.ts';
import { hasEnded, type Lane, type Run } from '../model.ts';
import { byWhom, refuseSettled, requireActor } from './order.ts';
import { endBackoff } from './recovery-store.ts';

/**
 * Puts a lane that hangs back into the queue. One that runs is taken from its thread: its attempt ends as cancelled when its
 * programs are gone, and a new attempt follows. One that waits to be tried again waits no longer. Needs the right
 * `maintain`. Refuses (`conflict`) a lane that has ended, that waits for something else, or whose branch is settled.
 */
export function requeueLane(
  forge: Forge,
  order: { repo: Repo; run: Run; caller: Caller; lane: string; reason: string },
): void {
  const { repo, run, caller, lane: key, reason } = order;
  const by = requireActor(forge, caller, { repo, right: 'maintain' });
  refuseSettled(forge, run);
  const changes = forge.db.transaction(() => {
    const lane = getLane(forge, run, key);
    refuseEnded(lane);
    recordAudit(forge, caller, {
      action: 'lane.requeue',
      subject: `${fullName(repo)} run ${run.number} ${key}`,
      detail: { attempt: lane.attempt.number, was: lane.attempt.state, reason },
    });
    const changed =
      lane.attempt.state === 'queued'
        ? hastenLane(forge, lane)
        : fenceLane(forge, claimOf(lane), {
            wantedEnd: 'requeued',
            by,
            message: byWhom('requeued', by, reason),
          });
    recomputeRun(forge, run.id);
    return changed;
  });
  announce(forge, changes);
}

const claimOf = ({ id: laneId, runId, attempt }: Lane) => ({
  attemptId: attempt.id,
  laneId,
  runId,
  token: attempt.token,
});

function refuseEnded({ key, attempt }: Lane): void {
  if (!hasEnded(attempt.state)) return;
  throw new ForgeError(
    'conflict',
    `The lane ${key} has ended: ${attempt.state}. To run it once more, rerun it.`,
  );
}

/** Inside the caller's transaction. Refuses a lane that does not wait to be tried again. */
export function hastenLane(forge: Forge, lane: Lane): Change[] {
  const { id: attemptId, reason = 'ready', reasonDetail } = lane.attempt;
  if (!endBackoff(forge.db, { id: attemptId, now: forge.clock.now() })) {
    const why = reason.replaceAll('_', ' ') + (reasonDetail === undefined ? '' : `, ${reasonDetail}`);
    throw new ForgeError(
      'conflict',
      `The lane ${lane.key} is in the queue already: ${why}. Requeue a lane that runs and hangs.`,
    );
  }
  return [{ runId: lane.runId, laneId: lane.id, attemptId, state: 'queued' }];
}
