import { expect, test } from 'vitest';
import { codeOf, diffPieces, type CodeRow } from '../../src/web/diff-html.ts';
import { hunkRows, type PlainLine } from '../../src/web/diff-rows.ts';

const plain = { before: undefined, after: undefined };
const rowsOf = (...lines: PlainLine[]) =>
  hunkRows({ oldStart: 1, newStart: 1, section: '', lines }, plain).rows.map(codeOf);
/** The pieces of a file with one hunk. */
const piecesOf = (rows: CodeRow[], more: object, isSplit: boolean) => {
  const hunk = { oldStart: 1, newStart: 1, section: '', rows, gap: undefined };
  const file = { status: 'modified', folder: '', name: 'a', hunks: [hunk], tail: undefined, ...more };
  return diffPieces(file, { isSplit, assets: '/assets/1' });
};
const hostile = '"><img src=x onerror=alert(1)>&amp;';

test('whatever a line, a name or a note says stays text, in one column and side by side', () => {
  const rows = rowsOf(
    { kind: 'removed', text: hostile, oldNumber: 1 },
    { kind: 'added', text: `${hostile} and more`, newNumber: 1 },
    { kind: 'removed', text: 'call(first, second, third, one, last);', oldNumber: 3 },
    { kind: 'added', text: 'call(first, second, third, <img>, last);', newNumber: 3 },
    { kind: 'context', text: hostile, oldNumber: 2, newNumber: 2, cut: 5 },
  );
  rows[0]!.moved = { note: hostile };
  rows[1]!.note = hostile;
  const gap = { from: 1, to: 9, offset: 0, lines: undefined };
  const hunks = [{ oldStart: 1, newStart: 1, section: hostile, rows, gap }];
  const said = { commentHref: `?comment=${hostile}`, href: `/${hostile}`, folder: hostile, name: hostile };
  for (const isSplit of [false, true]) {
    const html = piecesOf(rows, { ...said, hunks, tail: { ...gap, to: undefined } }, isSplit)
      .map((piece) => piece.html)
      .join('');
    expect(html).not.toMatch(/<(?!\/?(?:table|colgroup|col|tbody|tr|td|div|a|svg|use|mark|span)\b)/);
    expect(html).not.toContain('"><img');
    expect(html).toMatch(/<mark [^>]*>[^<]*img/);
    expect(html).toContain('&quot;&gt;&lt;img src=x');
  }
});

test('a piece ends at the row below which something stands, on whichever side it does', () => {
  const rows = rowsOf(
    { kind: 'context', text: 'a', oldNumber: 1, newNumber: 1 },
    { kind: 'removed', text: 'b', oldNumber: 2 },
    { kind: 'added', text: 'c', newNumber: 2 },
    { kind: 'context', text: 'd', oldNumber: 3, newNumber: 3 },
  );
  const file = { talk: { old2: ['thread'] }, form: { key: 'new2' } };
  expect(piecesOf(rows, file, false).map(({ keys }) => keys)).toEqual([['old2'], ['new2'], []]);
  expect(piecesOf(rows, file, true).map(({ keys }) => keys)).toEqual([['old2', 'new2'], []]);
  expect(piecesOf(rows, {}, false)).toHaveLength(1);
});

test('a comment is written on the new line, and where there is none on the old one', () => {
  const rows = rowsOf(
    { kind: 'context', text: 'a', oldNumber: 7, newNumber: 4 },
    { kind: 'removed', text: 'b', oldNumber: 8 },
    { kind: 'added', text: 'c', newNumber: 5 },
  );
  for (const isSplit of [false, true]) {
    const [{ html } = { html: '' }] = piecesOf(rows, { commentHref: '?c' }, isSplit);
    const places = new Set([...html.matchAll(/href="\?c:([^"]*)"/g)].map(([, place]) => place));
    expect([...places].toSorted()).toEqual(['new:4', 'new:5', 'old:8']);
    const [renamed] = piecesOf(rows, { commentHref: '?c', oldCommentHref: '?d&' }, isSplit);
    expect(renamed?.html.match(/\?d[^"]*/g)).toEqual(['?d&amp;:old:8']);
  }
});

test('nobody is led to comment on the old lines of an earlier revision', () => {
  const rows = rowsOf({ kind: 'removed', text: 'b', oldNumber: 2 });
  const link = (isSince: boolean) =>
    piecesOf(rows, { commentHref: '?c', isSince }, true)[0]!.html.includes('href');
  expect([link(false), link(true)]).toEqual([true, false]);
});
