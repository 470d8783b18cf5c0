// A git that was killed leaves its locks and its quarantine behind. For as long as they may be somebody's, pushes to
// those refs are refused and housekeeping is put off. At the start they are nobody's.
import type { Forge } from '../forge/open.ts';
import { removeAllLeftovers } from '../git/left-locks.ts';
import { listRepos } from './find.ts';
import { fullName } from './model.ts';
import { repoPath } from './path.ts';

/** Only for the start, before anything writes. Waits for a git that outlived the last forge, for a moment. */
export async function clearLeftovers(forge: Forge): Promise<void> {
  await Promise.all(
    listRepos(forge).map(async (repo) => {
      const files = await removeAllLeftovers(repoPath(forge, repo.id));
      if (files > 0) forge.log.warn({ repo: fullName(repo), files }, 'leftovers of a dead git were removed');
    }),
  );
}
