// What changed inside a line: the longest common run of words of two lines, with a cap on the work.

/** Start and end (exclusive) of changed text, in UTF-16 units. */
export type Range = [start: number, end: number];

const maxTokens = 200;
// Lines that share less than this have nothing in common worth marking.
const minShared = 0.3;

/** The changed ranges of both lines, or undefined when they are too long or too different to compare. */
export function wordDiff(before: string, after: string): { before: Range[]; after: Range[] } | undefined {
  const old = tokenise(before);
  const young = tokenise(after);
  if (old.length > maxTokens || young.length > maxTokens) return undefined;
  const { keptOld, keptYoung, sharedLength } = commonTokens(old, young);
  if (sharedLength < minShared * Math.max(before.trim().length, after.trim().length)) return undefined;
  return { before: changedRanges(old, keptOld), after: changedRanges(young, keptYoung) };
}

// A mark is one with the letter or sign that it stands on, and so are the parts of an emoji and of a flag: half of one
// shows as something else.
const tokens =
  /[\p{L}\p{N}_][\p{L}\p{N}\p{M}_]*|\s+|\p{RI}{2}|\S[\p{M}\p{Emoji_Modifier}]*(?:\u200D\S[\p{M}\p{Emoji_Modifier}]*)*/gu;

const tokenise = (line: string): string[] => line.match(tokens) ?? [];

function commonTokens(old: string[], young: string[]) {
  const width = young.length + 1;
  const lengths = new Uint32Array((old.length + 1) * width);
  const at = (row: number, column: number) => lengths[row * width + column] ?? 0;
  for (let row = old.length - 1; row >= 0; row -= 1) {
    for (let column = young.length - 1; column >= 0; column -= 1) {
      const same = old[row] === young[column];
      lengths[row * width + column] = same
        ? at(row + 1, column + 1) + 1
        : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const keptOld = new Set<number>();
  const keptYoung = new Set<number>();
  let sharedLength = 0;
  for (let row = 0, column = 0; row < old.length && column < young.length;) {
    if (old[row] === young[column]) {
      keptOld.add(row);
      keptYoung.add(column);
      sharedLength += old[row]?.trim().length ?? 0;
      row += 1;
      column += 1;
    } else if (at(row + 1, column) >= at(row, column + 1)) row += 1;
    else column += 1;
  }
  return { keptOld, keptYoung, sharedLength };
}

/** Neighbouring changed tokens become one range; so does a lone space between two of them. */
function changedRanges(tokens: string[], kept: ReadonlySet<number>): Range[] {
  const ranges: Range[] = [];
  let offset = 0;
  tokens.forEach((token, index) => {
    const isSpaceBetween =
      kept.has(index) &&
      token === ' ' &&
      index > 0 &&
      !kept.has(index - 1) &&
      index + 1 < tokens.length &&
      !kept.has(index + 1);
    if (!kept.has(index) || isSpaceBetween) {
      const last = ranges.at(-1);
      if (last !== undefined && last[1] === offset) last[1] = offset + token.length;
      else ranges.push([offset, offset + token.length]);
    }
    offset += token.length;
  });
  return ranges;
}
