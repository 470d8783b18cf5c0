// Open branches whose ref is not there any more: merged when their target has their commits, else closed.
import type { Forge } from '../forge/open.ts';
import { mergeBases } from '../git/merge-bases.ts';
import { inHalves } from '../lib/in-halves.ts';
import type { Comparison } from './comparison.ts';
import { settleBranch } from './settle.ts';
import type { OpenHead } from './store.ts';

export async function settleVanished(forge: Forge, compared: Comparison): Promise<void> {
  const gone: OpenHead[] = [];
  for (const row of compared.open.values()) {
    if (!compared.heads.has(row.name) && !compared.aside.has(row.name)) gone.push(row);
  }
  const merged = await listMerged(forge, compared, gone);
  for (const { id } of gone) {
    settleBranch(forge, { branchId: id, state: merged.has(id) ? 'merged' : 'closed' });
  }
}

/** The ids of those whose target contains them; a head that cannot be read is in no target. */
async function listMerged(
  forge: Forge,
  compared: Comparison,
  rows: readonly OpenHead[],
): Promise<Set<number>> {
  const merged = new Set<number>();
  const readable = rows.filter((row) => row.baseOid !== row.headOid && !compared.missing.has(row.headOid));
  for (const [name, some] of Map.groupBy(readable, (row) => row.target)) {
    const target = compared.heads.get(name);
    if (target === undefined) continue;
    const look = async (part: readonly OpenHead[]): Promise<void> => {
      const bases = await mergeBases(forge.git, compared.path, {
        target,
        heads: part.map((row) => row.headOid),
      });
      for (const row of part) if (bases.get(row.headOid) === row.headOid) merged.add(row.id);
    };
    await inHalves(some, look, (row, error) => {
      forge.log.error(
        { err: error, branchId: row.id },
        'a branch that is gone could not be compared with its target',
      );
    });
  }
  return merged;
}
