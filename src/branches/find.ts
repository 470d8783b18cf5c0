// Questions about branches and their revisions.
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import type { Branch, BranchState, Revision } from './model.ts';
import {
  countByState,
  findBranchRow,
  findNewestRow,
  findOpenBranchRow,
  listBranchRows,
  listLatestRows,
  listOpenRows,
  listRevisionRows,
  listRowsAimedElsewhere,
} from './store.ts';

/** The branch with that number in the repository. */
export const findBranch = (forge: Forge, repoId: number, number: number): Branch | undefined =>
  findBranchRow(forge.db, { repoId, number });

/** The branch with that id (not its number), or a refusal (`not_found`). */
export function getBranch(forge: Forge, id: number): Branch {
  const branch = findBranchRow(forge.db, { id });
  if (branch === undefined) throw new ForgeError('not_found', `There is no branch with id ${id}.`);
  return branch;
}

/** The open branch of that name, without refs/heads/; a name may have had other branches before. */
export const findOpenBranch = (forge: Forge, repoId: number, name: string): Branch | undefined =>
  findOpenBranchRow(forge.db, { repoId, name });

/** Where the newest branch of that name landed; undefined when it did not. */
export function findLandedTarget(forge: Forge, repoId: number, name: string): string | undefined {
  const branch = findNewestRow(forge.db, { repoId, name });
  return branch?.state === 'merged' ? branch.target : undefined;
}

/** Open branches that land on something else than their repository's default branch. */
export const listAimedElsewhere = (forge: Forge): { id: number; repoId: number; target: string }[] =>
  listRowsAimedElsewhere(forge.db);

/** Open branches, the most recently changed first; of all repositories and authors unless one is given. */
export const listOpenBranches = (
  forge: Forge,
  where: { repoId?: number | undefined; authorId?: number | undefined; limit?: number | undefined } = {},
): Branch[] => listOpenRows(forge.db, { ...where, limit: where.limit ?? 10_000 });

/** The branches of a repository, the newest first; `beforeId` is the id of the last one of the page before. */
export const listBranches = (
  forge: Forge,
  where: {
    repoId: number;
    state?: BranchState | undefined;
    limit: number;
    beforeId?: number | undefined;
  },
): Branch[] =>
  listBranchRows(forge.db, {
    repoId: where.repoId,
    state: where.state ?? null,
    beforeId: where.beforeId ?? null,
    limit: where.limit,
  });

/** The branches of a repository in which something happened last, the newest first. */
export const listLatestBranches = (forge: Forge, repoId: number, limit: number): Branch[] =>
  listLatestRows(forge.db, { repoId, limit });

export function countBranches(forge: Forge, repoId: number): Record<BranchState, number> {
  const counts: Record<BranchState, number> = { open: 0, merged: 0, closed: 0 };
  for (const { state, count } of countByState(forge.db, repoId)) counts[state] = count;
  return counts;
}

/** The pushed heads of a branch, the oldest first. */
export const listRevisions = (forge: Forge, branchId: number): Revision[] =>
  listRevisionRows(forge.db, branchId);

/** One pushed head of a branch, or a refusal (`not_found`), also where retention has given its code up. */
export function getRevision(forge: Forge, branchId: number, number: number): Revision {
  const revision = listRevisionRows(forge.db, branchId).find((candidate) => candidate.number === number);
  if (revision === undefined) throw new ForgeError('not_found', `The branch has no revision ${number}.`);
  if (revision.unpinnedAt !== undefined) {
    const day = new Date(revision.unpinnedAt).toISOString().slice(0, 10);
    throw new ForgeError(
      'not_found',
      `The code of revision ${number} is not kept any more, since ${day}: a later one took its place and nobody had said anything about it. Read a later revision.`,
    );
  }
  return revision;
}
