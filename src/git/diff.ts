// The difference between two commits, as data. Nothing of the repository's own configuration takes part.
import {
  emptyContent,
  parsePartialPatch,
  parsePatch,
  parseRaw,
  type Diff,
  type DiffFile,
} from './parse-diff.ts';
import { patchOptions } from './patch-options.ts';
import { readUpTo, type OutputStart } from './read-up-to.ts';
import type { Git } from './run.ts';

export type { Diff, DiffFile, DiffLine, Hunk } from './parse-diff.ts';

/** git's own well-known empty tree; stands for "before anything". */
export const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

export interface DiffRange {
  /** The bare repository's folder. */
  repo: string;
  /** An object id; undefined = from nothing. */
  base: string | undefined;
  head: string;
  /** Lines that differ in white space alone are the same; those of the new file are told then. */
  ignoresSpace?: boolean | undefined;
  maxFiles: number;
  maxBytes: number;
}

const diffTree = ['diff-tree', '-r', '-M', '--raw', '-z', '-p', '-U3', ...patchOptions];
const maxMs = 30_000;
// In a difference over the limit, a file larger than this is left out, so that it does not take the place of the rest.
const hugeFileBytes = 1024 * 1024;

/**
 * Files in the order git gives them, with hunks of three lines of context. Over `maxBytes`, huge files and then those
 * at the end come without content (each `tooLarge`), over `maxFiles` the rest is left out; both say `truncated`.
 */
export async function readDiff(git: Git, range: DiffRange): Promise<Diff> {
  const ignoresSpace = range.ignoresSpace === true;
  const space = ignoresSpace ? ['--ignore-all-space'] : [];
  const args = [...diffTree, ...space, '--end-of-options', range.base ?? emptyTree, range.head];
  const limits = { repo: range.repo, maxBytes: range.maxBytes, maxMs };
  const whole = await readUpTo(git, args, limits);
  if (whole.isWhole) return limitFiles(toDiff(whole, ignoresSpace), range.maxFiles);
  // Git was stopped before it knew which files differ, so it is not the size of some that is too much.
  if (whole.bytes.length === 0) return { files: [], truncated: true };
  // git takes what is larger than its threshold for binary, and prints one line for it.
  const threshold = ['-c', `core.bigFileThreshold=${hugeFileBytes}`];
  const start = await readUpTo(git, [...threshold, ...args], limits);
  const part = limitFiles(toDiff(start, ignoresSpace), range.maxFiles);
  await tellHugeFromBinary(git, range.repo, part.files);
  return { ...part, truncated: true };
}

function toDiff({ bytes, isWhole }: OutputStart, ignoresSpace: boolean): Diff {
  const { files, patchStart } = parseRaw(bytes);
  const read = ignoresSpace ? parsePartialPatch : parsePatch;
  const patch = bytes.toString('utf8', patchStart);
  const last = read(files, patch);
  if (!isWhole) {
    for (const file of files.slice(Math.max(0, last)))
      Object.assign(file, emptyContent(), { tooLarge: true });
  }
  // Of a text with other letters than those of ASCII, each letter takes two bytes.
  const isPlain = patch.length === bytes.length - patchStart;
  return { files, truncated: !isWhole, textBytes: patch.length * (isPlain ? 1 : 2) };
}

/** Marks those of the binary files that only their size made so. */
async function tellHugeFromBinary(git: Git, repo: string, files: readonly DiffFile[]): Promise<void> {
  const suspects = files.filter((file) => file.binary);
  if (suspects.length === 0) return;
  const input = suspects.flatMap(({ oldOid, newOid }) => [oldOid, newOid]).join('\n');
  // A side that is not there (an added file, a submodule) answers "missing", which is no size.
  const answer = await git.text(['cat-file', '--batch-check=%(objectsize)'], { repo, input: `${input}\n` });
  const sizes = answer.split('\n').map(Number);
  suspects.forEach((file, index) => {
    const isHuge = sizes.slice(2 * index, 2 * index + 2).some((size) => size > hugeFileBytes);
    if (isHuge) Object.assign(file, { binary: false, tooLarge: true });
  });
}

function limitFiles(diff: Diff, maxFiles: number): Diff {
  if (diff.files.length <= maxFiles) return diff;
  return { ...diff, files: diff.files.slice(0, maxFiles), truncated: true };
}
