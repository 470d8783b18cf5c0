// The table of a file's hunks as HTML, in one column or side by side. Written here and not in a template, because a
// template takes several times as long, and a page has thousands of rows. Every text in it is escaped.
import { escape } from './code-rows.ts';
import type { DiffRow, RowSegment } from './diff-rows.ts';
import { hunkBar, type ShownGap } from './hunk-bar.ts';
import { sideBySide, type SideCell } from './side-by-side.ts';

/** A row whose text is HTML already. */
export interface CodeRow extends Omit<DiffRow, 'segments'> {
  html: string;
}

/** HTML up to a row below which something stands; `keys` are the places of that, as `old12` or `new12`. */
export interface Piece {
  html: string;
  keys: string[];
}

interface Around {
  /** The address of the form for a comment, but for `:new:12`; undefined for who may not comment. */
  commentHref?: string | undefined;
  /** The same for old lines, where the file had another name then. */
  oldCommentHref?: string | undefined;
  /** The old lines are those of an earlier revision, on which nobody comments. */
  isSince?: boolean | undefined;
  talk?: Readonly<Record<string, unknown>> | undefined;
  form?: { key: string } | undefined;
}

interface ShownHunk {
  oldStart: number;
  newStart: number;
  section: string;
  rows: readonly CodeRow[];
  gap: ShownGap | undefined;
}

interface ShownFile extends Around {
  status: string;
  folder: string;
  name: string;
  hunks: readonly ShownHunk[];
  tail: ShownGap | undefined;
  /** Where the whole file is. */
  href?: string | undefined;
}

interface Choice {
  isSplit: boolean;
  /** Where the icons are. */
  assets: string;
}

// What stands before a line that changed; a line that did not has none.
const signs = { context: '', added: ' data-sign="+"', removed: ' data-sign="−"' } as const;
const tones = { context: '', added: 'add', removed: 'del' } as const;

export const codeOf = ({ segments, ...row }: DiffRow): CodeRow => ({
  ...row,
  html: segments.map(segmentHtml).join(''),
});

/** The table in pieces, so that threads and forms can stand between its rows. */
export function diffPieces(file: ShownFile, { isSplit, assets }: Choice): Piece[] {
  const [commentHref, oldCommentHref] = [file.commentHref, file.oldCommentHref].map(
    (href) => href && escape(href),
  );
  const pieces: Piece[] = [];
  const html = [tableHead(file, isSplit)];
  const around = { href: file.href, assets };
  for (const hunk of file.hunks) {
    html.push(barRow('class="hunk" tabindex="-1"', hunkBar({ gap: hunk.gap, hunk }, around), isSplit));
    for (const line of linesOf(hunk.rows, { ...file, commentHref, oldCommentHref }, isSplit)) {
      html.push(line.html);
      const keys = keysBelow(line.rows, file);
      if (keys.length > 0) pieces.push({ html: html.splice(0).join(''), keys });
    }
  }
  if (file.tail !== undefined && file.href !== undefined)
    html.push(barRow('class="hunk tail"', hunkBar({ gap: file.tail, hunk: undefined }, around), isSplit));
  html.push('</tbody></table>');
  return [...pieces, { html: html.join(''), keys: [] }];
}

function tableHead({ status, folder, name }: ShownFile, isSplit: boolean): string {
  const label = escape(folder + name);
  if (isSplit)
    return `<table class="diff split" aria-label="${label}, side by side"><colgroup><col class="split-num"><col><col class="split-num"><col></colgroup><tbody>\n`;
  const isNew = status === 'added' ? ' new-file' : '';
  return `<table class="diff unified${isNew}" aria-label="${label}"><colgroup><col class="num-col"><col class="num-col"><col></colgroup><tbody>\n`;
}

const barRow = (attributes: string, bar: string, isSplit: boolean): string =>
  `<tr ${attributes}><td colspan="${isSplit ? 4 : 3}">${bar}</td></tr>\n`;

const linesOf = (
  rows: readonly CodeRow[],
  file: Around,
  isSplit: boolean,
): { html: string; rows: readonly CodeRow[] }[] =>
  isSplit
    ? sideBySide(rows).map((pair) => ({ html: splitRow(pair.cells, file), rows: pair.rows }))
    : rows.map((row) => ({ html: unifiedRow(row, file), rows: [row] }));

function keysBelow(rows: readonly CodeRow[], { talk, form }: Around): string[] {
  if (talk === undefined && form === undefined) return [];
  return rows
    .flatMap(({ oldNumber, newNumber }) => [`old${oldNumber}`, `new${newNumber}`])
    .filter((key) => talk?.[key] !== undefined || form?.key === key);
}

function unifiedRow(row: CodeRow, file: Around): string {
  const name = tones[row.kind] + (row.moved === undefined ? '' : ' moved');
  const old = linkHtml(row.oldNumber, row.kind === 'removed' ? placeHref(row, file) : undefined);
  const young = linkHtml(row.newNumber, placeHref(row, file));
  const opening = name === '' ? '<tr>' : `<tr class="${name}">`;
  return `${opening}<td class="line-number old">${old}</td><td class="line-number new">${young}</td><td class="code"${signs[row.kind]}>${codeHtml(row)}</td></tr>\n`;
}

function splitRow(cells: readonly SideCell<CodeRow>[], file: Around): string {
  return `<tr>${cells.map((cell) => cellHtml(cell, file)).join('')}</tr>\n`;
}

function cellHtml({ side, row }: SideCell<CodeRow>, file: Around): string {
  if (row === undefined) return '<td class="line-number gap"></td><td class="gap"></td>';
  const tone = tones[row.kind] === '' ? '' : ` ${tones[row.kind]}`;
  const number = side === 'old' ? row.oldNumber : row.newNumber;
  const moved = row.moved === undefined ? '' : ' moved';
  return `<td class="line-number ${side}${tone}">${linkHtml(number, placeHref(row, file))}</td><td class="code${tone}${moved}"${signs[row.kind]}>${codeHtml(row)}</td>`;
}

/** Where a comment on the row is written, escaped: on the new line, where there is one. */
function placeHref({ oldNumber, newNumber }: CodeRow, file: Around): string | undefined {
  if (file.commentHref === undefined) return undefined;
  if (newNumber !== undefined) return `${file.commentHref}:new:${newNumber}`;
  return file.isSince === true ? undefined : `${file.oldCommentHref ?? file.commentHref}:old:${oldNumber}`;
}

function linkHtml(number: number | undefined, href: string | undefined): string {
  if (number === undefined) return '';
  return href === undefined ? String(number) : `<a tabindex="-1" href="${href}">${number}</a>`;
}

function codeHtml({ html, moved, note }: CodeRow): string {
  const movedNote = moved?.note === undefined ? '' : ` <span class="moved-note">${escape(moved.note)}</span>`;
  const faint = note === undefined ? '' : ` <span class="faint">(${escape(note)})</span>`;
  return html + movedNote + faint;
}

function segmentHtml({ text, className, changed }: RowSegment): string {
  if (changed) return `<mark class="${escape(className)}">${escape(text)}</mark>`;
  return className === '' ? escape(text) : `<span class="${escape(className)}">${escape(text)}</span>`;
}
