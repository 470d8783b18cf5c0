// What the gate means for an entry of the queue. What the queue brings about itself holds nobody: it tests the merge on
// the tip of the target, so a branch need not contain it. What only another push could change ends the entry.
import type { Branch } from '../../branches/model.ts';
import type { Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import type { MergeMethod, Repo } from '../../repos/model.ts';
import { examineGate } from '../gate/gate.ts';
import type { GateHold, HoldKind } from '../model.ts';
import type { LandingEndCause } from './model.ts';

/**
 * `entering`: nothing of it is built yet. `building`: a candidate finds out by itself what it conflicts with. `landing`: the
 * merged tree was tested, which says more than the lanes of the branch.
 */
export type GateMoment = 'entering' | 'building' | 'landing';

export type Weighed =
  | { outcome: 'open'; targetOid: string }
  | { outcome: 'held'; holds: GateHold[]; targetOid: string | undefined }
  | {
      outcome: 'refused';
      cause: LandingEndCause;
      hold: Pick<GateHold, 'message' | 'wayOut'>;
      holds: GateHold[];
    };

const ignored: Record<GateMoment, readonly HoldKind[]> = {
  entering: ['not_up_to_date'],
  building: ['not_up_to_date', 'conflict', 'not_fast_forward'],
  landing: [
    'not_up_to_date',
    'conflict',
    'not_fast_forward',
    'already_merged',
    'no_run',
    'run_problem',
    'lane_not_green',
  ],
};

/** What no waiting changes, and no verdict of anybody. */
const refusing: Partial<Record<HoldKind, LandingEndCause>> = {
  not_open: 'closed',
  not_allowed: 'not_allowed',
  conflict: 'conflict',
  not_fast_forward: 'not_fast_forward',
  already_merged: 'already_merged',
  no_common_history: 'refused',
  branch_broken: 'refused',
  run_problem: 'refused',
  too_large: 'refused',
  secret_found: 'refused',
};

export async function weighGate(
  forge: Forge,
  question: {
    repo: Repo;
    branch: Branch;
    caller: Caller;
    head: string;
    method: MergeMethod | undefined;
    moment: GateMoment;
  },
): Promise<Weighed> {
  const { moment, ...asked } = question;
  const examined = await examineGate(forge, { ...asked, isTestedAgain: true }).catch((error: unknown) => {
    if (error instanceof ForgeError && error.code === 'invalid') return error.message;
    throw error;
  });
  if (typeof examined === 'string') {
    const hold = { message: examined, wayOut: 'Land it again by another method.' };
    return { outcome: 'refused', cause: 'refused', hold, holds: [] };
  }
  const holds = examined.holds.filter(({ kind }) => !ignored[moment].includes(kind));
  for (const hold of holds) {
    const cause = refusing[hold.kind];
    if (cause !== undefined) return { outcome: 'refused', cause, hold, holds };
  }
  const { targetOid } = examined;
  if (holds.length > 0 || targetOid === undefined) return { outcome: 'held', holds, targetOid };
  return { outcome: 'open', targetOid };
}
