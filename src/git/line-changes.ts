// Which lines of one file became which of another, without their content: what follows a place through a change.
import { readUpTo } from './read-up-to.ts';
import type { Git } from './run.ts';

/** Lines `oldStart` and on became lines `newStart` and on; of no lines, the number is that of the line before. */
export interface LineChange {
  oldStart: number;
  oldLines: number;
  newStart: number;
  newLines: number;
}

const maxBytes = 20 * 1024 * 1024;
const maxMs = 5000;

/** The changed lines between two blobs, in order; undefined when the files are too large to compare, or no text. */
export async function readLineChanges(
  git: Git,
  blobs: { repo: string; oldOid: string; newOid: string },
): Promise<LineChange[] | undefined> {
  const args = [
    'diff',
    '--no-ext-diff',
    '--no-textconv',
    '--no-color',
    '-U0',
    '--diff-algorithm=histogram',
    '--no-indent-heuristic',
    '--end-of-options',
    blobs.oldOid,
    blobs.newOid,
  ];
  const { bytes, isWhole } = await readUpTo(git, args, { repo: blobs.repo, maxBytes, maxMs });
  const text = bytes.toString('latin1');
  if (!isWhole || /^Binary files /m.test(text)) return undefined;
  // Every line of content begins with a sign, so none can pose as a header.
  return [...text.matchAll(/^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/gm)].map((header) => ({
    oldStart: Number(header[1]),
    oldLines: Number(header[2] ?? 1),
    newStart: Number(header[3]),
    newLines: Number(header[4] ?? 1),
  }));
}

/** New names by old ones, of the files that were renamed between two commits; none when there are too many to look at. */
export async function readRenames(
  git: Git,
  ends: { repo: string; oldOid: string; newOid: string },
): Promise<Map<string, string>> {
  const args = ['diff-tree', '-r', '-M', '--diff-filter=R', '--name-status', '-z', '--end-of-options'];
  const read = await readUpTo(git, [...args, ends.oldOid, ends.newOid], {
    repo: ends.repo,
    maxBytes,
    maxMs,
  });
  if (!read.isWhole) return new Map();
  const parts = read.bytes.toString('utf8').split('\0');
  const renames = new Map<string, string>();
  for (let at = 0; at + 2 < parts.length; at += 3) renames.set(parts[at + 1] ?? '', parts[at + 2] ?? '');
  return renames;
}
