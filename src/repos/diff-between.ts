// The difference between two commits. Both are object ids, so it never changes: it is kept for the next reader.
import type { Forge } from '../forge/open.ts';
import { readDiff, type Diff } from '../git/diff.ts';
import { repoPath } from './path.ts';

export interface DiffEnds {
  repoId: number;
  baseOid: string | undefined;
  headOid: string;
  /** Lines that differ in white space alone count as the same. */
  ignoresSpace?: boolean | undefined;
}

// What is kept together, in UTF-16 units of its lines.
const maxCachedLength = 40_000_000;

interface Kept {
  diff: Promise<Diff>;
  /** 0 until it is read. */
  length: number;
}

const cache = new Map<string, Kept>();

/** The kept difference, or what git says; `takeTurn` is given that reading, to start it when it may. */
export function diffBetween(
  forge: Forge,
  ends: DiffEnds,
  takeTurn: (read: () => Promise<Diff>) => Promise<Diff> = (read) => read(),
): Promise<Diff> {
  const repo = repoPath(forge, ends.repoId);
  const { baseOid: base, headOid: head, ignoresSpace = false } = ends;
  const key = `${repo} ${base} ${head} ${ignoresSpace}`;
  const known = cache.get(key);
  if (known !== undefined) {
    // Back to the young end of the map; the old end is dropped first.
    cache.delete(key);
    cache.set(key, known);
    return known.diff;
  }
  const { maxDiffFiles: maxFiles, maxDiffBytes: maxBytes } = forge.config.limits;
  const range = { repo, base, head, ignoresSpace, maxFiles, maxBytes };
  const diff = takeTurn(() => readDiff(forge.git, range));
  const kept = { diff, length: 0 };
  cache.set(key, kept);
  // A failure is not kept: the next reader may have more luck.
  diff.then(
    (read) => {
      kept.length = lengthOf(read);
      dropOldest();
    },
    () => cache.delete(key),
  );
  return diff;
}

/** A line counts more than its text: it is an object of its own. */
function lengthOf({ files }: Diff): number {
  const lines = files.flatMap((file) => file.hunks).flatMap((hunk) => hunk.lines);
  return lines.reduce((sum, line) => sum + line.text.length + 60, 400 * files.length);
}

function dropOldest(): void {
  let total = [...cache.values()].reduce((sum, entry) => sum + entry.length, 0);
  for (const [key, entry] of cache) {
    // The newest stays, however large: its page is being read.
    if (total <= maxCachedLength || cache.size === 1) return;
    cache.delete(key);
    total -= entry.length;
  }
}
