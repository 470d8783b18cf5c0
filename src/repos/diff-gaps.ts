// The lines that a difference leaves out because they are the same on both sides: before each hunk, and behind the
// last. A reader may ask for them; they are told by the numbers of the new file.
import type { DiffFile, Hunk } from '../git/diff.ts';

export interface Gap {
  from: number;
  /** Undefined behind the last hunk: the gap goes on to the end of the file. */
  to: number | undefined;
  /** What to add to a line's new number to get its old one. */
  offset: number;
  /** Shown at once while it is this short, else in parts. */
  lines: number | undefined;
}

const contextLines = 3;
const noOid = /^0+$/;

/** A side without lines begins behind the line it names; see "combined diff format" in git-diff(1). */
const firstLine = (start: number, lines: number): number => (lines === 0 ? start + 1 : start);

/** The gap before each of the file's hunks, and the one behind the last under `undefined`. */
export function gapsOf(file: DiffFile): Map<Hunk | undefined, Gap> {
  const gaps = new Map<Hunk | undefined, Gap>();
  const isText = file.newMode !== '120000' && file.newMode !== '160000' && file.status !== 'type';
  if (!isText || noOid.test(file.oldOid) || noOid.test(file.newOid)) return gaps;
  let next = 1;
  for (const hunk of file.hunks) {
    const first = firstLine(hunk.newStart, hunk.newLines);
    const offset = firstLine(hunk.oldStart, hunk.oldLines) - first;
    if (first > next) gaps.set(hunk, { from: next, to: first - 1, offset, lines: first - next });
    next = first + hunk.newLines;
  }
  const last = file.hunks.at(-1);
  if (last !== undefined && mayGoOn(last)) {
    const oldEnd = firstLine(last.oldStart, last.oldLines) + last.oldLines;
    gaps.set(undefined, { from: next, to: undefined, offset: oldEnd - next, lines: undefined });
  }
  return gaps;
}

/** Git adds three lines behind a change unless the file ends before. */
function mayGoOn({ lines }: Hunk): boolean {
  const end = lines.slice(-contextLines);
  return (
    end.length === contextLines && end.every((line) => line.kind === 'context' && line.noNewline !== true)
  );
}
