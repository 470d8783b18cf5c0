// The lines of a log as a page shows them: a number of rows from a line on or before a line, each with its time and
// its coloured spans; a fold that is closed is one row, whatever it holds.
import type { Forge } from '../../forge/open.ts';
import { plainStyle, spansOfLine, type Span, type Style } from '../../lib/ansi.ts';
import { looksLikeError } from './log-errors.ts';
import {
  beginMark,
  closedFolds,
  readFolds,
  type EndedFold,
  type Fold,
  type FoldQuestion,
} from './log-folds.ts';
import { hasEnded, type Attempt } from '../model.ts';
import { withLog, type LineStart, type OpenLog } from './open-log.ts';

export interface LogLine {
  kind: 'line';
  number: number;
  /** When it was printed, UTC milliseconds. */
  at: number;
  spans: Span[];
  /** It names a group that is open. */
  isHeading: boolean;
  isError: boolean;
  /** Bytes of a very long line that are not shown. */
  cutBytes: number;
}

export interface LogFold {
  kind: 'fold';
  number: number;
  at: number;
  name: string;
  /** The lines in it, between the one that names it and the one that ends it. */
  first: number;
  last: number;
  tookMs: number;
  /** Undefined when it is too long to be sent along; it is asked for with its lines. */
  rows: LogRow[] | undefined;
}

export type LogRow = LogLine | LogFold;

export interface LogBlock {
  rows: LogRow[];
  /** The first line that the rows stand for, and the one after the last. */
  first: number;
  next: number;
  /** Lines in the whole log now. */
  lines: number;
  size: number;
  /** The attempt has ended and the rows reach the end of its log. */
  ended: boolean;
}

/** From a line on, or (with `before`) up to the one before it, within `min` and `max`. */
export interface LinesQuestion {
  from?: number | undefined;
  before?: number | undefined;
  min?: number | undefined;
  max?: number | undefined;
  rows: number;
  open: FoldQuestion['open'];
}

const maxLineBytes = 4096;
/** Lines are read together up to here; longer ones each for itself. */
const togetherBytes = 1024 * 1024;
/** A fold of at most so many lines comes along with its heading, as long as all of them have no more than `maxInside`. */
const maxSmallFold = 120;
const maxInside = 1000;
const styleBytes = 8192;

export async function readLines(forge: Forge, attempt: Attempt, question: LinesQuestion): Promise<LogBlock> {
  const isOver = hasEnded(attempt.state);
  const block = await withLog(forge, attempt, async (log): Promise<LogBlock> => {
    const folds = await readFolds(log.folder);
    const min = Math.max(1, question.min ?? 1);
    const max = Math.min(log.lines, question.max ?? log.lines);
    const plan = planRows(folds, { ...question, min, max });
    const rows = await readRows(log, { folds, plan, room: { lines: maxInside } });
    const { first, next } = plan;
    return { rows, first, next, lines: log.lines, size: log.size, ended: isOver && next > log.lines };
  });
  return block ?? { rows: [], first: 1, next: 1, lines: 0, size: 0, ended: isOver };
}

interface Plan {
  first: number;
  next: number;
  closed: EndedFold[];
}

/** Which lines fit into so many rows, and which folds among them are closed. */
function planRows(folds: readonly Fold[], question: LinesQuestion & { min: number; max: number }): Plan {
  const { from, before, min, max, rows, open } = question;
  if (before !== undefined) {
    const to = Math.min(max, before - 1);
    const closed = closedFolds(folds, { from: min, to, open });
    const first = Math.max(min, rowsBack(closed, to, rows));
    return { first, next: to + 1, closed: closed.filter((fold) => fold.first >= first) };
  }
  const first = Math.max(min, from ?? min);
  const closed = closedFolds(folds, { from: first, to: max, open });
  let next = first;
  let place = 0;
  for (let row = 0; row < rows && next <= max; row += 1) {
    const fold = closed[place];
    if (fold?.first === next) {
      next = fold.last + 1;
      place += 1;
    } else next += 1;
  }
  return { first, next: Math.max(first, next), closed: closed.slice(0, place) };
}

function rowsBack(closed: readonly EndedFold[], to: number, rows: number): number {
  let first = to + 1;
  let place = closed.length - 1;
  for (let row = 0; row < rows && first > 1; row += 1) {
    const fold = closed[place];
    if (fold?.last === first - 1) {
      first = fold.first;
      place -= 1;
    } else first -= 1;
  }
  return first;
}

interface Part {
  folds: readonly Fold[];
  plan: Plan;
  /** How many lines of folds may still come along; shared by everything that is read for one block. */
  room: { lines: number };
}

async function readRows(log: OpenLog, { folds, plan, room }: Part): Promise<LogRow[]> {
  const named = new Set(folds.map(({ first }) => first));
  const ends = new Set(folds.map(({ last }) => last));
  const rows: LogRow[] = [];
  let line = plan.first;
  const readOpen = async (to: number) => {
    // The line that ends an open group says nothing to a reader.
    const lines = await readPlain(log, { from: line, to, named });
    rows.push(...lines.filter(({ number }) => !ends.has(number)));
  };
  for (const fold of plan.closed) {
    await readOpen(fold.first - 1);
    rows.push(await readFold(log, { folds, fold, room }));
    line = fold.last + 1;
  }
  await readOpen(plan.next - 1);
  return rows;
}

async function readFold(
  log: OpenLog,
  { folds, fold, room }: Omit<Part, 'plan'> & { fold: EndedFold },
): Promise<LogFold> {
  const { first, last } = fold;
  const [heading] = await readPlain(log, { from: first, to: first, named: new Set([first]) });
  const [end] = await log.starts(last, 1);
  const inside = { first: first + 1, last: last - 1 };
  const count = last - first - 1;
  const isSmall = count <= Math.min(maxSmallFold, room.lines);
  if (isSmall) room.lines -= count;
  const plan = (): Plan => ({
    first: inside.first,
    next: last,
    closed: closedFolds(folds, { from: inside.first, to: inside.last, open: undefined }),
  });
  return {
    kind: 'fold',
    number: first,
    at: heading?.at ?? 0,
    name: heading?.spans.map(({ text }) => text).join('') ?? '',
    ...inside,
    tookMs: Math.max(0, (end?.at ?? 0) - (heading?.at ?? 0)),
    rows: isSmall ? await readRows(log, { folds, plan: plan(), room }) : undefined,
  };
}

async function readPlain(
  log: OpenLog,
  { from, to, named }: { from: number; to: number; named: ReadonlySet<number> },
): Promise<LogLine[]> {
  if (to < from) return [];
  const starts = await log.starts(from, to - from + 2);
  const shown = starts.slice(0, to - from + 1);
  const texts = await readTexts(log, { shown, end: starts[shown.length]?.offset ?? log.size });
  let style = await styleBefore(log, shown[0]?.offset ?? 0);
  return shown.map(({ at }, place): LogLine => {
    const number = from + place;
    const { text, cutBytes } = texts[place] ?? { text: '', cutBytes: 0 };
    const isHeading = named.has(number);
    const read = spansOfLine(isHeading ? text.slice(beginMark.length) : text, style);
    style = read.style;
    const isError = looksLikeError(read.spans.map((span) => span.text).join(''));
    return { kind: 'line', number, at, spans: read.spans, isHeading, isError, cutBytes };
  });
}

interface LineText {
  text: string;
  cutBytes: number;
}

async function readTexts(
  log: OpenLog,
  { shown, end }: { shown: readonly LineStart[]; end: number },
): Promise<LineText[]> {
  const begin = shown[0]?.offset ?? end;
  const together = end - begin <= togetherBytes ? await log.read(begin, end - begin) : undefined;
  const texts: LineText[] = [];
  for (const [place, { offset }] of shown.entries()) {
    const length = (shown[place + 1]?.offset ?? end) - offset;
    const read = (from: number, count: number) =>
      together === undefined
        ? log.read(from, count)
        : Promise.resolve(together.subarray(from - begin, from - begin + count));
    texts.push(await readText({ offset, length, read }));
  }
  return texts;
}

async function readText(line: {
  offset: number;
  length: number;
  read: (from: number, count: number) => Promise<Buffer>;
}): Promise<LineText> {
  const { offset, length, read } = line;
  if (length <= maxLineBytes) return { text: textOf(await read(offset, length)), cutBytes: 0 };
  const head = await read(offset, maxLineBytes);
  // A progress bar wrote over its own line again and again; only what it wrote last is to be seen.
  const bytes = head.includes('\r') ? await read(offset + length - maxLineBytes, maxLineBytes) : head;
  return { text: textOf(bytes), cutBytes: length - maxLineBytes };
}

/** Without its newline, and without the parts of a character that was cut. */
const textOf = (bytes: Buffer): string =>
  bytes
    .toString('utf8')
    .replace(/\r?\n$/, '')
    .replaceAll(/^\uFFFD+|\uFFFD{1,3}$/g, '');

/** The colour in force where the lines begin, as far as the lines right before them tell. */
async function styleBefore(log: OpenLog, offset: number): Promise<Style> {
  const from = Math.max(0, offset - styleBytes);
  const text = (await log.read(from, offset - from)).toString('utf8');
  if (!text.includes('\u001B')) return plainStyle;
  return text.split('\n').reduce((style, line) => spansOfLine(line, style).style, plainStyle);
}
