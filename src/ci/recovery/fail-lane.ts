import { recordAudit } from '../../accounts/audit.ts';
import type { Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { fullName, type Repo } from '../../repos/model.ts';
import { fenceLane } from './fence.ts';
import { getLane } from '../find.ts';
import { announce, endAttempt, recomputeRun } from '../scheduler/finish.ts';
import { hasEnded, type Run } from '../model.ts';
import { byWhom, requireActor } from './order.ts';

/**
 * Gives a lane its verdict by hand: `failed` with the kind `operator`. One that waits ends at once; one that runs is taken
 * from its thread, and ends as soon as its programs are gone. Needs the right `maintain`. Refuses (`conflict`) a lane that
 * has ended, and `not_found` one that the run does not have.
 */
export function failLane(
  forge: Forge,
  order: { repo: Repo; run: Run; caller: Caller; lane: string; reason: string },
): void {
  const { repo, run, caller, lane: key, reason } = order;
  const by = requireActor(forge, caller, { repo, right: 'maintain' });
  const message = byWhom('marked failed', by, reason);
  const changes = forge.db.transaction(() => {
    const lane = getLane(forge, run, key);
    const { id: attemptId, state, token } = lane.attempt;
    if (hasEnded(state)) {
      throw new ForgeError(
        'conflict',
        `The lane ${key} has ended already: ${state}. An attempt is not changed afterwards; rerun the lane for another one.`,
      );
    }
    recordAudit(forge, caller, {
      action: 'lane.fail',
      subject: `${fullName(repo)} run ${run.number} ${key}`,
      detail: { attempt: lane.attempt.number, was: state, reason },
    });
    const claim = { attemptId, laneId: lane.id, runId: run.id, token };
    const ended =
      state === 'queued'
        ? endAttempt(
            forge,
            { ...claim, token: undefined },
            { state: 'failed', failureKind: 'operator', message },
          )
        : fenceLane(forge, claim, { wantedEnd: 'failed', by, message });
    recomputeRun(forge, run.id);
    return ended;
  });
  announce(forge, changes);
}
