// Where the folds of a log begin and end: `::group::name` and `::endgroup::` at the beginning of a line. The writer
// notes them as they come, so that the page of a log of any size knows its folds without reading it.
// One little-endian double for each mark: the number of its line, negative for an end; zero where output was left out.
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export const foldsName = 'log.folds';
export const beginMark = '::group::';
const endMark = '::endgroup::';
const recordBytes = 8;
/** What comes after so many marks is shown without folds. */
const maxMarks = 20_000;

const colon = 58;
const begin = Buffer.from(beginMark);
const end = Buffer.from(endMark);

/** Fed by whoever writes the log, in the order of its bytes. */
export class FoldMarks {
  readonly #file: number;
  #count = 0;
  /** The beginning of a line that may become a mark when the next chunk comes. */
  #begun: { line: number; bytes: Buffer } | undefined;

  constructor(folder: string, { goesOn = false } = {}) {
    this.#file = openSync(join(folder, foldsName), goesOn ? 'a' : 'w', 0o600);
    this.#count = Math.floor(fstatSync(this.#file).size / recordBytes);
  }

  /** A chunk follows; call it before the lines that begin in it. */
  goOn(chunk: Buffer): void {
    const begun = this.#begun;
    if (begun === undefined) return;
    this.#begun = undefined;
    const rest = chunk.subarray(0, end.length - begun.bytes.length);
    this.#look(begun.line, Buffer.concat([begun.bytes, rest]));
  }

  /** Line `line` (from 1) begins at byte `at` of the chunk. */
  lineAt(line: number, chunk: Buffer, at: number): void {
    if (chunk[at] === colon) this.#look(line, chunk.subarray(at, at + end.length));
  }

  /** Output is left out here, and with it the ends of what is open and the beginnings of what ends later. */
  cut(): void {
    this.#begun = undefined;
    this.#note(0);
  }

  close(): void {
    closeSync(this.#file);
  }

  #look(line: number, bytes: Buffer): void {
    if (begin.equals(bytes.subarray(0, begin.length))) this.#note(line);
    else if (end.equals(bytes)) this.#note(-line);
    else if (isBeginning(bytes, begin) || isBeginning(bytes, end))
      this.#begun = { line, bytes: Buffer.from(bytes) };
  }

  #note(mark: number): void {
    if (this.#count >= maxMarks) return;
    this.#count += 1;
    const record = Buffer.alloc(recordBytes);
    record.writeDoubleLE(mark);
    writeSync(this.#file, record);
  }
}

const isBeginning = (bytes: Buffer, mark: Buffer): boolean =>
  bytes.length < mark.length && mark.subarray(0, bytes.length).equals(bytes);

export interface Fold {
  /** The line that names it. */
  first: number;
  /** The line that ends it; undefined: it was never ended. */
  last: number | undefined;
}

/** In the order of their first lines; an outer fold stands before those in it. Empty when nothing was noted. */
export async function readFolds(folder: string): Promise<Fold[]> {
  let bytes: Buffer;
  try {
    bytes = await readFile(join(folder, foldsName));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const folds: Fold[] = [];
  const open: Fold[] = [];
  for (let at = 0; at + recordBytes <= bytes.length; at += recordBytes) {
    const mark = bytes.readDoubleLE(at);
    if (mark === 0) open.length = 0;
    else if (mark > 0) {
      const fold: Fold = { first: mark, last: undefined };
      folds.push(fold);
      open.push(fold);
    } else {
      // An end that nothing began is no fold; a log over its limit may have lost the beginning.
      const ended = open.pop();
      if (ended !== undefined) ended.last = -mark;
    }
  }
  return folds;
}

export interface FoldQuestion {
  from: number;
  /** The last line that is asked for. */
  to: number;
  /** Folds with this line in them stay open; `all`: every fold does. */
  open: number | 'all' | undefined;
}

export type EndedFold = Fold & { last: number };

/** The folds that are closed between two lines, outermost only, in order: what a reader sees as one line each. */
export function closedFolds(folds: readonly Fold[], { from, to, open }: FoldQuestion): EndedFold[] {
  if (open === 'all') return [];
  const closed: EndedFold[] = [];
  let behind = from - 1;
  for (const { first, last } of folds) {
    if (first <= behind || last === undefined || last > to) continue;
    if (open !== undefined && first <= open && open <= last) continue;
    closed.push({ first, last });
    behind = last;
  }
  return closed;
}
