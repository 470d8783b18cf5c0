// Reads through a log of any size for the lines that hold a text or look like an error, piece by piece, as long as
// it may. Knows the file alone, so that it can run in a thread of its own.
import { closeSync, openSync, readSync } from 'node:fs';
import { z } from 'zod';
import { stripControls } from '../../lib/ansi.ts';
import { errorHint, looksLikeError } from './log-errors.ts';

export const scanOrder = z.strictObject({
  path: z.string(),
  /** Bytes; `from` is the beginning of a line. */
  from: z.number(),
  to: z.number(),
  /** The text that is looked for, in any case of its letters; undefined looks for errors. */
  text: z.string().optional(),
  maxHits: z.number(),
  maxMs: z.number(),
});
export type ScanOrder = z.infer<typeof scanOrder>;

export const scanAnswer = z.strictObject({
  hits: z.array(
    z.strictObject({
      /** Where the piece begins that holds the line, and how many lines of it come before. */
      piece: z.number(),
      linesBefore: z.number(),
      text: z.string(),
    }),
  ),
  /** The byte to go on from; `to` when everything was read. */
  next: z.number(),
});
export type ScanAnswer = z.infer<typeof scanAnswer>;

const pieceBytes = 1024 * 1024;
const maxShownCharacters = 300;
const newline = 10;
const colour = /\u001B\[[0-9;:]*m/g;

export function scanLog({ path, from, to, text, maxHits, maxMs }: ScanOrder): ScanAnswer {
  const until = performance.now() + maxMs;
  const search = text === undefined ? errorSearch : textSearch(text);
  const file = openSync(path, 'r');
  const buffer = Buffer.alloc(pieceBytes);
  const hits: ScanAnswer['hits'] = [];
  let at = from;
  try {
    while (at < to && performance.now() < until) {
      const read = readSync(file, buffer, 0, Math.min(pieceBytes, to - at), at);
      if (read === 0) return { hits, next: to };
      const piece = wholeLines(buffer.subarray(0, read), at + read >= to);
      const found = hitsIn(piece, search, maxHits - hits.length);
      hits.push(...found.hits.map((hit) => ({ piece: at, ...hit })));
      if (found.stoppedAt !== undefined) return { hits, next: at + found.stoppedAt };
      at += piece.length;
    }
    return { hits, next: Math.min(at, to) };
  } finally {
    closeSync(file);
  }
}

/** A line longer than a piece is read in parts, as if each were a line. */
function wholeLines(bytes: Buffer, isLast: boolean): Buffer {
  const end = bytes.lastIndexOf(newline) + 1;
  return isLast || end === 0 ? bytes : bytes.subarray(0, end);
}

interface Search {
  /** Finds in the bytes what may be a hit; every hit has a match. */
  hint: RegExp;
  /** Whether a line, as people see it, is a hit, and where in it; negative: it is none. */
  placeIn: (line: string) => number;
}

const errorSearch: Search = {
  hint: errorHint,
  placeIn: (line) => (looksLikeError(line) ? 0 : -1),
};

/** A colour may change between any two letters of what people see as one word. */
const gap = String.raw`(?:\u001B\[[0-?]*[ -/]*[@-~])*`;

function textSearch(text: string): Search {
  const letters = text.match(/./gsu) ?? [];
  const forms = letters.map((letter) => {
    const all = new Set([letter, letter.toLowerCase(), letter.toUpperCase()]);
    return `(?:${[...all].map((form) => literally(Buffer.from(form).toString('latin1'))).join('|')})`;
  });
  const wanted = text.toLowerCase();
  return {
    hint: new RegExp(forms.join(gap), 'g'),
    placeIn: (line) => line.toLowerCase().indexOf(wanted),
  };
}

const literally = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);

interface Found {
  hits: Omit<ScanAnswer['hits'][number], 'piece'>[];
  /** In bytes of the piece, the beginning of a line: there were as many hits as are wanted. */
  stoppedAt: number | undefined;
}

function hitsIn(piece: Buffer, { hint, placeIn }: Search, room: number): Found {
  const bytes = piece.toString('latin1');
  const hits: Found['hits'] = [];
  let line = 0;
  let start = 0;
  hint.lastIndex = 0;
  for (let match = hint.exec(bytes); match !== null; match = hint.exec(bytes)) {
    // Over the lines between: from newline to newline is faster than to split the text.
    let end = bytes.indexOf('\n', start);
    for (; end >= 0 && end < match.index; end = bytes.indexOf('\n', start)) {
      line += 1;
      start = end + 1;
    }
    const text = shownLine(piece.subarray(start, end < 0 ? bytes.length : end));
    const place = placeIn(text);
    if (place >= 0) {
      if (hits.length >= room) return { hits, stoppedAt: start };
      hits.push({ linesBefore: line, text: excerpt(text, place) });
    }
    if (end < 0) break;
    hint.lastIndex = end;
  }
  return { hits, stoppedAt: undefined };
}

const shownLine = (bytes: Buffer): string =>
  stripControls(bytes.toString('utf8')).replaceAll(colour, '').replaceAll('\r', ' ');

function excerpt(line: string, place: number): string {
  const begin = place > maxShownCharacters / 2 ? Math.floor(place - maxShownCharacters / 4) : 0;
  const end = begin + maxShownCharacters;
  return `${begin > 0 ? '…' : ''}${line.slice(begin, end).trim()}${end < line.length ? '…' : ''}`;
}
