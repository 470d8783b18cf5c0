// A file's hunks as rows for a template: numbers, a sign, and segments of text with their class and whether they
// changed. Only data; the template escapes.
import { visible } from './filters.ts';
import { segmentsAt, type LineColours, type Segment } from './line-colours.ts';
import { wordDiff, type Range } from './word-diff.ts';

/** The part of a diff's line that is needed here; `git/diff.ts` has the whole. */
export interface PlainLine {
  kind: 'context' | 'added' | 'removed';
  text: string;
  oldNumber?: number;
  newNumber?: number;
  noNewline?: true;
  cut?: number;
}

export interface PlainHunk {
  oldStart: number;
  newStart: number;
  section: string;
  lines: PlainLine[];
}

export interface RowSegment {
  text: string;
  className: string;
  changed: boolean;
}

export interface DiffRow {
  kind: 'context' | 'added' | 'removed';
  oldNumber: number | undefined;
  newNumber: number | undefined;
  segments: RowSegment[];
  note: string | undefined;
  /** Its block was moved; the first line of one says from where or to where. */
  moved?: { note: string | undefined } | undefined;
}

export interface HunkRows {
  oldStart: number;
  newStart: number;
  section: string;
  rows: DiffRow[];
}

export interface Colours {
  /** Of the whole old and the whole new file; undefined = plain. */
  before: LineColours | undefined;
  after: LineColours | undefined;
}

// In a longer block the lines that stand side by side rarely are each other's; comparing them costs time for nothing.
const maxPairs = 200;

export function hunkRows(hunk: PlainHunk, colours: Colours): HunkRows {
  const changes = changesInside(hunk.lines);
  const endings = new Set(hunk.lines.map((line) => line.text.endsWith('\r')));
  // Lines that all end with CR LF are nothing to tell; where both kinds meet, the ending may be the change.
  const tellsReturns = endings.size === 2;
  return {
    oldStart: hunk.oldStart,
    newStart: hunk.newStart,
    section: visible(hunk.section),
    rows: hunk.lines.map((line) => toRow(line, { colours, ranges: changes.get(line) ?? [], tellsReturns })),
  };
}

function toRow(
  line: PlainLine,
  paint: { colours: Colours; ranges: Range[]; tellsReturns: boolean },
): DiffRow {
  const coloured =
    line.kind === 'removed'
      ? segmentsAt(paint.colours.before, (line.oldNumber ?? 0) - 1, line.text)
      : segmentsAt(paint.colours.after, (line.newNumber ?? 0) - 1, line.text);
  const hasReturn = line.text.endsWith('\r');
  const notes = [
    ...(hasReturn && paint.tellsReturns ? ['ends with CR LF'] : []),
    ...(line.cut === undefined ? [] : [`${line.cut} more characters`]),
    ...(line.noNewline === true ? ['no newline at the end of the file'] : []),
  ];
  return {
    kind: line.kind,
    oldNumber: line.oldNumber,
    newNumber: line.newNumber,
    segments: segmentsOf(hasReturn ? line.text.slice(0, -1) : line.text, { coloured, ranges: paint.ranges }),
    note: notes.length > 0 ? notes.join(', ') : undefined,
  };
}

/** Cuts the line where its colour or its being changed ends; hidden characters become visible last. */
function segmentsOf(text: string, paint: { coloured: Segment[] | undefined; ranges: Range[] }): RowSegment[] {
  const parts: readonly Segment[] = paint.coloured ?? [['', text]];
  const segments: RowSegment[] = [];
  let offset = 0;
  for (const [className, whole] of parts) {
    // The colours know the carriage return at the end of the line.
    const part = whole.slice(0, text.length - offset);
    for (const piece of cutAt(part, { offset, ranges: paint.ranges })) {
      segments.push({ text: visible(piece.text), className, changed: piece.changed });
    }
    offset += part.length;
  }
  return segments;
}

function cutAt(
  part: string,
  place: { offset: number; ranges: Range[] },
): { text: string; changed: boolean }[] {
  const cuts = new Set([0, part.length]);
  for (const edge of place.ranges.flat()) {
    const at = edge - place.offset;
    if (at > 0 && at < part.length) cuts.add(at);
  }
  const edges = [...cuts].sort((a, b) => a - b);
  return edges.slice(0, -1).map((start, index) => ({
    text: part.slice(start, edges[index + 1]),
    changed: place.ranges.some(([from, to]) => place.offset + start >= from && place.offset + start < to),
  }));
}

/** Pairs the lines of a removed block with those of the added block behind it, first with first. */
function changesInside(lines: readonly PlainLine[]): Map<PlainLine, Range[]> {
  const changes = new Map<PlainLine, Range[]>();
  for (let at = 0; at < lines.length;) {
    const removed = takeWhile(lines, at, 'removed');
    const added = takeWhile(lines, at + removed.length, 'added');
    if (removed.length === added.length && removed.length <= maxPairs) {
      removed.forEach((line, index) => {
        const partner = added[index];
        const found = partner && wordDiff(line.text, partner.text);
        if (found === undefined || partner === undefined) return;
        changes.set(line, found.before);
        changes.set(partner, found.after);
      });
    }
    at += Math.max(1, removed.length + added.length);
  }
  return changes;
}

function takeWhile(lines: readonly PlainLine[], from: number, kind: PlainLine['kind']): PlainLine[] {
  let end = from;
  while (lines[end]?.kind === kind) end += 1;
  return lines.slice(from, end);
}
