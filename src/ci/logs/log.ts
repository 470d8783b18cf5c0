// Reads a lane's log in ranges that end at a line's end, so that neither a character nor a control
// sequence is cut in two. Control sequences other than colour never leave the forge.
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Forge } from '../../forge/open.ts';
import { stripControls } from '../../lib/ansi.ts';
import { ForgeError } from '../../lib/errors.ts';
import { logFolder } from '../lanes/launch.ts';
import { logName } from './log-file.ts';
import { hasEnded, type Attempt } from '../model.ts';
import { openIfThere, readBytes } from './open-log.ts';

export interface LogRange {
  text: string;
  /** The byte of the text's beginning. */
  from: number;
  /** The byte that follows the text; ask from here for more. */
  next: number;
  /** Bytes in the log now. */
  size: number;
  /** Whether the attempt has ended and this range reaches the end of its log. */
  ended: boolean;
}

export interface LogQuestion {
  /** A byte offset; negative counts from the end, and begins at the next line. */
  from: number;
  maxBytes: number;
}

const newline = 10;

/** A piece of an attempt's log; empty when there is none yet. Refuses (`not_found`) one that retention has taken away. */
export async function readLog(forge: Forge, attempt: Attempt, question: LogQuestion): Promise<LogRange> {
  requireLog(attempt);
  const isOver = hasEnded(attempt.state);
  const file = await openIfThere(
    join(logFolder(forge, { attemptId: attempt.id, token: attempt.token }), logName),
  );
  if (file === undefined) return { text: '', from: 0, next: 0, size: 0, ended: isOver };
  try {
    const { size } = await file.stat();
    const wanted = question.from < 0 ? Math.max(0, size + question.from) : Math.min(question.from, size);
    const start = question.from < 0 && wanted > 0 ? await nextLineStart(file, wanted, size) : wanted;
    const bytes = await readBytes(file, start, Math.min(question.maxBytes, size - start));
    const isAtEnd = start + bytes.length >= size;
    const whole =
      isAtEnd && isOver ? bytes : bytes.subarray(0, wholeLines(bytes, bytes.length >= question.maxBytes));
    const next = start + whole.length;
    return {
      text: stripControls(whole.toString('utf8')),
      from: start,
      next,
      size,
      ended: isOver && next >= size,
    };
  } finally {
    await file.close();
  }
}

/** Refuses (`not_found`) an attempt whose log retention has taken away. */
export function requireLog({ logRemovedAt }: Attempt): void {
  if (logRemovedAt === undefined) return;
  const day = new Date(logRemovedAt).toISOString().slice(0, 10);
  throw new ForgeError(
    'not_found',
    `The log of this attempt is not kept any more, since ${day}. Run the lane again for a new one.`,
  );
}

async function nextLineStart(file: FileHandle, from: number, size: number): Promise<number> {
  const bytes = await readBytes(file, from - 1, Math.min(64 * 1024, size - from + 1));
  const at = bytes.indexOf(newline);
  return at < 0 ? from : from + at;
}

/** How many of the bytes are whole lines; a line longer than the range is cut between characters. */
function wholeLines(bytes: Buffer, isFull: boolean): number {
  const end = bytes.lastIndexOf(newline) + 1;
  if (end > 0 || !isFull) return end;
  let cut = bytes.length;
  while (cut > bytes.length - 4 && ((bytes[cut - 1] ?? 0) & 0xc0) === 0x80) cut -= 1;
  return (bytes[cut - 1] ?? 0) >= 0xc0 ? cut - 1 : bytes.length;
}
