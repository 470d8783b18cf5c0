import type { Forge } from '../forge/open.ts';
import { lastChanges, type LastChange } from '../git/last-changes.ts';
import type { GitPath } from '../git/git-path.ts';
import { repoPath } from '../repos/path.ts';
import { readOnce } from './costly-read.ts';
import type { Place } from './place.ts';

export interface FolderChanges {
  changes: Map<GitPath, LastChange>;
  /** False when the time was up before every entry was met. */
  isWhole: boolean;
}

/** Which commit last changed each of `names` in the folder of a place; kept, because it follows from the commit. */
export function folderChanges(forge: Forge, place: Place, names: readonly GitPath[]): Promise<FolderChanges> {
  return readOnce(forge, {
    repoId: place.repo.id,
    key: `folder ${place.commit} ${place.path}`,
    read: () =>
      lastChanges(forge.git, {
        repo: repoPath(forge, place.repo.id),
        commit: place.commit,
        folder: place.path,
        names,
        maxMs: forge.config.limits.readSeconds * 1000,
      }),
    sizeOf: ({ changes }) => 500 * (1 + changes.size),
  });
}
