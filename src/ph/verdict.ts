// What a branch's status means to a person: green, red, or not yet, and the next command.
import { hasEnded, type LaneView } from '../ci/model.ts';
import type { BranchStatusView, GateHold } from '../landing/model.ts';
import { cleanLine, type Paint } from './output.ts';

const ciKinds: readonly GateHold['kind'][] = ['no_run', 'run_problem', 'lane_not_green'];

/** Whether CI lets the branch pass; for a merged or closed branch, what its last run said. */
export function isGreen(status: BranchStatusView): boolean {
  if (status.branch.state !== 'open')
    return status.branch.state === 'merged' || status.run?.state === 'success';
  return !status.gate.holds.some((hold) => ciKinds.includes(hold.kind));
}

export const isFailing = (lane: LaneView): boolean =>
  lane.state === 'failed' ||
  lane.state === 'cancelled' ||
  (lane.state === 'skipped' && lane.skipCause === 'dependency_failed');

/** Failing lanes first, else in their own order. */
export const failingFirst = (lanes: readonly LaneView[]): LaneView[] => [
  ...lanes.filter(isFailing),
  ...lanes.filter((lane) => !isFailing(lane)),
];

export const failingNames = (status: BranchStatusView): string =>
  (status.run?.lanes ?? [])
    .filter(isFailing)
    .map((lane) => cleanLine(lane.id))
    .join(', ');

export function colourOf(state: string): Paint {
  if (state === 'success' || state === 'merged' || state === 'ready') return 'green';
  if (state === 'failed' || state === 'closed' || state === 'cancelled') return 'red';
  return state === 'running' || state === 'cancelling' ? 'yellow' : 'dim';
}

/** Why a lane is as it is, or where it runs, in a few words; empty for one that simply runs here or passed. */
export function reasonOf(lane: LaneView): string {
  if (lane.state === 'queued') {
    const words = (lane.reason ?? 'queued').replaceAll('_', ' ');
    return cleanLine(lane.reasonDetail ? `${words}: ${lane.reasonDetail}` : words);
  }
  if (lane.message) return cleanLine(lane.message);
  if (lane.state === 'running' && lane.node) return cleanLine(`on ${lane.node}`);
  if (lane.failureKind) return lane.failureKind.replaceAll('_', ' ');
  return lane.skipCause ? lane.skipCause.replaceAll('_', ' ') : '';
}

/** The command that brings the branch on; undefined when nothing is left to do. */
export function nextCommand(status: BranchStatusView): string | undefined {
  const { branch, run, gate } = status;
  if (branch.state === 'merged') return undefined;
  if (branch.state === 'closed') return `ph reopen ${branch.number}`;
  const { landing } = status;
  if (landing !== null && landing.ended === null) {
    return waitsRed(status) ? 'ph logs --failed' : 'ph wait --for landed';
  }
  // It is green alone and was red where it would land: merging it by hand is no way on.
  if (landing?.state === 'evicted' && landing.head === branch.head) return undefined;
  if (gate.open) return 'ph merge';
  if (run === null || run.problem !== null || run.lanes.some((lane) => !hasEnded(lane.state))) {
    return run?.problem ? undefined : 'ph wait';
  }
  return isGreen(status) ? undefined : 'ph logs --failed';
}

/** Whether it is in the landing queue and red by itself: it would wait there for somebody to do something about it. */
export function waitsRed(status: BranchStatusView): boolean {
  const { landing, run, branch } = status;
  const isWaiting = landing?.state === 'waiting' && landing.head === branch.head;
  return isWaiting && run?.state === 'failed' && run.head === branch.head && !isGreen(status);
}

export const shortOid = (oid: string): string => oid.slice(0, 8);
