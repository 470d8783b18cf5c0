import picomatch from 'picomatch';
import type { Forge } from '../forge/open.ts';
import type { Repo } from './model.ts';
import { listProtectedPatterns } from './store.ts';

/** Whether `branch` (without refs/heads/) takes no direct push: the default branch, or a protected pattern. */
export function isProtected(forge: Forge, repo: Repo, branch: string): boolean {
  if (branch === repo.defaultBranch) return true;
  return listProtectedPatterns(forge.db, repo.id).some((pattern) => picomatch.isMatch(branch, pattern));
}
