// Rows of branches as the home and repository pages list them.
import type { Caller } from '../accounts/model.ts';
import { listOpenBranches } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import { newestRun, listLanes } from '../ci/find.ts';
import type { Lane, RunState } from '../ci/model.ts';
import type { Forge } from '../forge/open.ts';
import { listRepos } from '../repos/find.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';

export interface BranchRow {
  branch: Branch;
  repoName: string;
  href: string;
  ci: RunState | 'none';
  lanes: Lane[];
}

export const visibleRepos = (forge: Forge, caller: Caller): Repo[] =>
  listRepos(forge).filter((repo) => rightOn(forge, caller, repo) !== 'none');

/** Adds to branches what a row shows: where they live and how their newest run stands. */
export function branchRows(forge: Forge, repos: readonly Repo[], branches: readonly Branch[]): BranchRow[] {
  const names = new Map(repos.map((repo) => [repo.id, fullName(repo)]));
  return branches.map((branch) => {
    const repoName = names.get(branch.repoId) ?? '';
    const run = newestRun(forge, branch.id);
    return {
      branch,
      repoName,
      href: `/${repoName}/branches/${branch.number}`,
      ci: run?.state ?? 'none',
      lanes: run === undefined ? [] : listLanes(forge, run.id),
    };
  });
}

/** The newest open branches over all repositories that the caller may see. */
export function openBranchesOf(forge: Forge, repos: readonly Repo[], limit: number): Branch[] {
  const visible = new Set(repos.map((repo) => repo.id));
  // A caller who sees few of many repositories still gets a full page: each of them is asked.
  if (visible.size <= 50) {
    return repos
      .flatMap((repo) => listOpenBranches(forge, { repoId: repo.id, limit }))
      .toSorted((a, b) => b.updatedAt - a.updatedAt)
      .slice(0, limit);
  }
  return listOpenBranches(forge, { limit: limit * 4 })
    .filter((branch) => visible.has(branch.repoId))
    .slice(0, limit);
}
