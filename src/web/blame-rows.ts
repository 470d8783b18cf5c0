// The lines of a file as the rows of a table, each group of lines beside the commit it comes from. Written here and
// not in a template, because thousands of lines take a template a tenth of a second.
import { escape, lineHtml } from './code-rows.ts';
import { ago, iso, short } from './filters.ts';
import { segmentsAt, type LineColours } from './line-colours.ts';

export interface BlamedCommit {
  oid: string;
  href: string;
  /** What people wrote comes here with its invisible characters spelled; it is escaped here. */
  subject: string;
  authorName: string;
  authoredAt: number;
  /** 0 for the youngest to 4 for the oldest. */
  age: number;
  /** Where the lines were before this commit; undefined where it made the file. */
  beforeHref: string | undefined;
}

export interface BlamedSpan {
  /** The first line, counted from 1. */
  line: number;
  lines: number;
  /** Undefined where nobody knows yet. */
  commit: BlamedCommit | undefined;
}

/** `lines` and `colours` are those of the whole file; only what the spans name is written. */
export function blameRows(
  lines: readonly string[],
  paint: { spans: readonly BlamedSpan[]; colours: LineColours | undefined },
): string {
  return paint.spans.map((span) => spanRows(lines, span, paint.colours)).join('');
}

function spanRows(lines: readonly string[], span: BlamedSpan, colours: LineColours | undefined): string {
  const rows: string[] = [];
  for (let number = span.line; number < span.line + span.lines; number += 1) {
    const isFirst = number === span.line;
    const commit = isFirst ? commitCell(span) : '';
    const line = lines[number - 1] ?? '';
    const code = lineHtml(line, segmentsAt(colours, number - 1, line));
    rows.push(
      `<tr id="L${number}"${isFirst ? ' class="span-start"' : ''}>${commit}` +
        `<td class="line-number"><a href="#L${number}">${number}</a></td><td class="code">${code}</td></tr>\n`,
    );
  }
  return rows.join('');
}

function commitCell({ commit, lines }: BlamedSpan): string {
  const rows = lines > 1 ? ` rowspan="${lines}"` : '';
  if (commit === undefined) {
    return `<td class="blame-commit unknown"${rows}><span class="faint">not read in time</span></td>`;
  }
  const { href, subject, authorName, authoredAt, age, oid, beforeHref } = commit;
  const at = iso(authoredAt);
  const said = escape(`${subject}\n${authorName}, ${short(oid)}`);
  const before =
    beforeHref === undefined
      ? '<span class="blame-before"></span>'
      : `<a class="blame-before" href="${escape(beforeHref)}" aria-label="Blame before ${short(oid)}" title="Blame before this commit">‹</a>`;
  const author = lines > 1 ? `<span class="blame-author">${escape(authorName)}</span>` : '';
  return (
    `<td class="blame-commit age-${age}"${rows}><div><a class="blame-subject" href="${escape(href)}" title="${said}">${escape(subject)}</a>` +
    `<time datetime="${at}" title="${at}">${ago(authoredAt)}</time>${before}</div>${author}</td>`
  );
}
