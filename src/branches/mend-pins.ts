import type { Forge } from '../forge/open.ts';
import { listRefs, updateRefs, zeroOid } from '../git/refs.ts';
import { listMissing } from '../git/unreadable.ts';
import type { Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { pinRef } from './model.ts';
import { listPushedHeads } from './store.ts';

/**
 * Pins every pushed head of a repository that has lost its pin, and takes away pins that point at nothing: git fails
 * over them whenever it serves the repository. `lost` are the heads that are gone themselves. Only called in the
 * repository's turn.
 */
export async function mendPins(
  forge: Forge,
  { id }: Pick<Repo, 'id'>,
): Promise<{ mended: number; lost: string[] }> {
  const path = repoPath(forge, id);
  const pins = await listRefs(forge.git, path, ['refs/pika/heads/']);
  const wanted = listPushedHeads(forge.db, id).map(({ number, revision, headOid }) => ({
    ref: pinRef(number, revision),
    newOid: headOid,
  }));
  const oids = [...pins.values(), ...wanted.map(({ newOid }) => newOid)];
  const missing = await listMissing(forge.git, path, oids);
  const mendable = wanted.filter(({ ref, newOid }) => pins.get(ref) !== newOid && !missing.has(newOid));
  const dead = [...pins].filter(
    ([ref, oid]) => missing.has(oid) && mendable.every((move) => move.ref !== ref),
  );
  await updateRefs(forge.git, path, [
    ...mendable,
    ...dead.map(([ref, oldOid]) => ({ ref, newOid: zeroOid, oldOid })),
  ]);
  return { mended: mendable.length, lost: [...missing] };
}
