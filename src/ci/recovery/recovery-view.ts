// What a person may do about a run or a lane that is stuck, for the panel on their pages.
import { getBranch } from '../../branches/find.ts';
import type { Forge } from '../../forge/open.ts';
import { includesRight } from '../../repos/model.ts';
import { rightOn } from '../../repos/rights.ts';
import { runOf } from '../find.ts';
import { hasEnded, type Lane, type Run } from '../model.ts';
import { findPause } from '../scheduler/pause.ts';
import { isRecoverable } from './recover-run.ts';
import type { Pause } from './recovery-store.ts';
import { runStateOf } from '../scheduler/run-state.ts';
import type { ShownLane, ShownRun } from '../shown-run.ts';

interface Action {
  /** The last part of its address. */
  verb: 'recover-run' | 'run-again' | 'requeue-lane' | 'fail-lane' | 'cancel';
  title: string;
  /** What happens then, in a sentence. */
  meaning: string;
  look: '' | 'primary' | 'danger';
  isForced: boolean;
}

export interface RecoveryPanel {
  /** What holds every lane that waits here. */
  pause: Pause | undefined;
  actions: Action[];
  /** The lane that the actions are about; undefined on the page of a run. */
  lane: string | undefined;
  /** Shown unfolded: a person is likely to have come for it. */
  isOpen: boolean;
}

const isLive = ({ attempt }: Lane): boolean => attempt.state === 'running' || attempt.state === 'cancelling';

/** Undefined when there is nothing to do or to tell. */
export function runRecovery(forge: Forge, shown: ShownRun): RecoveryPanel | undefined {
  const { run, lanes } = shown;
  const actions: Action[] = [];
  if (mayBringBack(forge, shown)) {
    if (isUnwell(forge, run, lanes)) actions.push(recoverAction(run));
    const again = againAction(forge, run);
    if (again !== undefined) actions.push(again);
  }
  if (holds(forge, shown, 'write') && lanes.some(isLive))
    actions.push(forceAction('The programs of its lanes'));
  return panelOf(forge, { actions, waiting: lanes, lane: undefined, isOpen: isUnwell(forge, run, lanes) });
}

/** As `runRecovery`, for the newest attempt of a lane. */
export function laneRecovery(forge: Forge, shown: ShownLane): RecoveryPanel | undefined {
  const { lane, isNewest } = shown;
  if (!isNewest || hasEnded(lane.attempt.state)) return undefined;
  const { state, notBefore = 0 } = lane.attempt;
  const isBackedOff = state === 'queued' && notBefore > forge.clock.now();
  const actions: Action[] = [];
  if (holds(forge, shown, 'maintain')) {
    if (mayBringBack(forge, shown) && (isBackedOff || isLive(lane))) actions.push(requeueAction(isBackedOff));
    actions.push(failAction(lane));
  }
  if (holds(forge, shown, 'write') && isLive(lane)) actions.push(forceAction('Its programs'));
  return panelOf(forge, { actions, waiting: [lane], lane: lane.key, isOpen: state === 'cancelling' });
}

function panelOf(
  forge: Forge,
  { waiting, ...rest }: Omit<RecoveryPanel, 'pause'> & { waiting: readonly Lane[] },
): RecoveryPanel | undefined {
  const pause = waiting.some(({ attempt }) => attempt.state === 'queued') ? findPause(forge) : undefined;
  return rest.actions.length === 0 && pause === undefined ? undefined : { ...rest, pause };
}

function holds(forge: Forge, { repo, caller }: ShownRun, right: 'write' | 'maintain'): boolean {
  return caller.account !== undefined && includesRight(rightOn(forge, caller, repo), right);
}

/** What a settled branch had does not run any more. */
function mayBringBack(forge: Forge, shown: ShownRun): boolean {
  const { branchId } = shown.run;
  const isOpen = branchId === undefined || getBranch(forge, branchId).state === 'open';
  return isOpen && holds(forge, shown, 'write');
}

const isUnwell = (forge: Forge, run: Run, lanes: readonly Lane[]): boolean =>
  run.problem !== undefined ||
  lanes.some((lane) => isRecoverable(lane, forge.clock.now())) ||
  run.state !== runStateOf(lanes);

const plain = { look: '' as const, isForced: false };

const recoverAction = (run: Run): Action => ({
  verb: 'recover-run',
  look: run.problem === undefined ? '' : 'primary',
  isForced: false,
  title: 'Recover run',
  meaning:
    run.problem === undefined
      ? 'Runs again what failed for another reason than its own command, and ends the waits for a retry.'
      : 'Reads the manifest of the same commit once more, without a push.',
});

function againAction(forge: Forge, run: Run): Action | undefined {
  const again = { ...plain, verb: 'run-again' as const, title: 'Run again on the current tip' };
  if (run.nightly !== undefined) {
    return { ...again, meaning: 'Starts this nightly now, at the tip of the default branch.' };
  }
  if (run.branchId === undefined) return undefined;
  const branch = getBranch(forge, run.branchId);
  if (run.revision === branch.revision) return undefined;
  const tip = runOf(forge, { branchId: branch.id, revision: branch.revision });
  const as = tip === undefined ? 'in a new run' : `in run ${tip.number}`;
  return { ...again, meaning: `Runs every lane at ${branch.headOid.slice(0, 8)}, ${as}.` };
}

const requeueAction = (isBackedOff: boolean): Action => ({
  ...plain,
  verb: 'requeue-lane',
  title: 'Requeue',
  meaning: isBackedOff
    ? 'Ends its wait for a retry.'
    : 'Takes it from its thread, kills its programs, and queues a new attempt.',
});

const failAction = (lane: Lane): Action => ({
  verb: 'fail-lane',
  title: 'Mark failed',
  meaning: isLive(lane)
    ? 'Gives it its verdict by hand. Its programs are killed, and its place is free when they are gone.'
    : 'Gives it its verdict by hand, before it ran.',
  look: 'danger',
  isForced: false,
});

const forceAction = (whose: string): Action => ({
  verb: 'cancel',
  title: 'Force-cancel',
  meaning: `${whose} are killed at once, without time to end by themselves.`,
  look: 'danger',
  isForced: true,
});
