import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Forge } from '../forge/open.ts';
import { listRefs, updateRefs, zeroOid, type RefMove } from '../git/refs.ts';
import { listMissing, listUnreadableRefs } from '../git/unreadable.ts';
import type { Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { pinRef } from './model.ts';
import { listPushedHeads } from './store.ts';

export interface PinsToMend {
  /** Pushed heads that are there and have no pin, or one that stands elsewhere. */
  lost: RefMove[];
  /** Pins that point at nothing. */
  dead: RefMove[];
  /** Pushed heads, and heads of pins, that are gone themselves. */
  missing: string[];
}

/** Compares the pins of a repository with its pushed heads, with two gits however many there are. */
export async function comparePins(forge: Forge, { id }: Pick<Repo, 'id'>): Promise<PinsToMend> {
  const path = repoPath(forge, id);
  const pins = await listRefs(forge.git, path, [prefix]);
  const names = { has: (name: string) => pins.has(`${prefix}${name}`) };
  for (const name of (await listUnreadableRefs(join(path, prefix), names)).keys()) {
    // The death of the machine left it half written.
    await rm(join(path, prefix, name), { force: true });
  }
  const wanted = listPushedHeads(forge.db, id).map(({ number, revision, headOid }) => ({
    ref: pinRef(number, revision),
    newOid: headOid,
  }));
  const oids = [...pins.values(), ...wanted.map(({ newOid }) => newOid)];
  const missing = await listMissing(forge.git, path, oids);
  const lost = wanted.filter(({ ref, newOid }) => pins.get(ref) !== newOid && !missing.has(newOid));
  const mendable = new Set(lost.map(({ ref }) => ref));
  const dead = [...pins].filter(([ref, oid]) => missing.has(oid) && !mendable.has(ref));
  return {
    lost,
    dead: dead.map(([ref, oldOid]) => ({ ref, newOid: zeroOid, oldOid })),
    missing: [...missing],
  };
}

const prefix = 'refs/pika/heads/';

/**
 * Pins every pushed head of a repository that has lost its pin, and takes away pins that point at nothing: git fails
 * over them whenever it serves the repository. `lost` are the heads that are gone themselves. Only called in the
 * repository's turn.
 */
export async function mendPins(
  forge: Forge,
  repo: Pick<Repo, 'id'>,
): Promise<{ mended: number; lost: string[] }> {
  const { lost, dead, missing } = await comparePins(forge, repo);
  await updateRefs(forge.git, repoPath(forge, repo.id), [...lost, ...dead]);
  return { mended: lost.length, lost: missing };
}
