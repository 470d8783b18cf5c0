// Search through a whole log on the forge, bounded in time, in hits and in how many may search at once.
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { logName } from './log-file.ts';
import { scanAnswer, scanLog, type ScanAnswer, type ScanOrder } from './log-scan.ts';
import type { Attempt } from '../model.ts';
import { withLog } from './open-log.ts';

export interface LogHits {
  hits: { line: number; text: string }[];
  /** Bytes of the log that were read, out of `size`. */
  from: number;
  next: number;
  size: number;
}

export interface LogSearch {
  /** What is looked for; undefined looks for lines that tell of an error. */
  text: string | undefined;
  /** The byte to begin with: 0, or the `next` of an answer. */
  from: number;
  maxHits: number;
  /** Ends the search, e.g. because nobody waits for it any more. */
  signal?: AbortSignal | undefined;
}

const maxSearches = 4;
const searchMs = 8000;
/** Less is read at once, without a thread. */
const smallBytes = 1024 * 1024;
let underWay = 0;

/**
 * The lines of an attempt's log that hold the text, in any case of its letters. Refuses (`limited`) when others search
 * already; an answer whose `next` is before `size` was cut, by its hits or by the time it took.
 */
export async function searchLog(forge: Forge, attempt: Attempt, search: LogSearch): Promise<LogHits> {
  if (underWay >= maxSearches) {
    throw new ForgeError('limited', 'Others are searching through logs; search again in a few seconds.');
  }
  underWay += 1;
  try {
    return await readThrough(forge, attempt, search);
  } finally {
    underWay -= 1;
  }
}

async function readThrough(forge: Forge, attempt: Attempt, search: LogSearch): Promise<LogHits> {
  const { text, maxHits, signal } = search;
  const found = await withLog(forge, attempt, async (log) => {
    const from = Math.min(search.from, log.size);
    const order: ScanOrder = {
      path: join(log.folder, logName),
      from,
      to: log.size,
      ...(text === undefined ? {} : { text }),
      maxHits,
      maxMs: searchMs,
    };
    const answer = log.size - from <= smallBytes ? scanLog(order) : await scanInThread(order, signal);
    const pieces = new Map<number, number>();
    const hits: LogHits['hits'] = [];
    for (const { piece, linesBefore, text: shown } of answer.hits) {
      const first = pieces.get(piece) ?? (await log.lineAt(piece));
      pieces.set(piece, first);
      hits.push({ line: Math.max(1, first + linesBefore), text: shown });
    }
    return { hits, from, next: answer.next, size: log.size };
  });
  return found ?? { hits: [], from: 0, next: 0, size: 0 };
}

async function scanInThread(order: ScanOrder, signal: AbortSignal | undefined): Promise<ScanAnswer> {
  const thread = new Worker(new URL('./scan-thread.ts', import.meta.url), { workerData: order });
  try {
    const [answer] = (await once(thread, 'message', signal === undefined ? {} : { signal })) as [unknown];
    return scanAnswer.parse(answer);
  } finally {
    await thread.terminate();
  }
}
