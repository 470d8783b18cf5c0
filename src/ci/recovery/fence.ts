// Taking a lane from whoever runs it, without asking them: the claim is fenced off at once, and the scheduler's next
// pass ends the programs. Until they are verified gone, the attempt is `cancelling` and its place stays taken.
import type { Account } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import type { Change } from '../scheduler/finish.ts';
import { fenceOff, type WantedEnd } from './recovery-store.ts';

/** Inside the caller's transaction; empty when the claim was given up in the meantime. */
export function fenceLane(
  forge: Forge,
  claim: { attemptId: number; laneId: number; runId: number; token: number },
  order: { wantedEnd: WantedEnd; by: Account; message: string },
): Change[] {
  const { attemptId, laneId, runId, token } = claim;
  const { wantedEnd, by, message } = order;
  if (!fenceOff(forge.db, { id: attemptId, token, wantedEnd, wantedBy: by.id, message })) return [];
  return [{ runId, laneId, attemptId, state: 'cancelling' }];
}
