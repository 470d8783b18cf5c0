// Where a branch lands, changed: by somebody who asks for it, or because the branch it stood on has landed.
import { recordAudit } from '../accounts/audit.ts';
import { requireAccount } from '../accounts/guard.ts';
import type { Caller } from '../accounts/model.ts';
import { systemCaller } from '../accounts/system.ts';
import { findOpenBranch, getBranch, findLandedTarget, listAimedElsewhere } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import { moveTarget } from '../branches/move-target.ts';
import type { Forge } from '../forge/open.ts';
import { resolveBranch } from '../git/refs.ts';
import { ForgeError } from '../lib/errors.ts';
import { getRepo } from '../repos/find.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { requireRight } from '../repos/rights.ts';

export interface RetargetOrder {
  repo: Repo;
  branch: Branch;
  caller: Caller;
  /** Without refs/heads/. */
  target: string;
}

/**
 * Aims an open branch at another target; it is a new revision then, which CI looks at by the rules of that target.
 * Refuses (`invalid`) a target that does not exist, is the branch itself or stands on it.
 */
export async function retargetBranch(forge: Forge, order: RetargetOrder): Promise<Branch> {
  const { repo, caller, target } = order;
  requireRight(forge, caller, { repo, right: 'write' });
  requireAccount(caller, 'write');
  const branch = getBranch(forge, order.branch.id);
  if (branch.target === target) return branch;
  refuseCircle(forge, branch, target);
  // A merge that is under way has read the old target; it looks again before it moves anything.
  return moveTarget(forge, {
    branchId: branch.id,
    target,
    alongside: () => auditRetarget(forge, caller, { repo, branch, target }),
  });
}

function refuseCircle(forge: Forge, branch: Branch, target: string): void {
  if (target === branch.name) {
    throw new ForgeError('invalid', `Branch #${branch.number} cannot land on itself. Name another branch.`);
  }
  const seen = new Set<string>();
  for (let name = target; !seen.has(name);) {
    seen.add(name);
    const next = findOpenBranch(forge, branch.repoId, name)?.target;
    if (next === undefined) return;
    if (next === branch.name) {
      throw new ForgeError('invalid', `${target} itself waits for #${branch.number}. Name another branch.`);
    }
    name = next;
  }
}

/** Aims the branches that stood on one that has landed at where that one landed; they would have no target else. */
export async function followLanded(forge: Forge): Promise<void> {
  for (const { id, repoId, target } of listAimedElsewhere(forge)) {
    const landedOn = findLandedTarget(forge, repoId, target);
    if (landedOn === undefined || landedOn === target) continue;
    const repo = getRepo(forge, repoId);
    try {
      if ((await resolveBranch(forge.git, repoPath(forge, repoId), target)) !== undefined) continue;
      const branch = getBranch(forge, id);
      const alongside = () => auditRetarget(forge, systemCaller(forge), { repo, branch, target: landedOn });
      await moveTarget(forge, { branchId: id, target: landedOn, alongside });
    } catch (error) {
      forge.log.warn(
        { err: error, branchId: id },
        'a branch whose target landed could not be aimed at another',
      );
    }
  }
}

const auditRetarget = (
  forge: Forge,
  caller: Caller,
  { repo, branch, target }: { repo: Repo; branch: Branch; target: string },
): void =>
  recordAudit(forge, caller, {
    action: 'branch.retarget',
    subject: `${fullName(repo)}#${branch.number}`,
    detail: { from: branch.target, to: target },
  });
