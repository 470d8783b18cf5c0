// The log on a lane's page: the part that is shown first, and what the address asks for.
import { z } from 'zod';
import type { Forge } from '../../forge/open.ts';
import { readFolds } from './log-folds.ts';
import { readLines, type LinesQuestion, type LogBlock } from './log-lines.ts';
import { logRows } from './log-rows-view.ts';
import { searchLog, type LogHits } from './log-search.ts';
import { hasEnded, type Attempt } from '../model.ts';
import { logFolderOf } from './open-log.ts';

const rowsOfPage = 500;
const maxHits = 200;
/** What stands before the line that an address names. */
const contextRows = 12;
/** A fold that ends so near to the end of a failed attempt's log is where it failed. */
const nearEnd = 25;

const lineNumber = z.coerce.number('expected a line number').int('expected a line number').min(1).max(1e10);
const searched = z.string('expected a text').max(200, 'at most 200 characters');

/** Where in a log an address leads: `from` or `before` a line, or around a `line`; `q` searches. */
export const logPlace = z.object({
  line: lineNumber.optional(),
  from: lineNumber.optional(),
  before: lineNumber.optional(),
  min: lineNumber.optional(),
  max: lineNumber.optional(),
  open: z.union([z.literal('all'), lineNumber]).optional(),
  q: searched.optional(),
  /** The byte at which a search goes on. */
  at: z.coerce.number('expected a byte offset').int('expected a byte offset').min(0).default(0),
});
export type LogPlace = z.output<typeof logPlace>;

export interface ShownLog {
  html: string;
  first: number;
  next: number;
  lines: number;
  size: number;
  ended: boolean;
  open: LinesQuestion['open'];
  /** Of this attempt; addresses of lines and parts begin with it. */
  href: string;
  /** The line that the address names. */
  line: number | undefined;
}

export interface LogOfPage {
  attempt: Attempt;
  lanePath: string;
  place: LogPlace;
}

/** A part of the log with what a page must know of it to show the next one. */
export async function shownLog(forge: Forge, { attempt, lanePath, place }: LogOfPage): Promise<ShownLog> {
  const href = `${lanePath}?attempt=${attempt.number}`;
  const open = place.open ?? place.line ?? (await failedAt(forge, attempt));
  const block = await readPart(forge, attempt, { ...place, open });
  const html = logRows(block.rows, { startedAt: attempt.startedAt, href });
  const { first, next, lines, size, ended } = block;
  return { html, first, next, lines, size, ended, open, href, line: place.line };
}

function readPart(forge: Forge, attempt: Attempt, place: LogPlace): Promise<LogBlock> {
  const { line, from, before, min, max, open } = place;
  const rows = rowsOfPage;
  if (line !== undefined) {
    return readLines(forge, attempt, { from: Math.max(1, line - contextRows), rows, open });
  }
  if (from !== undefined) return readLines(forge, attempt, { from, max, rows, open });
  if (before !== undefined) return readLines(forge, attempt, { before, min, rows, open });
  // What runs or has failed is read from its end, anything else from its beginning.
  const isFromEnd = !hasEnded(attempt.state) || attempt.state === 'failed';
  return readLines(forge, attempt, isFromEnd ? { before: Infinity, rows, open } : { from: 1, rows, open });
}

/** A line in the fold in which a failed attempt ended, so that it is not closed. */
async function failedAt(forge: Forge, attempt: Attempt): Promise<number | undefined> {
  if (attempt.state !== 'failed') return undefined;
  const folds = await readFolds(logFolderOf(forge, attempt));
  const fold = folds.findLast(({ last }) => last !== undefined);
  if (fold?.last === undefined) return undefined;
  const { lines } = await readLines(forge, attempt, { rows: 0, open: 'all' });
  return lines - fold.last <= nearEnd ? fold.first : undefined;
}

export interface ShownHits extends LogHits {
  q: string;
  href: string;
}

export async function shownHits(
  forge: Forge,
  { attempt, lanePath, place }: LogOfPage,
  signal?: AbortSignal,
): Promise<ShownHits | undefined> {
  if (place.q === undefined || place.q.trim() === '') return undefined;
  const hits = await searchLog(forge, attempt, {
    text: place.q,
    from: place.at,
    maxHits,
    ...(signal === undefined ? {} : { signal }),
  });
  return { ...hits, q: place.q, href: `${lanePath}?attempt=${attempt.number}` };
}
