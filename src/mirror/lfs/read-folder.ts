// Objects of Git LFS out of a repository in a folder of this machine, where its client keeps them.
import { createReadStream } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCaller } from '../../accounts/system.ts';
import type { Forge } from '../../forge/open.ts';
import type { Pointer } from '../../lfs/model.ts';
import { receiveObject } from '../../lfs/receive-object.ts';
import { ForgeError } from '../../lib/errors.ts';
import type { Repo } from '../../repos/model.ts';
import type { Moved } from './move-objects.ts';

/** Of a bare repository, and of one with a working tree. */
const keptBelow = ['lfs/objects', '.git/lfs/objects'];

export interface FolderReading {
  repo: Repo;
  /** Absolute. */
  folder: string;
  objects: readonly Pointer[];
  signal?: AbortSignal | undefined;
}

/** What is not there, or is other than its name says, is left and told. */
export async function readFolder(
  forge: Forge,
  { repo, folder, objects, signal }: FolderReading,
): Promise<Moved> {
  const moved: Moved = { moved: 0, bytes: 0, left: [], none: undefined };
  const caller = systemCaller(forge);
  for (const object of objects) {
    signal?.throwIfAborted();
    const file = await findFile(folder, object);
    if (file === undefined) {
      moved.left.push({ oid: object.oid, why: 'it is not in the folder' });
      continue;
    }
    const body = createReadStream(file);
    try {
      await receiveObject(forge, { repo, caller, object, body });
      moved.moved += 1;
      moved.bytes += object.size;
    } catch (error) {
      if (!(error instanceof ForgeError && error.code === 'invalid')) throw error;
      moved.left.push({ oid: object.oid, why: error.message });
    } finally {
      body.destroy();
    }
  }
  return moved;
}

async function findFile(folder: string, { oid }: Pointer): Promise<string | undefined> {
  for (const below of keptBelow) {
    const file = join(folder, below, oid.slice(0, 2), oid.slice(2, 4), oid);
    // Not a link: whoever made the folder does not choose what of this machine is read.
    const found = await lstat(file).catch(() => undefined);
    if (found?.isFile() === true) return file;
  }
  return undefined;
}
