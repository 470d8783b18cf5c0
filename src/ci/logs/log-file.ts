// The log of one attempt: an append-only file, and beside it one record for each line with its byte offset
// and time. Writing is synchronous: the lane's thread has nothing else to do, and the pipe is held back.
// A log over its limit keeps its head and its tail, with the gap marked. On a disk that is full it ends where it is: whoever
// writes it goes on and ends its lane in order.
import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isDiskFull } from '../../lib/disk-full.ts';
import { FoldMarks } from './log-folds.ts';

export const logName = 'log';
export const indexName = 'log.index';
/** Two little-endian doubles: the offset of the line's first byte, and UTC milliseconds. */
export const indexRecordBytes = 16;

const maxTailBytes = 4 * 1024 * 1024;
const newline = 10;

export class LogFile {
  readonly #log: number;
  readonly #index: number;
  readonly #folds: FoldMarks;
  readonly #headLimit: number;
  readonly #tailLimit: number;
  /** A ring, made when the head is full: its next byte goes to `#tailSeen` modulo its length. */
  #tail = Buffer.alloc(0);
  #tailSeen = 0;
  #isOver = false;
  #atLineStart = true;
  #bytes = 0;
  #lines = 0;
  #isCutShort = false;
  readonly #maxLines: number;
  /** One for all chunks, as large as the largest needed. */
  #records = Buffer.alloc(0);

  /** Begins a new log, or with `goesOn` behind the last byte of the one that is there. */
  constructor(folder: string, maxBytes: number, { goesOn = false } = {}) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const flags = goesOn ? 'a+' : 'w';
    this.#log = openSync(join(folder, logName), flags, 0o600);
    this.#index = openSync(join(folder, indexName), flags, 0o600);
    this.#folds = new FoldMarks(folder, { goesOn });
    this.#maxLines = Math.ceil(maxBytes / indexRecordBytes);
    this.#tailLimit = Math.min(maxTailBytes, Math.floor(maxBytes / 4));
    this.#headLimit = maxBytes - this.#tailLimit;
    if (goesOn) this.#goOn();
  }

  /** Bytes in the file by now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether something could not be written, because the disk is full; nothing is written after it. */
  get isCutShort(): boolean {
    return this.#isCutShort;
  }

  write(chunk: Buffer): void {
    if (this.#isOver) {
      this.#keepTail(chunk);
      return;
    }
    const room = this.#headLimit - this.#bytes;
    if (chunk.length <= room) {
      this.#append(chunk);
      return;
    }
    this.#append(chunk.subarray(0, room));
    this.#isOver = true;
    this.#line(`[pika] the log is full at ${this.#headLimit} bytes; of what follows, only the end is kept`);
    this.#keepTail(chunk.subarray(room));
  }

  /** A line of the forge itself, on a line of its own. */
  note(text: string): void {
    if (this.#isOver) this.#flushTail();
    this.#line(`[pika] ${text}`);
  }

  close(): void {
    if (this.#isOver) this.#flushTail();
    closeSync(this.#log);
    closeSync(this.#index);
    this.#folds.close();
  }

  #goOn(): void {
    this.#bytes = fstatSync(this.#log).size;
    this.#lines = Math.floor(fstatSync(this.#index).size / indexRecordBytes);
    // Who died between the index and the log left records of lines that were never written.
    const record = Buffer.alloc(indexRecordBytes);
    for (; this.#lines > 0; this.#lines -= 1) {
      readSync(this.#index, record, 0, indexRecordBytes, (this.#lines - 1) * indexRecordBytes);
      if (record.readDoubleLE(0) < this.#bytes) break;
    }
    ftruncateSync(this.#index, this.#lines * indexRecordBytes);
    const last = Buffer.alloc(1);
    if (this.#bytes > 0) readSync(this.#log, last, 0, 1, this.#bytes - 1);
    this.#atLineStart = this.#bytes === 0 || last[0] === newline;
  }

  #line(text: string): void {
    this.#append(Buffer.from(`${this.#atLineStart ? '' : '\n'}${text}\n`));
  }

  #keepTail(chunk: Buffer): void {
    if (this.#tail.length === 0) this.#tail = Buffer.alloc(this.#tailLimit);
    const size = this.#tail.length;
    const kept = chunk.length > size ? chunk.subarray(chunk.length - size) : chunk;
    this.#tailSeen += chunk.length - kept.length;
    const at = this.#tailSeen % size;
    const first = kept.copy(this.#tail, at);
    if (first < kept.length) kept.copy(this.#tail, 0, first);
    this.#tailSeen += kept.length;
  }

  #flushTail(): void {
    if (this.#tailSeen === 0) return;
    const size = this.#tail.length;
    const at = this.#tailSeen % size;
    if (this.#tailSeen > size) {
      this.#line(`[pika] … ${this.#tailSeen - size} bytes are left out here …`);
      this.#folds.cut();
    }
    if (this.#tailSeen >= size) this.#append(this.#tail.subarray(at));
    this.#append(this.#tail.subarray(0, at));
    this.#tailSeen = 0;
  }

  #append(chunk: Buffer): void {
    if (chunk.length === 0 || this.#isCutShort) return;
    try {
      this.#appendWhole(chunk);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.#isCutShort = true;
    }
  }

  #appendWhole(chunk: Buffer): void {
    // The index first: a reader who sees a line in the log finds it in the index.
    this.#appendIndex(chunk);
    let written = 0;
    while (written < chunk.length) {
      const count = writeSync(this.#log, chunk, written);
      written += count;
      this.#bytes += count;
    }
    this.#atLineStart = chunk[chunk.length - 1] === newline;
  }

  #appendIndex(chunk: Buffer): void {
    this.#folds.goOn(chunk);
    const starts: number[] = this.#atLineStart ? [0] : [];
    for (
      let at = chunk.indexOf(newline);
      at >= 0 && at + 1 < chunk.length;
      at = chunk.indexOf(newline, at + 1)
    ) {
      starts.push(at + 1);
    }
    // A log of empty lines must not have an index that is many times as large: what follows belongs to the last line.
    if (starts.length > this.#maxLines - this.#lines) starts.length = this.#maxLines - this.#lines;
    if (starts.length === 0) return;
    const now = Date.now();
    const length = starts.length * indexRecordBytes;
    if (this.#records.length < length) this.#records = Buffer.alloc(length);
    const records = this.#records;
    for (const [place, start] of starts.entries()) {
      records.writeDoubleLE(this.#bytes + start, place * indexRecordBytes);
      records.writeDoubleLE(now, place * indexRecordBytes + 8);
      this.#folds.lineAt(this.#lines + place + 1, chunk, start);
    }
    this.#lines += starts.length;
    writeSync(this.#index, records, 0, length);
  }
}
