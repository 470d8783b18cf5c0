import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { findLfsObject, isOnDisk } from './find.ts';
import type { Pointer } from './model.ts';
import { objectPath } from './object-path.ts';

/**
 * The bytes of an object that this repository was given, to be streamed. Refuses (`not_found`) any other, and
 * (`unavailable`) one that the disk has lost.
 */
export async function openLfsObject(
  forge: Forge,
  wanted: { repoId: number; oid: string },
): Promise<{ size: number; path: string; stream: () => Readable }> {
  const object = findLfsObject(forge, wanted);
  if (object === undefined) throw noSuchObject(wanted.oid);
  if (!(await isOnDisk(forge, object))) throw lostObject(object);
  const path = objectPath(forge, object.oid);
  return { size: object.size, path, stream: () => createReadStream(path) };
}

export const noSuchObject = (oid: string): ForgeError =>
  new ForgeError(
    'not_found',
    `This repository has not been given the object ${oid}. Whoever has it can send it with: git lfs push --all REMOTE`,
  );

export const lostObject = ({ oid }: Pointer): ForgeError =>
  new ForgeError(
    'unavailable',
    `The forge has lost the bytes of ${oid}. Send them again with: git lfs push --all REMOTE`,
  );
