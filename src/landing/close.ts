// Closing a branch takes its ref away and keeps its pins, so that everything stays readable and it can be
// reopened. Both take the merge slot: a branch is never closed in the middle of its merge.
import { recordAudit } from '../accounts/audit.ts';
import { requireAccount } from '../accounts/guard.ts';
import type { Caller } from '../accounts/model.ts';
import { findOpenBranch, getBranch } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import { reopenRow, settleRow } from '../branches/settle.ts';
import { inTurn } from '../branches/turn.ts';
import type { Forge } from '../forge/open.ts';
import { commitSummary } from '../git/objects.ts';
import { resolveBranch, updateRefs, zeroOid } from '../git/refs.ts';
import { ForgeError } from '../lib/errors.ts';
import type { Slots } from '../lib/slot.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { requireRight } from '../repos/rights.ts';
import { takeMergeSlot } from './merge/merge.ts';

export interface CloseOrder {
  repo: Repo;
  branch: Branch;
  caller: Caller;
  slots: Slots;
}

/** Deletes the branch's ref and settles it as closed. Refuses (`conflict`) when it is not open or moves meanwhile. */
export async function closeBranch(forge: Forge, order: CloseOrder): Promise<Branch> {
  const { repo, caller } = order;
  requireRight(forge, caller, { repo, right: 'write' });
  const actor = requireAccount(caller, 'write');
  const hold = takeMergeSlot(order.slots, repo);
  try {
    const branch = getBranch(forge, order.branch.id);
    if (branch.state !== 'open') {
      throw new ForgeError('conflict', `Branch #${branch.number} is ${branch.state} already.`);
    }
    const settled = await inTurn(forge, repo.id, async () => {
      await deleteRef(forge, repo, branch);
      return forge.db.transaction(() => {
        const changed = settleRow(forge, { branchId: branch.id, state: 'closed', actorId: actor.id });
        recordAudit(forge, caller, auditOf('branch.close', repo, branch));
        return changed;
      });
    });
    if (settled) {
      forge.events.emit('branch-settled', { repoId: repo.id, branchId: branch.id, state: 'closed' });
    }
    return getBranch(forge, branch.id);
  } finally {
    hold.release();
  }
}

/**
 * Puts the ref of a closed branch back where it was. Refuses (`conflict`) a branch that is open or merged, and
 * one whose name somebody else uses by now.
 */
export async function reopenBranch(forge: Forge, order: CloseOrder): Promise<Branch> {
  const { repo, caller } = order;
  requireRight(forge, caller, { repo, right: 'write' });
  requireAccount(caller, 'write');
  const hold = takeMergeSlot(order.slots, repo);
  try {
    const branch = getBranch(forge, order.branch.id);
    await inTurn(forge, repo.id, async () => {
      await checkReopen(forge, repo, branch);
      // The ref comes first: a row without a ref would be settled as closed by the next scan.
      await updateRefs(forge.git, repoPath(forge, repo.id), [
        { ref: `refs/heads/${branch.name}`, newOid: branch.headOid, oldOid: zeroOid },
      ]);
      forge.db.transaction(() => {
        reopenRow(forge, branch.id);
        recordAudit(forge, caller, auditOf('branch.reopen', repo, branch));
      });
    });
    forge.events.emit('branch-pushed', {
      repoId: repo.id,
      branchId: branch.id,
      revision: branch.revision,
    });
    return getBranch(forge, branch.id);
  } finally {
    hold.release();
  }
}

async function deleteRef(forge: Forge, repo: Repo, { name }: Branch): Promise<void> {
  const path = repoPath(forge, repo.id);
  const headOid = await resolveBranch(forge.git, path, name);
  if (headOid === undefined) return;
  await updateRefs(forge.git, path, [{ ref: `refs/heads/${name}`, newOid: zeroOid, oldOid: headOid }]);
}

async function checkReopen(forge: Forge, repo: Repo, branch: Branch): Promise<void> {
  if (branch.state !== 'closed') {
    const wayOut = branch.state === 'merged' ? ' Push a new branch for more work.' : '';
    throw new ForgeError('conflict', `Branch #${branch.number} is ${branch.state}, not closed.${wayOut}`);
  }
  // A branch that was broken when it was closed has nothing to come back to.
  await commitSummary(forge.git, repoPath(forge, repo.id), branch.headOid);
  const taken =
    findOpenBranch(forge, repo.id, branch.name) !== undefined ||
    (await resolveBranch(forge.git, repoPath(forge, repo.id), branch.name)) !== undefined;
  if (taken) {
    throw new ForgeError(
      'conflict',
      `The name ${branch.name} is in use by another branch. Close that one first, or push this work under another name.`,
    );
  }
}

const auditOf = (action: string, repo: Repo, branch: Branch) => ({
  action,
  subject: `${fullName(repo)}#${branch.number}`,
  detail: { name: branch.name, head: branch.headOid },
});
