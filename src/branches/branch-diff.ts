// The difference a revision makes, from its merge base to its head. Both are object ids, so it never changes: it is
// kept for the next reader.
import type { Forge } from '../forge/open.ts';
import { readDiff, type Diff } from '../git/diff.ts';
import { repoPath } from '../repos/path.ts';

export interface DiffEnds {
  repoId: number;
  baseOid: string | undefined;
  headOid: string;
}

const maxCached = 30;
const cache = new Map<string, Promise<Diff>>();

export function branchDiff(forge: Forge, ends: DiffEnds): Promise<Diff> {
  const repo = repoPath(forge, ends.repoId);
  const key = `${repo} ${ends.baseOid} ${ends.headOid}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const { maxDiffFiles: maxFiles, maxDiffBytes: maxBytes } = forge.config.limits;
  const diff = readDiff(forge.git, { repo, base: ends.baseOid, head: ends.headOid, maxFiles, maxBytes });
  cache.set(key, diff);
  const oldest = cache.keys().next().value;
  if (cache.size > maxCached && oldest !== undefined) cache.delete(oldest);
  // A failure is not kept: the next reader may have more luck.
  diff.catch(() => cache.delete(key));
  return diff;
}
