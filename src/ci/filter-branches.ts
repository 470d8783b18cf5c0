// Branches of a repository as somebody looks for them: by author, by what is in their titles and names, and by how their
// newest run stands.
import { getBranch } from '../branches/find.ts';
import type { Branch, BranchState } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { listFilteredIds, type BranchFilter } from './branches-store.ts';

export type { BranchFilter } from './branches-store.ts';

/** The newest first; `beforeId` is the id of the last one of the page before. */
export const filterBranches = (
  forge: Forge,
  where: BranchFilter & { repoId: number; state: BranchState; beforeId?: number | undefined; limit: number },
): Branch[] => listFilteredIds(forge.db, where).map((id) => getBranch(forge, id));
