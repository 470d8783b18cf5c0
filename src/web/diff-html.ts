// The rows of a hunk as HTML, in one column or side by side. Written here and not in a template, because a template
// takes several times as long, and a page has thousands of rows. Every text in it is escaped.
import { escape } from './code-rows.ts';
import type { DiffRow, RowSegment } from './diff-rows.ts';
import { sideBySide, type SideCell } from './side-by-side.ts';

/** Rows up to one below which something stands; `keys` are the places of that, as `old12` or `new12`. */
export interface Piece {
  html: string;
  keys: string[];
}

interface Around {
  /** The address of the form for a comment, but for `:new:12`; undefined for who may not comment. */
  commentHref?: string | undefined;
  /** The old lines are those of an earlier revision, on which nobody comments. */
  isSince?: boolean | undefined;
  talk?: Readonly<Record<string, unknown>> | undefined;
  form?: { key: string } | undefined;
}

const signs = { context: '', added: '+', removed: '−' } as const;
const tones = { context: '', added: 'add', removed: 'del' } as const;

export function diffPieces(rows: readonly DiffRow[], file: Around, isSplit: boolean): Piece[] {
  const lines = isSplit
    ? sideBySide(rows).map((pair) => ({ html: splitRow(pair.cells, file), rows: pair.rows }))
    : rows.map((row) => ({ html: unifiedRow(row, file), rows: [row] }));
  const pieces: Piece[] = [];
  let html: string[] = [];
  for (const line of lines) {
    html.push(line.html);
    const keys = keysBelow(line.rows, file);
    if (keys.length === 0) continue;
    pieces.push({ html: html.join(''), keys });
    html = [];
  }
  if (html.length > 0) pieces.push({ html: html.join(''), keys: [] });
  return pieces;
}

function keysBelow(rows: readonly DiffRow[], { talk, form }: Around): string[] {
  if (talk === undefined && form === undefined) return [];
  return rows
    .flatMap(({ oldNumber, newNumber }) => [`old${oldNumber}`, `new${newNumber}`])
    .filter((key) => talk?.[key] !== undefined || form?.key === key);
}

function unifiedRow(row: DiffRow, file: Around): string {
  const name = tones[row.kind] + (row.moved === undefined ? '' : ' moved');
  const old = linkHtml(row.oldNumber, row.kind === 'removed' ? placeHref(row, file) : undefined);
  const young = linkHtml(row.newNumber, placeHref(row, file));
  const opening = name === '' ? '<tr>' : `<tr class="${name}">`;
  return `${opening}<td class="line-number old">${old}</td><td class="line-number new">${young}</td><td class="code" data-sign="${signs[row.kind]}">${codeHtml(row)}</td></tr>\n`;
}

function splitRow(cells: readonly SideCell<DiffRow>[], file: Around): string {
  return `<tr>${cells.map((cell) => cellHtml(cell, file)).join('')}</tr>\n`;
}

function cellHtml({ side, row }: SideCell<DiffRow>, file: Around): string {
  if (row === undefined) return '<td class="line-number gap"></td><td class="gap"></td>';
  const tone = tones[row.kind] === '' ? '' : ` ${tones[row.kind]}`;
  const number = side === 'old' ? row.oldNumber : row.newNumber;
  const moved = row.moved === undefined ? '' : ' moved';
  return `<td class="line-number ${side}${tone}">${linkHtml(number, placeHref(row, file))}</td><td class="code${tone}${moved}" data-sign="${signs[row.kind]}">${codeHtml(row)}</td>`;
}

/** Where a comment on the row is written: on the new line, where there is one. */
function placeHref({ oldNumber, newNumber }: DiffRow, file: Around): string | undefined {
  if (file.commentHref === undefined) return undefined;
  if (newNumber !== undefined) return `${file.commentHref}:new:${newNumber}`;
  return file.isSince === true ? undefined : `${file.commentHref}:old:${oldNumber}`;
}

function linkHtml(number: number | undefined, href: string | undefined): string {
  if (number === undefined) return '';
  return href === undefined ? String(number) : `<a tabindex="-1" href="${escape(href)}">${number}</a>`;
}

function codeHtml({ segments, moved, note }: DiffRow): string {
  const movedNote = moved?.note === undefined ? '' : ` <span class="moved-note">${escape(moved.note)}</span>`;
  const faint = note === undefined ? '' : ` <span class="faint">(${escape(note)})</span>`;
  return segments.map(segmentHtml).join('') + movedNote + faint;
}

function segmentHtml({ text, className, changed }: RowSegment): string {
  if (changed) return `<mark class="${escape(className)}">${escape(text)}</mark>`;
  return className === '' ? escape(text) : `<span class="${escape(className)}">${escape(text)}</span>`;
}
