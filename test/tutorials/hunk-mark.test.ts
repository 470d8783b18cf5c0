import { expect, test } from 'vitest';
import type { DiffFile, Hunk } from '../../src/git/diff.ts';
import { hunkMarks } from '../../src/tutorials/hunk-mark.ts';

const hunk = (start: number, text: string): Hunk => ({
  oldStart: start,
  oldLines: 0,
  newStart: start,
  newLines: 1,
  section: '',
  lines: [{ kind: 'added', text, newNumber: start }],
});

const fileOf = (oid: string, ...hunks: Hunk[]): DiffFile => ({
  status: 'modified',
  oldPath: 'a.ts',
  newPath: 'a.ts',
  oldMode: '100644',
  newMode: '100644',
  oldOid: oid.repeat(40),
  newOid: oid.repeat(40),
  binary: false,
  added: hunks.length,
  removed: 0,
  hunks,
  tooLarge: false,
});

const marksOf = (file: DiffFile): string[] => [...hunkMarks([file]).values()];

test('a hunk that only moves keeps its mark, and one that says something else gets another', () => {
  const [mark] = marksOf(fileOf('a', hunk(5, 'x')));
  expect(marksOf(fileOf('b', hunk(9, 'x')))).toEqual([mark]);
  expect(marksOf(fileOf('a', hunk(5, 'y')))).not.toEqual([mark]);
});

test('hunks of the same lines are told apart, and a file without hunks by what git says of it', () => {
  expect(new Set(marksOf(fileOf('a', hunk(5, 'x'), hunk(9, 'x')))).size).toBe(2);
  expect(marksOf(fileOf('a'))).toHaveLength(1);
  const binary = (oid: string): DiffFile => ({ ...fileOf('a'), newOid: oid.repeat(40) });
  expect(marksOf(binary('b'))).not.toEqual(marksOf(binary('c')));
  // A file that is only moved is the same move, whatever is in it.
  expect(marksOf(fileOf('a'))).toEqual(marksOf(fileOf('b')));
});
