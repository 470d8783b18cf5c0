// The rows of a hunk as HTML, made once and kept: they depend on the two objects alone that the hunk tells apart, on
// their languages, and on whether white space counts. What depends on a page, as links and threads, is not in them.
import type { DiffFile, Hunk } from '../git/diff.ts';
import { Recent } from '../lib/recent.ts';
import { codeOf, type CodeRow } from '../web/diff-html.ts';
import { hunkRows, type Colours } from '../web/diff-rows.ts';
import { languageOf } from '../web/highlight.ts';

// By object ids alone: one table serves every forge of the program.
const maxKeptRowBytes = 24 * 1024 * 1024;
const kept = new Recent<readonly CodeRow[]>(maxKeptRowBytes);
// What a row takes beside its text.
const rowBytes = 100;

export interface HunkPlace {
  file: DiffFile;
  hunk: Hunk;
  /** The difference was read without what differs in white space alone. */
  ignoresSpace: boolean;
}

export const keptRows = (place: HunkPlace): readonly CodeRow[] | undefined => kept.find(keyOf(place));

/** `isFinal`: nobody who asks again gets better colours, so the rows are kept. */
export function makeRows(
  place: HunkPlace,
  { colours, isFinal }: { colours: Colours; isFinal: boolean },
): readonly CodeRow[] {
  const rows = hunkRows(place.hunk, colours).rows.map(codeOf);
  if (isFinal) kept.keep(keyOf(place), rows, bytesOf(rows));
  return rows;
}

/** A hunk that was cut has other lines than the whole one. */
function keyOf({ file, hunk, ignoresSpace }: HunkPlace): string {
  const languages = `${languageOf(file.oldPath)} ${languageOf(file.newPath)}`;
  const lines = `${hunk.oldStart} ${hunk.newStart} ${hunk.lines.length}`;
  return `${file.oldOid} ${file.newOid} ${languages} ${lines} ${ignoresSpace}`;
}

const bytesOf = (rows: readonly CodeRow[]): number =>
  rows.reduce((sum, { html }) => sum + 2 * html.length + rowBytes, 300);
