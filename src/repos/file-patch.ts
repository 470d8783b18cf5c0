// A mark of what a difference does to one file, whatever it stands on: the same mark in two revisions means that the
// file was at most rebased. Where the difference does not hold all of the content, the content itself is part of it.
import { createHash } from 'node:crypto';
import type { DiffFile, DiffLine } from '../git/diff.ts';

const known = new WeakMap<DiffFile, string>();
const signs = { context: ' ', added: '+', removed: '-' } as const;

/** 64 hexadecimal digits; line numbers and the names of sections are not in them. */
export function filePatch(file: DiffFile): string {
  const mark = known.get(file) ?? hashFile(file);
  known.set(file, mark);
  return mark;
}

function hashFile(file: DiffFile): string {
  const { status, oldPath, newPath, oldMode, newMode, oldOid, newOid } = file;
  const hash = createHash('sha256');
  hash.update(`${JSON.stringify([status, oldPath, newPath, oldMode, newMode])}\n`);
  if (!tellsAll(file)) hash.update(`${oldOid} ${newOid}\n`);
  for (const { lines } of file.hunks) {
    hash.update('@@\n');
    for (const line of lines) hash.update(textOf(line));
  }
  return hash.digest('hex');
}

const textOf = ({ kind, text, noNewline }: DiffLine): string =>
  `${signs[kind]}${text}\n${noNewline === true ? '\\\n' : ''}`;

/** Nothing was left out, cut, or replaced because it is no text; a file without hunks is only moved or has another mode. */
function tellsAll(file: DiffFile): boolean {
  if (file.binary || file.tooLarge || `${file.oldPath}${file.newPath}`.includes('\uFFFD')) return false;
  if (file.hunks.length === 0) return file.oldOid === file.newOid;
  return file.hunks.every(({ lines }) =>
    lines.every(({ text, cut }) => cut === undefined && !text.includes('\uFFFD')),
  );
}
