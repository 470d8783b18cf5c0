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

// What is kept together. A difference of 20,000 files takes 55 MB, one of 1,000 files 4 MB.
const maxKeptDiffBytes = 64 * 1024 * 1024;
// What a line and a file take beside their text, as measured.
const lineBytes = 150;
const fileBytes = 400;

interface Kept {
  diff: Promise<Diff>;
  /** 0 until it is read. */
  bytes: number;
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
  const kept = { diff, bytes: 0 };
  cache.set(key, kept);
  // A failure is not kept: the next reader may have more luck.
  diff.then(
    (read) => {
      kept.bytes = bytesOf(read);
      dropOldest();
    },
    () => cache.delete(key),
  );
  return diff;
}

/** The whole text that git printed counts: a line that was cut keeps what was cut off. */
function bytesOf({ files, textBytes = 0 }: Diff): number {
  let lines = 0;
  for (const file of files) for (const hunk of file.hunks) lines += hunk.lines.length;
  return textBytes + lineBytes * lines + fileBytes * files.length;
}

function dropOldest(): void {
  let total = [...cache.values()].reduce((sum, entry) => sum + entry.bytes, 0);
  for (const [key, entry] of cache) {
    // The newest stays, however large: its page is being read.
    if (total <= maxKeptDiffBytes || cache.size === 1) return;
    cache.delete(key);
    total -= entry.bytes;
  }
}
