// The refs that keep the commits of candidates from being swept away; hidden, and never part of what decides.
import type { Forge } from '../../forge/open.ts';
import { updateRefs, zeroOid } from '../../git/refs.ts';
import { repoPath } from '../../repos/path.ts';
import { listPinsToChange, setPinned, type Candidate } from './candidate-store.ts';

const day = 24 * 60 * 60 * 1000;

const candidateRef = (id: number): string => `refs/pika/landing/${id}`;

export async function pinCandidate(
  forge: Forge,
  { id, repoId, commitOid }: Pick<Candidate, 'id' | 'repoId' | 'commitOid'>,
): Promise<void> {
  await updateRefs(forge.git, repoPath(forge, repoId), [{ ref: candidateRef(id), newOid: commitOid }]);
  setPinned(forge.db, id, true);
}

/** Makes the pins that a death left out, and takes away those of candidates that ended. What fails is tried again later. */
export async function syncPins(forge: Forge): Promise<void> {
  const keptSince = forge.clock.now() - forge.config.landing.keepCandidateDays * day;
  for (const pin of listPinsToChange(forge.db, keptSince)) {
    try {
      if (pin.isWanted === 1) await pinCandidate(forge, pin);
      else await unpin(forge, pin);
    } catch (error) {
      forge.log.warn(
        { err: error, candidate: pin.id },
        'the pin of a landing candidate could not be changed',
      );
    }
  }
}

async function unpin(forge: Forge, { id, repoId }: { id: number; repoId: number }): Promise<void> {
  await updateRefs(forge.git, repoPath(forge, repoId), [{ ref: candidateRef(id), newOid: zeroOid }]);
  setPinned(forge.db, id, false);
}
