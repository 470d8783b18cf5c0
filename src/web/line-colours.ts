// The colours of a text without the text: how long the pieces of each line are, and which class each has. Small enough
// to be kept for many files, and to be handed from a thread to another at once.

/** Class name (of highlight.js, or empty) and text. */
export type Segment = [className: string, text: string];

export interface LineColours {
  /** The first is empty. */
  classes: string[];
  /** The place in `marks` at which each line begins. */
  starts: Uint32Array;
  /** For each piece its length, times `classRoom`, and the place of its class in `classes`. */
  marks: Uint32Array;
}

/** A text has no more classes than this; what is beyond has none. */
export const classRoom = 256;

/** The pieces of a line counted from 0, or undefined when these are not the colours of such a line. */
export function segmentsAt(
  colours: LineColours | undefined,
  index: number,
  line: string,
): Segment[] | undefined {
  const from = colours?.starts[index];
  if (colours === undefined || from === undefined) return undefined;
  const { classes, starts, marks } = colours;
  const end = starts[index + 1] ?? marks.length;
  const segments: Segment[] = [];
  let offset = 0;
  for (let at = from; at < end; at += 1) {
    const mark = marks[at] ?? 0;
    const length = Math.floor(mark / classRoom);
    segments.push([classes[mark % classRoom] ?? '', line.slice(offset, offset + length)]);
    offset += length;
  }
  return offset === line.length ? segments : undefined;
}
