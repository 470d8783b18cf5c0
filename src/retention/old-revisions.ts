// The superseded revisions of settled branches: their pins go, and with the next sweeps of the repository their code, unless
// somebody said something about it.
import { getBranch } from '../branches/find.ts';
import { unpinRevisions } from '../branches/unpin.ts';
import type { Forge } from '../forge/open.ts';
import type { Outdated } from '../lib/outdated.ts';
import { retentionOf } from '../repos/retention.ts';
import { forgetTutorials } from '../tutorials/forget.ts';
import { dayMs } from './days.ts';
import { listOutdatedRevisions, needsRevision, type OutdatedRevision } from './store.ts';

/** One thing for each branch: its pins go in one step of git. */
export function listOldRevisions(forge: Forge, asked: { repoId: number; limit: number }): Outdated[] {
  const { revisionDays } = retentionOf(forge, asked.repoId).inForce;
  const before = forge.clock.now() - revisionDays * dayMs;
  const byBranch = new Map<number, OutdatedRevision[]>();
  for (const revision of listOutdatedRevisions(forge.db, { ...asked, before })) {
    byBranch.set(revision.branchId, [...(byBranch.get(revision.branchId) ?? []), revision]);
  }
  return [...byBranch].map(([branchId, revisions]) => ({
    kind: 'revision',
    repoId: asked.repoId,
    what: wordsOf(getBranch(forge, branchId).number, revisions),
    why: `superseded, with nothing said about it, and the branch was settled more than ${revisionDays} days ago`,
    bytes: 0,
    at: revisions[0]?.settledAt ?? before,
    remove: () => giveUp(forge, branchId, revisions),
  }));
}

function wordsOf(branch: number, revisions: readonly OutdatedRevision[]): string {
  const numbers = revisions.map(({ number }) => number);
  const [first, last] = [numbers[0], numbers.at(-1)];
  return first === last
    ? `revision ${first} of #${branch}`
    : `${numbers.length} revisions of #${branch} (${first} to ${last})`;
}

async function giveUp(
  forge: Forge,
  branchId: number,
  revisions: readonly OutdatedRevision[],
): Promise<boolean> {
  const isNeeded = (number: number): boolean => needsRevision(forge.db, { branchId, number });
  const gone = await unpinRevisions(forge, { branch: getBranch(forge, branchId), revisions, isNeeded });
  forgetTutorials(forge, branchId, gone);
  return gone.length > 0;
}
