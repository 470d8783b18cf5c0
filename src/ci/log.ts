// Reads a lane's log in ranges that end at a line's end, so that neither a character nor a control
// sequence is cut in two. Control sequences other than colour never leave the forge.
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Forge } from '../forge/open.ts';
import { stripControls } from '../lib/ansi.ts';
import { logFolder } from './launch.ts';
import { indexName, indexRecordBytes, logName } from './log-file.ts';
import { hasEnded, type Attempt } from './model.ts';

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

/** A piece of an attempt's log; empty when there is none yet. */
export async function readLog(forge: Forge, attempt: Attempt, question: LogQuestion): Promise<LogRange> {
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

export interface LineMark {
  number: number;
  at: number;
}

/** Number (from 1) and time of the lines from the one at byte `from` on, out of the index. */
export async function readLineMarks(
  forge: Forge,
  attempt: Attempt,
  range: { from: number; count: number },
): Promise<LineMark[]> {
  const file = await openIfThere(
    join(logFolder(forge, { attemptId: attempt.id, token: attempt.token }), indexName),
  );
  if (file === undefined) return [];
  try {
    const { size } = await file.stat();
    let low = 0;
    let high = Math.floor(size / indexRecordBytes);
    while (low < high) {
      const middle = (low + high) >> 1;
      const record = await readBytes(file, middle * indexRecordBytes, indexRecordBytes);
      if (record.readDoubleLE(0) < range.from) low = middle + 1;
      else high = middle;
    }
    const records = await readBytes(file, low * indexRecordBytes, range.count * indexRecordBytes);
    const count = Math.floor(records.length / indexRecordBytes);
    return Array.from({ length: count }, (_, place) => ({
      number: low + place + 1,
      at: records.readDoubleLE(place * indexRecordBytes + 8),
    }));
  } finally {
    await file.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function readBytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.max(0, length));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
  return buffer.subarray(0, bytesRead);
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
