import { mkdir, rm } from 'node:fs/promises';
import type { Forge } from '../forge/open.ts';
import { incomingFolder, objectPath } from './object-path.ts';
import { deleteObject, listUnheld } from './store.ts';

/**
 * Clears what ended half way: files of uploads that a stop or a crash cut off, and objects that no repository has.
 * Call it before the routes are served, when no upload can be in progress.
 */
export async function sweepLfs(forge: Forge): Promise<void> {
  await rm(incomingFolder(forge), { recursive: true, force: true });
  await mkdir(incomingFolder(forge), { recursive: true, mode: 0o700 });
  for (const { oid } of listUnheld(forge.db)) {
    // The file first: a row without its file is swept again, a file without its row would stay for ever.
    await rm(objectPath(forge, oid), { force: true });
    deleteObject(forge.db, oid);
  }
}
