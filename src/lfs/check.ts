// Reads every large file and compares it with its name, for the operator who wants to know what a disk has done.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Forge } from '../forge/open.ts';
import { isOnDisk } from './find.ts';
import type { Pointer } from './model.ts';
import { objectPath } from './object-path.ts';
import { listObjects } from './store.ts';

const rowsPerRead = 500;

export interface LfsDamage extends Pointer {
  problem: 'missing' | 'altered';
}

/** How many objects were read, and those whose bytes are gone or are others than they were. */
export async function checkLfsObjects(forge: Forge): Promise<{ checked: number; damaged: LfsDamage[] }> {
  const damaged: LfsDamage[] = [];
  let checked = 0;
  let after = '';
  for (;;) {
    const objects = listObjects(forge.db, { after, limit: rowsPerRead });
    for (const object of objects) {
      const problem = await problemOf(forge, object);
      if (problem !== undefined) damaged.push({ ...object, problem });
      after = object.oid;
    }
    checked += objects.length;
    if (objects.length < rowsPerRead) return { checked, damaged };
  }
}

async function problemOf(forge: Forge, object: Pointer): Promise<LfsDamage['problem'] | undefined> {
  if (!(await isOnDisk(forge, object))) return 'missing';
  const hash = createHash('sha256');
  await pipeline(createReadStream(objectPath(forge, object.oid)), hash);
  return hash.digest('hex') === object.oid ? undefined : 'altered';
}
