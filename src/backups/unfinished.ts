// What a backup that was killed left behind in the folder; told from what is being written by the lock.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { backupsFolder, draftPrefix, filesFolder } from './folder.ts';
import { isFolderLocked, withFolderLock } from './lock-folder.ts';
import { unfinishedPrefix } from './store-file.ts';

/** From the folder on; nothing while a backup is written, for what it writes is not finished either. */
export async function listUnfinished(folder: string): Promise<string[]> {
  if (await isFolderLocked(folder)) return [];
  return (await find(folder)).map((path) => path.slice(folder.length + 1));
}

/** Takes it away. Refuses (`conflict`) while a backup is written. */
export const clearUnfinished = (folder: string): Promise<void> =>
  withFolderLock(folder, () => removeUnfinished(folder));

/** Only under the lock of the folder. */
export async function removeUnfinished(folder: string): Promise<void> {
  for (const path of await find(folder)) await rm(path, { recursive: true, force: true });
}

async function find(folder: string): Promise<string[]> {
  const places = [
    [backupsFolder(folder), draftPrefix],
    [filesFolder(folder), unfinishedPrefix],
  ] as const;
  const found: string[] = [];
  for (const [place, prefix] of places) {
    const names = await readdir(place).catch(() => []);
    found.push(...names.filter((name) => name.startsWith(prefix)).map((name) => join(place, name)));
  }
  return found;
}
