import { join } from 'node:path';
import type { Forge } from '../forge/open.ts';
import { isObjectId } from './model.ts';

/** The folder of an object: 65,536 of them, so that none grows large. The id is checked: it becomes a path. */
export function objectFolder(forge: Forge, oid: string): string {
  if (!isObjectId(oid)) throw new Error('not an object id of Git LFS');
  return join(forge.config.paths.lfs, 'objects', oid.slice(0, 2), oid.slice(2, 4));
}

export const objectPath = (forge: Forge, oid: string): string => join(objectFolder(forge, oid), oid);

/** Where uploads stand until they are whole and verified. */
export const incomingFolder = (forge: Forge): string => join(forge.config.paths.lfs, 'incoming');
