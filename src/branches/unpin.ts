// Gives up the pins of superseded revisions, so that the sweep of their repository can take their commits away. Whether
// anything still needs one is for the caller to say.
import type { Forge } from '../forge/open.ts';
import { updateRefs, zeroOid } from '../git/refs.ts';
import { repoPath } from '../repos/path.ts';
import { pinRef, type Branch } from './model.ts';
import { updateUnpinned } from './store.ts';
import { inTurn } from './turn.ts';

export interface UnpinOrder {
  branch: Branch;
  revisions: readonly { number: number; headOid: string }[];
  isNeeded: (number: number) => boolean;
}

/**
 * Answers the numbers of those whose pins are gone; of a branch that was reopened meanwhile there are none. A death half
 * way leaves rows that still want their pins, and the scan puts these back.
 */
export function unpinRevisions(forge: Forge, { branch, revisions, isNeeded }: UnpinOrder): Promise<number[]> {
  const { id: branchId, repoId } = branch;
  const path = repoPath(forge, repoId);
  const pinOf = (number: number): string => pinRef(branch.number, number);
  return inTurn(forge, repoId, async () => {
    const wanted = revisions.filter(({ number }) => !isNeeded(number));
    await updateRefs(
      forge.git,
      path,
      wanted.map(({ number }) => ({ ref: pinOf(number), newOid: zeroOid })),
    );
    // Somebody may have said something about one of them while git was at work.
    const now = forge.clock.now();
    const gone = forge.db.transaction(() =>
      wanted.filter(({ number }) => !isNeeded(number) && updateUnpinned(forge.db, { branchId, number, now })),
    );
    const back = wanted.filter((revision) => !gone.includes(revision));
    await updateRefs(
      forge.git,
      path,
      back.map(({ number, headOid }) => ({ ref: pinOf(number), newOid: headOid })),
    );
    return gone.map(({ number }) => number);
  });
}
