// A rerun is a new attempt with its provenance; the old one and its log stay. Rerunning a lane also queues
// again what was skipped because of it.
import { recordAudit } from '../../accounts/audit.ts';
import type { Account, Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { fullName, type Repo } from '../../repos/model.ts';
import { listLanes } from '../find.ts';
import { announce, recomputeRun, type Change } from '../scheduler/finish.ts';
import { hasEnded, satisfiesGate, type Lane, type Run } from '../model.ts';
import { refuseSettled, requireActor } from './order.ts';
import { insertAttempt } from '../attempt-store.ts';

export type RerunScope = { lane: string } | 'failed' | 'all';

/**
 * Queues new attempts. Refuses (`conflict`) when nothing can be rerun: the lane has not ended, its needed lane has not
 * succeeded, nothing failed, or the branch is settled; `not_found` for a lane that the run does not have.
 */
export function rerunLanes(
  forge: Forge,
  order: { repo: Repo; run: Run; caller: Caller; scope: RerunScope; reason?: string | undefined },
): { queued: string[] } {
  const { repo, run, caller, scope, reason = '' } = order;
  const by = requireActor(forge, caller, { repo, right: 'write' });
  refuseSettled(forge, run);
  const { changes, keys } = forge.db.transaction(() => {
    const lanes = listLanes(forge, run.id);
    const again = queueAgain(forge, { run, lanes, chosen: chooseLanes(lanes, { run, scope }), by });
    recordAudit(forge, caller, {
      action: 'run.rerun',
      subject: `${fullName(repo)} run ${run.number}`,
      detail: { lanes: again.keys, reason },
    });
    return again;
  });
  announce(forge, changes);
  return { queued: keys };
}

/**
 * Inside the caller's transaction: new attempts of the chosen lanes, and of those that were skipped because of them. What
 * nobody asked for is a retry.
 */
export function queueAgain(
  forge: Forge,
  order: { run: Run; lanes: Lane[]; chosen: Lane[]; by: Account | undefined },
): { changes: Change[]; keys: string[] } {
  const { run, lanes, chosen, by } = order;
  const now = forge.clock.now();
  const again = withDependents(lanes, chosen);
  const changes = again.map((lane): Change => {
    const why =
      by === undefined ? { cause: 'retry' as const } : { requestedBy: by.id, cause: 'rerun' as const };
    const attemptId = insertAttempt(forge.db, { laneId: lane.id, now, ...why });
    return { runId: run.id, laneId: lane.id, attemptId, state: 'queued' };
  });
  recomputeRun(forge, run.id);
  return { changes, keys: again.map((lane) => lane.key) };
}

function chooseLanes(lanes: Lane[], { run, scope }: { run: Run; scope: RerunScope }): Lane[] {
  const ended = lanes.filter((lane) => hasEnded(lane.attempt.state));
  if (typeof scope === 'object') return [chooseLane(lanes, { run, key: scope.lane })];
  const isLeftOut = (lane: Lane) => lane.attempt.skipCause === 'path_filter';
  const chosen = ended.filter((lane) => (scope === 'all' ? !isLeftOut(lane) : !satisfiesGate(lane.attempt)));
  if (chosen.length === 0) {
    const what = scope === 'all' ? 'No lane has ended yet' : 'No lane failed';
    throw new ForgeError('conflict', `${what} in run ${run.number}; there is nothing to rerun.`);
  }
  return chosen;
}

function chooseLane(lanes: Lane[], { run, key }: { run: Run; key: string }): Lane {
  const lane = lanes.find((candidate) => candidate.key === key);
  if (lane === undefined) throw new ForgeError('not_found', `Run ${run.number} has no lane "${key}".`);
  if (!hasEnded(lane.attempt.state)) {
    throw new ForgeError(
      'conflict',
      `The lane ${key} is ${lane.attempt.state}; cancel it first, or wait for its end.`,
    );
  }
  const unmet = lanes.find(
    ({ key, attempt }) => lane.needs.includes(key) && hasEnded(attempt.state) && !satisfiesGate(attempt),
  );
  if (unmet !== undefined) {
    throw new ForgeError(
      'conflict',
      `The lane ${key} needs ${unmet.key}, which did not succeed; rerun ${unmet.key} first.`,
    );
  }
  return lane;
}

function withDependents(lanes: Lane[], chosen: Lane[]): Lane[] {
  const keys = new Set(chosen.map((lane) => lane.key));
  let grew = true;
  while (grew) {
    const more = lanes.filter(
      ({ key, needs, attempt }) =>
        !keys.has(key) && attempt.skipCause === 'dependency_failed' && needs.some((need) => keys.has(need)),
    );
    for (const { key } of more) keys.add(key);
    grew = more.length > 0;
  }
  return lanes.filter((lane) => keys.has(lane.key));
}
