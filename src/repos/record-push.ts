import type { Forge } from '../forge/open.ts';
import { setHead } from '../git/bare-repo.ts';
import type { Repo } from './model.ts';
import { repoPath } from './path.ts';
import { stampPush, updateDefaultBranch } from './store.ts';

/** Notes that somebody pushed to the repository just now. */
export function recordPush(forge: Forge, repoId: number): void {
  stampPush(forge.db, { id: repoId, now: forge.clock.now() });
}

/**
 * Makes `branch` the default branch and points HEAD at it. HEAD moves first: a repository whose HEAD resolves
 * can be cloned, whatever the row says, and the next scan repairs the row.
 */
export async function adoptDefaultBranch(forge: Forge, repo: Repo, branch: string): Promise<void> {
  await setHead(forge.git, repoPath(forge, repo.id), branch);
  updateDefaultBranch(forge.db, { id: repo.id, defaultBranch: branch });
  forge.events.emit('repo-changed', { repoId: repo.id });
}
