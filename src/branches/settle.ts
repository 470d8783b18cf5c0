// The end of a branch, in its row only: refs are moved by whoever ends it.
import type { Forge } from '../forge/open.ts';
import { getBranch } from './find.ts';
import { updateMergeCommit, updateReopened, updateSettled } from './store.ts';

export interface Settlement {
  branchId: number;
  state: 'merged' | 'closed';
  /** The commit that brought it into the target. */
  mergeOid?: string | undefined;
  actorId?: number | undefined;
}

/**
 * Ends an open branch and tells everybody; false when it was not open any more. Not for use inside a
 * transaction: the fact must not be told before it is true. There, use `settleRow` and emit after the commit.
 */
export function settleBranch(forge: Forge, settlement: Settlement): boolean {
  if (!settleRow(forge, settlement)) return false;
  const { id, repoId } = getBranch(forge, settlement.branchId);
  forge.events.emit('branch-settled', { repoId, branchId: id, state: settlement.state });
  return true;
}

/**
 * Ends an open branch in the caller's transaction; false when it was not open any more. A merge that the scan
 * saw first, by its refs, still gets its merge commit and its actor.
 */
export function settleRow(forge: Forge, settlement: Settlement): boolean {
  const update = {
    id: settlement.branchId,
    state: settlement.state,
    mergeOid: settlement.mergeOid ?? null,
    actorId: settlement.actorId ?? null,
    now: forge.clock.now(),
  };
  if (updateSettled(forge.db, update)) return true;
  if (update.mergeOid !== null) updateMergeCommit(forge.db, { ...update, mergeOid: update.mergeOid });
  return false;
}

/** Opens a closed branch again in the caller's transaction; its ref must stand before. False when it is not closed. */
export const reopenRow = (forge: Forge, branchId: number): boolean =>
  updateReopened(forge.db, { id: branchId, now: forge.clock.now() });
