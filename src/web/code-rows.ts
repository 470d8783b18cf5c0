// A whole file as the rows of a table: a number that links to its line, and the line with its colours. Written here
// and not in a template, because thousands of lines take a template a tenth of a second.
import { visible } from './filters.ts';
import { segmentsAt, type LineColours, type Segment } from './line-colours.ts';

export interface CodeRows {
  html: string;
  shownLines: number;
  lines: number;
  /** How many lines were cut because they are very long. */
  cutLines: number;
}

const maxLines = 20_000;
// A longer line is the work of a program.
const maxLineLength = 5000;
const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
export const escape = (text: string): string =>
  text.replaceAll(/[&<>"]/g, (character) => escapes[character] ?? '');

/** Every text in it is escaped, and invisible characters are spelled. `colours` are those of `highlightFile`. */
export function codeRows(text: string, colours: LineColours | undefined): CodeRows {
  const lines = text.split('\n');
  // The newline at the end of a file ends its last line and begins no other.
  if (lines.at(-1) === '') lines.pop();
  const shown = lines.slice(0, maxLines);
  let cutLines = 0;
  const rows = shown.map((line, index) => {
    if (line.length > maxLineLength) cutLines += 1;
    const number = index + 1;
    return `<tr id="L${number}"><td class="line-number"><a href="#L${number}">${number}</a></td><td class="code">${lineHtml(line, segmentsAt(colours, index, line))}</td></tr>\n`;
  });
  return { html: rows.join(''), shownLines: shown.length, lines: lines.length, cutLines };
}

/** One line, escaped, with its colours; a very long one is cut, and says so. */
export function lineHtml(line: string, segments: readonly Segment[] | undefined): string {
  if (line.length > maxLineLength) {
    return `${plain(line.slice(0, maxLineLength))}<span class="faint"> … ${line.length - maxLineLength} more characters</span>`;
  }
  if (segments === undefined) return plain(line);
  return segments
    .map(([name, part]) =>
      name === '' ? plain(part) : `<span class="${escape(name)}">${plain(part)}</span>`,
    )
    .join('');
}

// Tab and what a typewriter has, without what HTML reads: most pieces of most lines.
const harmless = /^[\t !#-%'-;=?-~]*$/;

/** The carriage return of a line that ends with CR LF is no news when every line has one. */
const plain = (text: string): string =>
  harmless.test(text) ? text : escape(visible(text.endsWith('\r') ? text.slice(0, -1) : text));
