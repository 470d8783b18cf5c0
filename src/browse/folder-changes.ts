import type { Forge } from '../forge/open.ts';
import { lastChanges, type LastChange } from '../git/last-changes.ts';
import type { GitPath } from '../git/git-path.ts';
import { repoPath } from '../repos/path.ts';
import { readOnce } from './costly-read.ts';
import type { Place } from './place.ts';
import type { FolderPart } from './tree.ts';

export interface FolderChanges {
  changes: Map<GitPath, LastChange>;
  /** False when the time was up before every entry was met. */
  isWhole: boolean;
}

/** Which commit last changed each of the listed entries; kept, because it follows from the commit. */
export function folderChanges(forge: Forge, place: Place, part: FolderPart): Promise<FolderChanges> {
  return readOnce(forge, {
    repoId: place.repo.id,
    key: `folder ${place.commit} ${part.from} ${place.path}`,
    read: () =>
      lastChanges(forge.git, {
        repo: repoPath(forge, place.repo.id),
        commit: place.commit,
        folder: place.path,
        names: part.entries.map(({ name }) => name),
        maxMs: forge.config.limits.readSeconds * 1000,
      }),
    sizeOf: ({ changes }) => 500 * (1 + changes.size),
  });
}
