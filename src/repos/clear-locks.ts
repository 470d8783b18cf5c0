// A git that was killed leaves its locks behind, and every later write to those refs would be refused for as long as
// a lock may be somebody's. At the start it is nobody's.
import type { Forge } from '../forge/open.ts';
import { removeAllLeftLocks } from '../git/left-locks.ts';
import { listRepos } from './find.ts';
import { fullName } from './model.ts';
import { repoPath } from './path.ts';

/** Only for the start, before anything writes. Waits for a git that outlived the last forge, for a moment. */
export async function clearLeftLocks(forge: Forge): Promise<void> {
  await Promise.all(
    listRepos(forge).map(async (repo) => {
      const locks = await removeAllLeftLocks(repoPath(forge, repo.id));
      if (locks > 0) forge.log.warn({ repo: fullName(repo), locks }, 'locks of a dead git were removed');
    }),
  );
}
