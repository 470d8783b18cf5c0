// The merge box: each hold with the state that colours it and what can be done about it here, and what is fulfilled.
import type { Caller } from '../accounts/model.ts';
import type { Branch } from '../branches/model.ts';
import type { Lane } from '../ci/model.ts';
import type { Forge } from '../forge/open.ts';
import { findDraft, listHolds } from '../landing/holds/hold-branch.ts';
import type { GateHold, GateView, HoldKind } from '../landing/model.ts';
import { includesRight, type Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';

const failedKinds: ReadonlySet<HoldKind> = new Set<HoldKind>([
  'conflict',
  'run_problem',
  'branch_broken',
  'changes_asked',
  'secret_found',
  'too_large',
  'policy_unreadable',
]);
/** Holds that a tab of the branch shows more of. */
const discussed: ReadonlySet<HoldKind> = new Set<HoldKind>([
  'approval_missing',
  'owner_approval_missing',
  'changes_asked',
  'unresolved_threads',
]);

export function mergeBoxData(
  forge: Forge,
  place: { repo: Repo; branch: Branch; caller: Caller },
  seen: { gate: GateView; lanes: readonly Lane[] },
): Record<string, unknown> {
  const { repo, branch, caller } = place;
  const { gate, lanes } = seen;
  const maintains = includesRight(rightOn(forge, caller, repo), 'maintain');
  const kept = listHolds(forge, branch);
  let next = 0;
  const holds = gate.holds.map((hold) => {
    // The gate names them in the same order.
    const own = hold.kind === 'held' ? kept[next++] : undefined;
    const mayLift = maintains || (own !== undefined && own.authorId === caller.account?.id);
    return {
      ...holdShown(hold, lanes),
      liftId: own !== undefined && mayLift ? own.id : undefined,
    };
  });
  return { holds, isDraft: findDraft(forge, branch) !== undefined };
}

/** A hold with the state that colours it, where more of it stands, and since when as a number. */
function holdShown(hold: GateHold, lanes: readonly Lane[]): Record<string, unknown> {
  const lane = lanes.find(({ key }) => key === hold.lane);
  const waits = hold.resolves === 'itself' ? 'queued' : 'warning';
  return {
    ...hold,
    isAbsentLane: hold.lane !== undefined && lane === undefined,
    mark: lane?.attempt.state ?? (failedKinds.has(hold.kind) ? 'failed' : waits),
    isDiscussed: discussed.has(hold.kind),
    sinceAt: hold.since === undefined ? undefined : Date.parse(hold.since),
  };
}
