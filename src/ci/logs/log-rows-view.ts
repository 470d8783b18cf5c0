// Rows of a log as HTML: number, text with its colours, time. Written here and not in a template, because hundreds
// of lines with a loop in each take a template long; every text is escaped, invisible characters are spelled.
import type { Span } from '../../lib/ansi.ts';
import { escape } from '../../web/code-rows.ts';
import { duration, iso, visible } from '../../web/filters.ts';
import type { LogFold, LogLine, LogRow } from './log-lines.ts';

export interface RowsPlace {
  /** When the attempt started; times are shown since then. */
  startedAt: number | undefined;
  /** The lane's page with its attempt, `…/lanes/unit?attempt=1`. */
  href: string;
}

export const logRows = (rows: readonly LogRow[], place: RowsPlace): string =>
  rows.map((row) => (row.kind === 'line' ? lineHtml(row, place) : foldHtml(row, place))).join('');

function lineHtml(line: LogLine, place: RowsPlace): string {
  const { number, at, spans, isHeading, isError, cutBytes } = line;
  const name = `log-line${isError ? ' error' : ''}${isHeading ? ' heading' : ''}`;
  const cut =
    cutBytes === 0 ? '' : `<span class="faint"> … ${cutBytes.toLocaleString('en')} more bytes</span>`;
  return `<div class="${name}" id="L${number}"><a href="#L${number}">${number}</a><span>${spans.map(spanHtml).join('')}${cut}</span>${timeHtml(at, place)}</div>\n`;
}

function foldHtml(fold: LogFold, place: RowsPlace): string {
  const { number, name, first, last, tookMs, rows } = fold;
  const count = last - first + 1;
  const said = `${count.toLocaleString('en')} ${count === 1 ? 'line' : 'lines'}`;
  const body =
    rows === undefined
      ? `<div class="log-lazy" data-log-from="${first}" data-log-to="${last}"><a class="link" href="${escape(place.href)}&amp;line=${first}#L${first}">Show ${said}</a></div>`
      : logRows(rows, place);
  const isBad = rows?.some((row) => row.kind === 'line' && row.isError) === true;
  return `<details class="log-fold" id="fold-${number}"><summary class="log-line${isBad ? ' error' : ''}" id="L${number}"><data value="${number}">${number}</data><span>${plain(name)}<span class="folded-count">${said}, ${duration(tookMs)}</span></span>${timeHtml(fold.at, place)}</summary>\n${body}</details>\n`;
}

function timeHtml(at: number, { startedAt }: RowsPlace): string {
  const since = startedAt === undefined ? '' : duration(Math.max(0, at - startedAt));
  return `<time data-clock="${iso(at).slice(11, 19)}">${since}</time>`;
}

const spanHtml = ({ text, classes }: Span): string =>
  classes === '' ? plain(text) : `<span class="${classes}">${plain(text)}</span>`;

// Tab and what a typewriter has, without what HTML reads: most pieces of most lines.
const harmless = /^[\t !#-%'-;=?-~]*$/;

const plain = (text: string): string => (harmless.test(text) ? text : escape(visible(text)));
