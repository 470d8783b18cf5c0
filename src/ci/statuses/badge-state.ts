// What a badge says of a branch: its newest run. A target takes no run of its own when something lands on it; then the
// run of the branch that landed as its newest commit speaks for it, unless a nightly has looked at that commit since.
import { findOpenBranch } from '../../branches/find.ts';
import type { Forge } from '../../forge/open.ts';
import { resolveBranch } from '../../git/refs.ts';
import type { Repo } from '../../repos/model.ts';
import { repoPath } from '../../repos/path.ts';
import { findLane, getRun, newestRun, newestRunOfHead } from '../find.ts';
import type { Run } from '../model.ts';
import { findRunLandedAs } from './status-store.ts';

export interface BadgeQuestion {
  /** Undefined: the default branch. */
  branch: string | undefined;
  /** Undefined: the whole run. */
  lane: string | undefined;
}

/** The state of the branch's newest run or of one lane of it; undefined when nothing is known of it. */
export async function badgeState(
  forge: Forge,
  repo: Repo,
  { branch = repo.defaultBranch, lane }: BadgeQuestion,
): Promise<string | undefined> {
  const run = await runOfName(forge, repo, branch);
  if (run === undefined || lane === undefined) return run?.state;
  return findLane(forge, run.id, lane)?.attempt.state;
}

async function runOfName(forge: Forge, repo: Repo, name: string): Promise<Run | undefined> {
  const open = findOpenBranch(forge, repo.id, name);
  if (open !== undefined) return newestRun(forge, open.id);
  const tip = await resolveBranch(forge.git, repoPath(forge, repo.id), name);
  if (tip === undefined) return undefined;
  const landed = findRunLandedAs(forge.db, repo.id, tip);
  return newestRunOfHead(forge, repo.id, tip) ?? (landed === undefined ? undefined : getRun(forge, landed));
}
