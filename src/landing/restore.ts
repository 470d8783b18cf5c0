// A merged branch whose name is wanted back, for more work on it: a new branch of that name at the commit that landed.
import { recordAudit } from '../accounts/audit.ts';
import { requireAccount } from '../accounts/guard.ts';
import type { Caller } from '../accounts/model.ts';
import { getBranch } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import { startBranch } from '../branches/start-branch.ts';
import type { Forge } from '../forge/open.ts';
import { commitSummary } from '../git/objects.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { requireRight } from '../repos/rights.ts';

/**
 * Makes a new branch with the name and the head of a merged one. Refuses (`conflict`) one that is not merged: an open
 * one is there, and a closed one is reopened with all that was said about it.
 */
export async function restoreBranch(
  forge: Forge,
  order: { repo: Repo; branch: Branch; caller: Caller },
): Promise<Branch> {
  const { repo, caller } = order;
  requireRight(forge, caller, { repo, right: 'write' });
  const actor = requireAccount(caller, 'write');
  const branch = getBranch(forge, order.branch.id);
  if (branch.state !== 'merged') {
    const wayOut = branch.state === 'closed' ? ' Reopen it.' : ' It is there.';
    throw new ForgeError('conflict', `Branch #${branch.number} is ${branch.state}, not merged.${wayOut}`);
  }
  await commitSummary(forge.git, repoPath(forge, repo.id), branch.headOid);
  const { name, target, headOid } = branch;
  const restored = await startBranch(forge, { repo, name, target, headOid, actorId: actor.id });
  recordAudit(forge, caller, {
    action: 'branch.restore',
    subject: `${fullName(repo)}#${branch.number}`,
    detail: { name, head: headOid, as: restored.number },
  });
  return restored;
}
