// Where lines of an old file are in a new one. Pure: it is given what changed between the two.
import type { LineChange } from '../git/line-changes.ts';

/** The number that an unchanged line has now; undefined for one that was changed or taken away. */
export function mapLine(changes: readonly LineChange[], line: number): number | undefined {
  let shift = 0;
  for (const { oldStart, oldLines, newLines } of changes) {
    // Lines that only came in stand behind `oldStart`, which itself did not change.
    const next = oldLines === 0 ? oldStart + 1 : oldStart + oldLines;
    if (line < (oldLines === 0 ? next : oldStart)) break;
    if (line < next) return undefined;
    shift += newLines - oldLines;
  }
  return line + shift;
}

export interface LineRange {
  first: number;
  last: number;
}

/**
 * What is left of a range of lines: from the first to the last one that did not change. `isWhole` says whether they
 * are still the same lines and nothing came between them; undefined when none is left.
 */
export function mapRange(
  changes: readonly LineChange[],
  range: LineRange,
): (LineRange & { isWhole: boolean }) | undefined {
  const kept: number[] = [];
  for (let line = range.first; line <= range.last; line += 1) {
    const now = mapLine(changes, line);
    if (now !== undefined) kept.push(now);
  }
  const [first, last] = [kept[0], kept.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const length = range.last - range.first + 1;
  return { first, last, isWhole: kept.length === length && last - first + 1 === length };
}

/** The same change seen from the new file. */
export const turnBack = ({ oldStart, oldLines, newStart, newLines }: LineChange): LineChange => ({
  oldStart: newStart,
  oldLines: newLines,
  newStart: oldStart,
  newLines: oldLines,
});
