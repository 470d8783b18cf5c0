// An attempt's log open for reading, by bytes and by lines: the index beside it says where each line begins, so
// that any line of a log of any size is found with one read.
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Forge } from '../../forge/open.ts';
import { logFolder } from '../lanes/launch.ts';
import { indexName, indexRecordBytes, logName } from './log-file.ts';
import { hasEnded, type Attempt } from '../model.ts';

export interface LineStart {
  /** Of the line's first byte. */
  offset: number;
  /** When it was printed, UTC milliseconds. */
  at: number;
}

export interface OpenLog {
  folder: string;
  /** Bytes in the log now. */
  size: number;
  /** Whole lines in it now; the last one of a log that has ended may lack its newline. */
  lines: number;
  read(position: number, length: number): Promise<Buffer>;
  /** Where the lines from `line` (counted from 1) on begin; fewer than `count` at the end of the log. */
  starts(line: number, count: number): Promise<LineStart[]>;
  /** The number of the line that holds the byte. */
  lineAt(offset: number): Promise<number>;
}

const newline = 10;

export const logFolderOf = (forge: Forge, { id: attemptId, token }: Attempt): string =>
  logFolder(forge, { attemptId, token });

/** Calls `use` with the log, and closes it afterwards; undefined when the attempt has none. */
export async function withLog<Result>(
  forge: Forge,
  attempt: Attempt,
  use: (log: OpenLog) => Promise<Result>,
): Promise<Result | undefined> {
  const folder = logFolderOf(forge, attempt);
  const file = await openIfThere(join(folder, logName));
  if (file === undefined) return undefined;
  const index = await openIfThere(join(folder, indexName));
  try {
    return await use(await openOn({ folder, file, index, isOver: hasEnded(attempt.state) }));
  } finally {
    await Promise.all([file.close(), index?.close()]);
  }
}

interface Parts {
  folder: string;
  file: FileHandle;
  index: FileHandle | undefined;
  isOver: boolean;
}

async function openOn({ folder, file, index, isOver }: Parts): Promise<OpenLog> {
  // The log first: a line that is seen in it stands in the index, which is written before.
  const { size } = await file.stat();
  const indexed = index === undefined ? 0 : Math.floor((await index.stat()).size / indexRecordBytes);
  const readStarts = async (line: number, count: number): Promise<LineStart[]> => {
    if (index === undefined || count <= 0) return [];
    const records = await readBytes(index, (line - 1) * indexRecordBytes, count * indexRecordBytes);
    return Array.from({ length: Math.floor(records.length / indexRecordBytes) }, (_, place) => ({
      offset: records.readDoubleLE(place * indexRecordBytes),
      at: records.readDoubleLE(place * indexRecordBytes + 8),
    }));
  };
  /** How many lines begin at or before the byte. */
  const lineAt = async (offset: number): Promise<number> => {
    let low = 0;
    let high = indexed;
    while (low < high) {
      const middle = (low + high) >> 1;
      const [start] = await readStarts(middle + 1, 1);
      if ((start?.offset ?? Infinity) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const begun = size === 0 ? 0 : await lineAt(size - 1);
  const isWhole = isOver || size === 0 || (await readBytes(file, size - 1, 1))[0] === newline;
  const lines = isWhole ? begun : Math.max(0, begun - 1);
  return {
    folder,
    size,
    lines,
    read: (position, length) => readBytes(file, position, Math.min(length, size - position)),
    starts: (line, count) => readStarts(line, Math.min(count, lines - line + 1)),
    lineAt: async (offset) => Math.min(lines, await lineAt(offset)),
  };
}

export async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function readBytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.max(0, length));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
  return buffer.subarray(0, bytesRead);
}
