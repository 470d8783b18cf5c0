// Finds branches that their target contains although nobody merged them here: by ancestry, one git for each target.
import type { Forge } from '../forge/open.ts';
import { mergeBases } from '../git/merge-bases.ts';
import { updateRefs, zeroOid } from '../git/refs.ts';
import { inHalves } from '../lib/in-halves.ts';
import { brokenReason, markBroken } from './broken.ts';
import type { Comparison } from './comparison.ts';
import { settleBranch } from './settle.ts';
import type { OpenHead } from './store.ts';

/** Heads that a target was seen not to contain; nothing can change about that. */
interface Asked {
  target: string;
  heads: Set<string>;
}
const asked = new WeakMap<Forge, Map<string, Asked>>();

/** Marks branches as merged that brought commits of their own and whose target has them; their refs go. */
export async function settleLanded(forge: Forge, compared: Comparison): Promise<void> {
  const { heads, missing, open } = compared;
  const present = [...open.values()].filter(
    (row) =>
      heads.get(row.name) === row.headOid &&
      row.brokenReason === null &&
      row.baseOid !== row.headOid &&
      !missing.has(row.headOid),
  );
  for (const [name, rows] of Map.groupBy(present, (row) => row.target)) {
    const target = heads.get(name);
    if (target === undefined || missing.has(target)) continue;
    const known = askedOf(forge, `${compared.repo.id} ${name}`, target);
    const landed: OpenHead[] = [];
    const look = async (some: readonly OpenHead[]): Promise<void> => {
      const bases = await mergeBases(forge.git, compared.path, {
        target,
        heads: some.map((row) => row.headOid),
      });
      for (const row of some) {
        if (bases.get(row.headOid) === row.headOid) landed.push(row);
        else known.heads.add(row.headOid);
      }
    };
    const unknown = rows.filter((row) => !known.heads.has(row.headOid));
    await inHalves(unknown, look, (row, error) => breakRow(forge, compared, row, error));
    await inHalves(
      landed,
      (some) => removeLanded(forge, compared, some),
      (row, error) => breakRow(forge, compared, row, error),
    );
  }
}

function askedOf(forge: Forge, key: string, target: string): Asked {
  const ofForge = asked.get(forge) ?? new Map<string, Asked>();
  asked.set(forge, ofForge);
  const before = ofForge.get(key);
  if (before?.target === target) return before;
  const fresh = { target, heads: new Set<string>() };
  ofForge.set(key, fresh);
  return fresh;
}

// The refs go first: a merged row whose ref stands would come back as a new branch.
async function removeLanded(forge: Forge, { path }: Comparison, rows: readonly OpenHead[]): Promise<void> {
  const moves = rows.map((row) => ({ ref: `refs/heads/${row.name}`, newOid: zeroOid, oldOid: row.headOid }));
  await updateRefs(forge.git, path, moves);
  for (const row of rows) settleBranch(forge, { branchId: row.id, state: 'merged' });
}

function breakRow(forge: Forge, { repo }: Comparison, { id }: OpenHead, error: unknown): void {
  forge.log.error(
    { err: error, repoId: repo.id, branchId: id },
    'a branch could not be compared with its target',
  );
  markBroken(forge, { id, repoId: repo.id }, brokenReason(error));
}
