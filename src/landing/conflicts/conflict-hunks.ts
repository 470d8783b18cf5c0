// Cuts the places in conflict out of a file with git's marks. The sides are named in the marks by their object ids, so
// that a line of the file itself that looks like a mark is not taken for one.
import type { ConflictHunk } from './model.ts';

const contextLines = 3;
const maxHunks = 30;
const maxLinesPerSide = 120;
const maxLineLength = 500;

export interface MarkedSides {
  /** Full object ids, as they stand in the marks. */
  target: string;
  head: string;
}

/** The first places in conflict of a marked text, and how many more there are. */
export function readHunks(
  text: string,
  { target, head }: MarkedSides,
): { hunks: ConflictHunk[]; moreHunks: number } {
  const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  if (lines.at(-1) === '') lines.pop();
  const marks = findMarks(lines, { target, head });
  const hunks = marks.slice(0, maxHunks).map((mark, place): ConflictHunk => {
    const floor = marks[place - 1]?.end ?? -1;
    const ceiling = marks[place + 1]?.start ?? lines.length;
    const sides = [lines.slice(mark.start + 1, mark.middle), lines.slice(mark.middle + 1, mark.end)];
    const leftOut = sides.reduce((sum, side) => sum + Math.max(0, side.length - maxLinesPerSide), 0);
    return {
      before: cut(lines.slice(Math.max(floor + 1, mark.start - contextLines), mark.start)),
      target: cut(sides[0] ?? []),
      branch: cut(sides[1] ?? []),
      after: cut(lines.slice(mark.end + 1, Math.min(ceiling, mark.end + 1 + contextLines))),
      leftOut,
    };
  });
  return { hunks, moreHunks: marks.length - hunks.length };
}

interface Mark {
  start: number;
  middle: number;
  end: number;
}

function findMarks(lines: readonly string[], { target, head }: MarkedSides): Mark[] {
  // Files of the two sides with different names are marked with the name after the id.
  const isStart = (line: string) => line === `<<<<<<< ${target}` || line.startsWith(`<<<<<<< ${target}:`);
  const isEnd = (line: string) => line === `>>>>>>> ${head}` || line.startsWith(`>>>>>>> ${head}:`);
  const marks: Mark[] = [];
  let start: number | undefined;
  let middle: number | undefined;
  for (const [at, line] of lines.entries()) {
    if (isStart(line)) [start, middle] = [at, undefined];
    else if (start !== undefined && middle === undefined && line === '=======') middle = at;
    else if (start !== undefined && middle !== undefined && isEnd(line)) {
      marks.push({ start, middle, end: at });
      [start, middle] = [undefined, undefined];
    }
  }
  return marks;
}

const cut = (lines: readonly string[]): string[] =>
  lines
    .slice(0, maxLinesPerSide)
    .map((line) => (line.length > maxLineLength ? `${line.slice(0, maxLineLength)} …` : line));
