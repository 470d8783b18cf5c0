// A hunk by what it does: its path and its lines, but not where in the file they stand. A rebase that only moves it
// leaves its mark as it is.
import { createHash } from 'node:crypto';
import type { DiffFile, Hunk } from '../git/diff.ts';
import { pathOf } from '../repos/file-view.ts';
import { hunksOf } from './coverage.ts';
import type { HunkKey } from './model.ts';

/** Of a file without hunks (binary, mode, rename) what git says of both sides. */
function markOf(file: DiffFile, index: number): string {
  const hunk = file.hunks[index];
  const hash = createHash('sha256').update(`${file.oldPath}\0${pathOf(file)}\0`);
  // A file that becomes executable as well is to be looked at again.
  if (hunk !== undefined && index === 0 && isOtherMode(file))
    hash.update(`${file.oldMode} ${file.newMode}\0`);
  if (hunk === undefined) hash.update(`${file.oldMode} ${file.newMode} `);
  if (!tellsAll(file, hunk)) hash.update(`${file.oldOid} ${file.newOid}`);
  for (const { kind, text, noNewline } of hunk?.lines ?? [])
    hash.update(`${kind}\0${text}\n${noNewline === true ? '\\' : ''}`);
  return end(hash);
}

/** Nothing was cut, or replaced because it is no text; without hunks, the file is only moved or has another mode. */
const tellsAll = (file: DiffFile, hunk: Hunk | undefined): boolean =>
  hunk === undefined
    ? file.oldOid === file.newOid
    : hunk.lines.every(({ text, cut }) => cut === undefined && !text.includes('\uFFFD'));

const isOtherMode = ({ status, oldMode, newMode }: DiffFile): boolean =>
  oldMode !== newMode && status !== 'added' && status !== 'deleted';

const end = (hash: ReturnType<typeof createHash>): string => hash.digest('base64url').slice(0, 24);

/**
 * The marks of the hunks of these files, by file and place. Hunks with the same lines, told apart by nothing but their
 * order, get marks of their own.
 */
export function hunkMarks(files: readonly DiffFile[]): Map<string, string> {
  const known = kept.get(files) ?? makeMarks(files);
  kept.set(files, known);
  return known;
}

// The files of a kept difference are the same object every time.
const kept = new WeakMap<readonly DiffFile[], Map<string, string>>();

function makeMarks(files: readonly DiffFile[]): Map<string, string> {
  const marks = new Map<string, string>();
  for (const file of files) {
    const seen = new Map<string, number>();
    for (const key of hunksOf(file)) {
      const mark = markOf(file, key.hunk);
      const count = (seen.get(mark) ?? 0) + 1;
      seen.set(mark, count);
      marks.set(keyOf(key), count === 1 ? mark : `${mark}-${count}`);
    }
  }
  return marks;
}

export const keyOf = ({ path, hunk }: HunkKey): string => `${hunk} ${path}`;
