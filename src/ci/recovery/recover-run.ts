// What is wrong with a run and is not the fault of the code it tests is put right: a run that could not be planned is
// planned again, lanes that failed for another reason than their tests run again, waits for a retry end.
import { recordAudit } from '../../accounts/audit.ts';
import type { Account, Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { fullName, type Repo } from '../../repos/model.ts';
import { getRun, listLanes } from '../find.ts';
import { announce, recomputeRun, type Change } from '../scheduler/finish.ts';
import { hasEnded, type FailureKind, type Lane, type Run } from '../model.ts';
import { refuseSettled, requireActor } from './order.ts';
import { planAgain } from '../scheduler/plan-again.ts';
import { endBackoff } from './recovery-store.ts';
import { queueAgain } from './rerun.ts';
import { runStateOf } from '../scheduler/run-state.ts';

export interface Recovered {
  /** Whether the run was planned again, because it could not be before. */
  planned: boolean;
  /** The lanes that were queued again. */
  queued: string[];
  /** The lanes that waited for a retry, and wait no longer. */
  hastened: string[];
}

interface Recovery {
  repo: Repo;
  run: Run;
  caller: Caller;
  reason: string;
}

// A failure that says nothing of the code: the machine, the claim or the programs around it failed.
const notOfTheCode: readonly (FailureKind | undefined)[] = ['infrastructure', 'lost', 'unkillable'];

/** Whether a person would call the lane stuck or wronged, rather than red. */
export const isRecoverable = ({ attempt }: Lane, now: number): boolean =>
  attempt.state === 'queued'
    ? (attempt.notBefore ?? 0) > now
    : attempt.state === 'failed' && notOfTheCode.includes(attempt.failureKind);

/**
 * Needs the right `write`. Refuses (`conflict`) a run that has nothing of this kind, or whose branch is settled. A plan that
 * fails once more is no refusal: the run says why.
 */
export async function recoverRun(forge: Forge, order: Recovery): Promise<Recovered> {
  const { repo, run, caller } = order;
  const by = requireActor(forge, caller, { repo, right: 'write' });
  refuseSettled(forge, run);
  if (run.problem !== undefined) {
    await planAgain(forge, run);
    recordRecovery(forge, order, { problem: run.problem });
    return { planned: true, queued: [], hastened: [] };
  }
  const { changes, recovered } = forge.db.transaction(() => recoverLanes(forge, order, by));
  announce(forge, changes);
  return recovered;
}

function recoverLanes(
  forge: Forge,
  order: Recovery,
  by: Account,
): { changes: Change[]; recovered: Recovered } {
  const { run } = order;
  const now = forge.clock.now();
  const lanes = listLanes(forge, run.id);
  const chosen = lanes.filter((lane) => isRecoverable(lane, now));
  const isMisstated = runStateOf(lanes) !== getRun(forge, run.id).state;
  if (chosen.length === 0 && !isMisstated) throw nothingToRecover(run, lanes);
  const waiting = chosen.filter((lane) => endBackoff(forge.db, { id: lane.attempt.id, now }));
  const failed = chosen.filter((lane) => hasEnded(lane.attempt.state));
  const again = queueAgain(forge, { run, lanes, chosen: failed, by });
  recomputeRun(forge, run.id);
  const hastened = waiting.map(({ key }) => key);
  recordRecovery(forge, order, { queued: again.keys, hastened });
  const changes = waiting.map((lane): Change => ({
    runId: run.id,
    laneId: lane.id,
    attemptId: lane.attempt.id,
    state: 'queued',
  }));
  return {
    changes: [...changes, ...again.changes],
    recovered: { planned: false, queued: again.keys, hastened },
  };
}

function nothingToRecover(run: Run, lanes: readonly Lane[]): ForgeError {
  const isOver = lanes.every(({ attempt }) => hasEnded(attempt.state));
  const wayOut = isOver
    ? 'To run it once more, rerun it.'
    : 'A lane that hangs can be requeued or marked failed; the reason of one that waits says for what.';
  return new ForgeError(
    'conflict',
    `Run ${run.number} has nothing to recover: no lane failed for another reason than its own command. ${wayOut}`,
  );
}

function recordRecovery(forge: Forge, { repo, run, caller, reason }: Recovery, found: object): void {
  recordAudit(forge, caller, {
    action: 'run.recover',
    subject: `${fullName(repo)} run ${run.number}`,
    detail: { ...found, reason },
  });
}
