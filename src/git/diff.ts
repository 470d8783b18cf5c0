// The difference between two commits, as data. Nothing of the repository's own configuration takes part.
import { ForgeError } from '../lib/errors.ts';
import { parsePatch, parseRaw, type Diff } from './parse-diff.ts';
import type { Git } from './run.ts';

export type { Diff, DiffFile, DiffLine, FileStatus, Hunk } from './parse-diff.ts';

/** git's own well-known empty tree; stands for "before anything". */
export const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

export interface DiffRange {
  /** The bare repository's folder. */
  repo: string;
  /** An object id; undefined = from nothing. */
  base: string | undefined;
  head: string;
  maxFiles: number;
  maxBytes: number;
}

const names = [
  'diff-tree',
  '-r',
  '-M',
  '--raw',
  '-z',
  '--full-index',
  '--no-ext-diff',
  '--no-textconv',
  '--no-color',
];
const patch = [
  '-p',
  '-U3',
  '--diff-algorithm=histogram',
  '--no-indent-heuristic',
  '--src-prefix=a/',
  '--dst-prefix=b/',
];

/**
 * Files in the order git gives them, with hunks of three lines of context. Over `maxBytes` the files come without
 * content (each `tooLarge`), over `maxFiles` the rest is left out; both say `truncated`.
 */
export async function readDiff(git: Git, range: DiffRange): Promise<Diff> {
  const sides = ['--end-of-options', range.base ?? emptyTree, range.head];
  try {
    const { stdout } = await git.run([...names, ...patch, ...sides], {
      repo: range.repo,
      maxBytes: range.maxBytes,
    });
    const { files, patchStart } = parseRaw(stdout);
    parsePatch(files, stdout.toString('utf8', patchStart));
    return limitFiles({ files, truncated: false }, range.maxFiles);
  } catch (error) {
    if (!(error instanceof ForgeError) || error.code !== 'too_large') throw error;
    const { stdout } = await git.run([...names, ...sides], {
      repo: range.repo,
      maxBytes: 10 * range.maxBytes,
    });
    const files = parseRaw(stdout).files.map((file) => ({ ...file, tooLarge: true }));
    return limitFiles({ files, truncated: true }, range.maxFiles);
  }
}

function limitFiles(diff: Diff, maxFiles: number): Diff {
  if (diff.files.length <= maxFiles) return diff;
  return { files: diff.files.slice(0, maxFiles), truncated: true };
}
