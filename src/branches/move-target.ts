// A branch that is to land somewhere else: the same head is compared with another target, so it is a new revision, with
// a base, a run and a tutorial of its own.
import type { Forge } from '../forge/open.ts';
import { mergeBase } from '../git/objects.ts';
import { resolveBranch, updateRefs } from '../git/refs.ts';
import { ForgeError } from '../lib/errors.ts';
import { repoPath } from '../repos/path.ts';
import { getBranch, getRevision } from './find.ts';
import { pinRef, type Branch } from './model.ts';
import { insertRevision, updateTarget } from './store.ts';
import { inTurn } from './turn.ts';

/**
 * Aims an open branch at another target (without refs/heads/), which must exist; `alongside` runs in the transaction.
 * Refuses (`conflict`) a branch that is settled or moves meanwhile, and (`invalid`) a target that does not exist.
 */
export function moveTarget(
  forge: Forge,
  order: { branchId: number; target: string; alongside?: () => void },
): Promise<Branch> {
  const { repoId } = getBranch(forge, order.branchId);
  return inTurn(forge, repoId, async () => {
    const branch = getBranch(forge, order.branchId);
    if (branch.state !== 'open') {
      throw new ForgeError('conflict', `Branch #${branch.number} is ${branch.state}; it lands nowhere else.`);
    }
    if (branch.brokenReason !== undefined) {
      throw new ForgeError(
        'conflict',
        `Branch #${branch.number} cannot be read: ${branch.brokenReason}. Push it again first.`,
      );
    }
    const path = repoPath(forge, repoId);
    const targetOid = await resolveBranch(forge.git, path, order.target);
    if (targetOid === undefined) {
      throw new ForgeError('invalid', `There is no branch ${order.target} to land on. Push it first.`);
    }
    const baseOid = await mergeBase(forge.git, path, targetOid, branch.headOid);
    const revision = branch.revision + 1;
    // The pin comes before the row, as with a push.
    await updateRefs(forge.git, path, [{ ref: pinRef(branch.number, revision), newOid: branch.headOid }]);
    forge.db.transaction(() => writeMove(forge, branch, { ...order, targetOid, baseOid }));
    forge.events.emit('branch-pushed', { repoId, branchId: branch.id, revision });
    return getBranch(forge, branch.id);
  });
}

function writeMove(
  forge: Forge,
  branch: Branch,
  move: { target: string; targetOid: string; baseOid: string | undefined; alongside?: () => void },
): void {
  const { id, headOid, revision: fromRevision } = branch;
  const now = forge.clock.now();
  const moved = updateTarget(forge.db, { id, fromRevision, target: move.target, now });
  if (!moved) throw new ForgeError('conflict', `Branch #${branch.number} moved meanwhile. Look again.`);
  insertRevision(forge.db, {
    branchId: id,
    number: fromRevision + 1,
    headOid,
    baseOid: move.baseOid ?? null,
    targetOid: move.targetOid,
    pushedBy: getRevision(forge, id, fromRevision).pushedById ?? null,
    now,
  });
  move.alongside?.();
}
