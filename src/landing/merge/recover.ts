import { getBranch } from '../../branches/find.ts';
import type { Branch } from '../../branches/model.ts';
import type { Forge } from '../../forge/open.ts';
import { removeLeftLocks } from '../../git/left-locks.ts';
import { resolveBranch, updateRefs, zeroOid } from '../../git/refs.ts';
import { repoPath } from '../../repos/path.ts';
import { hasLanded } from './landed.ts';
import { finaliseMerges, recoveredCaller } from './merge.ts';
import { endIntent, listIntended, type MergeIntent } from '../store.ts';

/**
 * Ends every merge that a death of the process left between intent and end: finalised when git has it on the
 * target, else abandoned. Runs at the start, before anybody can merge and before branches are scanned.
 */
export async function recoverMerges(forge: Forge): Promise<{ finalised: number; abandoned: number }> {
  const counts = { finalised: 0, abandoned: 0 };
  for (const intent of listIntended(forge)) {
    const branch = getBranch(forge, intent.branchId);
    const refs = [`refs/heads/${intent.target}`, `refs/heads/${branch.name}`];
    await removeLeftLocks(repoPath(forge, intent.repoId), refs);
    if (await hasLanded(forge, intent)) {
      await removeLeftRef(forge, intent, branch);
      finaliseMerges(forge, [intent], { callerOf: () => recoveredCaller(forge, intent) });
      counts.finalised += 1;
    } else {
      endIntent(forge, intent.id, 'abandoned');
      counts.abandoned += 1;
    }
  }
  return counts;
}

// git moves the refs of one transaction one after the other on disk, so a loss of power may leave the target
// moved and the branch still there.
async function removeLeftRef(forge: Forge, intent: MergeIntent, branch: Branch): Promise<void> {
  const repo = repoPath(forge, intent.repoId);
  if (branch.state !== 'open') return;
  if ((await resolveBranch(forge.git, repo, branch.name)) !== intent.headOid) return;
  await updateRefs(forge.git, repo, [
    { ref: `refs/heads/${branch.name}`, newOid: zeroOid, oldOid: intent.headOid },
  ]);
}
