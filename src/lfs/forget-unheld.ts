// Large files that no repository has any more: uploads that ended half way, and what a repository took with it.
import { rmSync } from 'node:fs';
import type { Forge } from '../forge/open.ts';
import { objectPath } from './object-path.ts';
import { deleteUnheld, listUnheldBefore } from './store.ts';

export const listUnheldObjects = (
  forge: Forge,
  page: { before: number; limit: number },
): { oid: string; size: number; createdAt: number }[] => listUnheldBefore(forge.db, page);

/** False: a repository has it by now. */
export function forgetUnheld(forge: Forge, oid: string): boolean {
  if (!deleteUnheld(forge.db, oid)) return false;
  // In one go with the row: an upload of the same object would find its file taken away otherwise.
  rmSync(objectPath(forge, oid), { force: true });
  return true;
}
