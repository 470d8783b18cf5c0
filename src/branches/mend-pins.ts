import type { Forge } from '../forge/open.ts';
import { listRefs, updateRefs, type RefMove } from '../git/refs.ts';
import { listMissing } from '../git/unreadable.ts';
import type { Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { pinRef } from './model.ts';
import { listPushedHeads } from './store.ts';

/**
 * Pins every pushed head of a repository that has lost its pin, with three gits however many there are. `lost` are
 * the heads that are gone themselves. Only called in the repository's turn.
 */
export async function mendPins(
  forge: Forge,
  { id }: Pick<Repo, 'id'>,
): Promise<{ mended: number; lost: string[] }> {
  const path = repoPath(forge, id);
  const pins = await listRefs(forge.git, path, ['refs/pika/heads/']);
  const moves: RefMove[] = [];
  for (const { number, revision, headOid } of listPushedHeads(forge.db, id)) {
    const ref = pinRef(number, revision);
    if (pins.get(ref) !== headOid) moves.push({ ref, newOid: headOid });
  }
  const missing = await listMissing(
    forge.git,
    path,
    moves.map((move) => move.newOid),
  );
  const mendable = moves.filter((move) => !missing.has(move.newOid));
  await updateRefs(forge.git, path, mendable);
  return { mended: mendable.length, lost: [...missing] };
}
