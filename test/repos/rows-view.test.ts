import { expect, test } from 'vitest';
import type { DiffFile, Hunk } from '../../src/git/diff.ts';
import { keptRows, makeRows } from '../../src/repos/rows-view.ts';

const plain = { before: undefined, after: undefined };
const hunk: Hunk = {
  oldStart: 1,
  oldLines: 1,
  newStart: 1,
  newLines: 1,
  section: '',
  lines: [
    { kind: 'removed', text: 'let a;', oldNumber: 1 },
    { kind: 'added', text: 'let b;', newNumber: 1 },
  ],
};
const file: DiffFile = {
  status: 'modified',
  oldPath: 'a.ts',
  newPath: 'a.ts',
  oldMode: '100644',
  newMode: '100644',
  oldOid: '1'.repeat(40),
  newOid: '2'.repeat(40),
  binary: false,
  tooLarge: false,
  added: 1,
  removed: 1,
  hunks: [hunk],
};

test('rows are kept when they have their colours, and for that hunk of those two objects alone', () => {
  const place = { file, hunk, ignoresSpace: false };
  makeRows(place, { colours: plain, isFinal: false });
  expect(keptRows(place)).toBeUndefined();
  const rows = makeRows(place, { colours: plain, isFinal: true });
  expect(keptRows({ ...place, file: { ...file } })).toBe(rows);
  for (const other of [
    { ...place, ignoresSpace: true },
    { ...place, hunk: { ...hunk, lines: hunk.lines.slice(0, 1) } },
    { ...place, hunk: { ...hunk, oldStart: 2 } },
    { ...place, file: { ...file, newOid: '3'.repeat(40) } },
    { ...place, file: { ...file, newPath: 'a.md' } },
  ]) {
    expect(keptRows(other)).toBeUndefined();
  }
});
