// A commit that the forge itself puts on an open branch: its ref, its pin and its revision, as if somebody had pushed it.
import type { Forge } from '../forge/open.ts';
import { listHeads, updateRefs } from '../git/refs.ts';
import { ForgeError } from '../lib/errors.ts';
import { getRepo } from '../repos/find.ts';
import { repoPath } from '../repos/path.ts';
import { protectionOf } from '../repos/protected.ts';
import { recordPush } from '../repos/record-push.ts';
import { getBranch } from './find.ts';
import type { Branch } from './model.ts';
import { readHeads } from './record-heads.ts';
import { inTurn } from './turn.ts';
import { tellAll, writeHeads } from './write-heads.ts';

/**
 * Moves an open branch from `fromOid` to `headOid`; CI and the tutorial follow as after a push, and `alongside` runs in
 * the transaction. Refuses (`conflict`) a branch that is settled, protected by now, or not at `fromOid` any more.
 */
export function advanceBranch(
  forge: Forge,
  order: { branchId: number; fromOid: string; headOid: string; actorId: number; alongside?: () => void },
): Promise<Branch> {
  const { branchId, fromOid, headOid, actorId } = order;
  const { repoId } = getBranch(forge, branchId);
  return inTurn(forge, repoId, async () => {
    const [branch, repo] = [getBranch(forge, branchId), getRepo(forge, repoId)];
    checkOpen(branch, fromOid);
    if (protectionOf(forge, repo)(branch.name) !== undefined) {
      throw new ForgeError('conflict', `The branch ${branch.name} is protected by now. Work on another one.`);
    }
    const path = repoPath(forge, repoId);
    const ref = `refs/heads/${branch.name}`;
    // The ref comes first, as with a push: after a crash in between, the scan finds the new head.
    await updateRefs(forge.git, path, [{ ref, newOid: headOid, oldOid: fromOid }]);
    const heads = await listHeads(forge.git, path);
    const read = await readHeads(forge, { repo, heads }, [
      { name: branch.name, headOid, pushedBy: actorId, keepsTitle: true },
    ]);
    const told = forge.db.transaction(() => {
      order.alongside?.();
      recordPush(forge, repoId);
      return writeHeads(forge, repo, read);
    });
    tellAll(forge, told);
    forge.events.emit('repo-changed', { repoId });
    return getBranch(forge, branchId);
  });
}

function checkOpen({ number, state, headOid }: Branch, fromOid: string): void {
  if (state !== 'open')
    throw new ForgeError('conflict', `Branch #${number} is ${state}; nothing is added to it.`);
  if (headOid === fromOid) return;
  throw new ForgeError('conflict', `Branch #${number} has moved on to ${headOid.slice(0, 8)}. Look again.`);
}
