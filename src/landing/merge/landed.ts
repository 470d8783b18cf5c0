import type { Forge } from '../../forge/open.ts';
import { resolveBranch } from '../../git/refs.ts';
import { repoPath } from '../../repos/path.ts';
import type { MergeIntent } from '../store.ts';

/** Whether the merge happened, by git's word: the merge commit is an ancestor of the target, or is it. */
export async function hasLanded(
  forge: Forge,
  intent: Pick<MergeIntent, 'repoId' | 'target' | 'mergeOid'>,
): Promise<boolean> {
  const repo = repoPath(forge, intent.repoId);
  const target = await resolveBranch(forge.git, repo, intent.target);
  if (target === undefined) return false;
  // 128: the merge commit was never written to disk whole, so no target can contain it.
  const { exitCode } = await forge.git.run(['merge-base', '--is-ancestor', intent.mergeOid, target], {
    repo,
    accept: [1, 128],
  });
  return exitCode === 0;
}
