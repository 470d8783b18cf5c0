import { stat } from 'node:fs/promises';
import type { Forge } from '../forge/open.ts';
import type { Pointer } from './model.ts';
import { objectPath } from './object-path.ts';
import { findHolding, sumHoldings } from './store.ts';

type Wanted = { repoId: number; oid: string };

/** The object, if this repository was given its bytes; that another repository has it says nothing. */
export const findLfsObject = (forge: Forge, wanted: Wanted): Pointer | undefined =>
  findHolding(forge.db, wanted);

export const hasLfsObject = (forge: Forge, wanted: Wanted): boolean =>
  findLfsObject(forge, wanted) !== undefined;

/** Whether the bytes are on disk as the row says; a disk that lost them must not be taken for a repository without. */
export async function isOnDisk(forge: Forge, { oid, size }: Pointer): Promise<boolean> {
  const found = await stat(objectPath(forge, oid)).catch(() => undefined);
  return found !== undefined && found.isFile() && found.size === size;
}

/** How many large files a repository has, and how many bytes they are together. */
export const lfsTotals = (forge: Forge, repoId: number): { objects: number; bytes: number } =>
  sumHoldings(forge.db, repoId);
