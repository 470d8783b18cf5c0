// Brings a file into the folder of backups, under the checksum of its bytes. It has that name only when all of it is on
// the disk, so whatever has the name is whole.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { filesFolder, storedFilePath } from './folder.ts';

export const unfinishedPrefix = '.tmp-';
const chunkBytes = 256 * 1024;

export interface Stored {
  bytes: number;
  sha256: string;
  /** Whether the folder did not have these bytes before. */
  isNew: boolean;
}

/** Of a file that may grow meanwhile, what it has at the beginning. */
export async function storeFile(
  folder: string,
  source: string,
  signal: AbortSignal | undefined,
): Promise<Stored> {
  const draft = join(filesFolder(folder), `${unfinishedPrefix}${randomUUID()}`);
  const from = await open(source, 'r');
  try {
    const to = await open(draft, 'wx', 0o600);
    try {
      const { size } = await from.stat();
      const sealed = await copyBytes(from, { to, bytes: size, signal });
      await to.sync();
      return await putInPlace(folder, draft, sealed);
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
    await rm(draft, { force: true });
  }
}

/** As `storeFile`, of bytes that are in memory. */
export async function storeBytes(folder: string, content: Buffer): Promise<Stored> {
  const draft = join(filesFolder(folder), `${unfinishedPrefix}${randomUUID()}`);
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
    const sha256 = createHash('sha256').update(content).digest('hex');
    return await putInPlace(folder, draft, { bytes: content.length, sha256 });
  } finally {
    await file.close();
    await rm(draft, { force: true });
  }
}

/** Whether the folder has a file of that checksum and size. */
export async function isStored(
  folder: string,
  { bytes, sha256 }: { bytes: number; sha256: string },
): Promise<boolean> {
  const stats = await stat(storedFilePath(folder, sha256)).catch(() => undefined);
  return stats?.size === bytes;
}

export async function sumOfFile(
  path: string,
  signal?: AbortSignal,
): Promise<{ bytes: number; sha256: string }> {
  const file = await open(path, 'r');
  try {
    return await copyBytes(file, { bytes: Number.POSITIVE_INFINITY, signal });
  } finally {
    await file.close();
  }
}

/** Reads up to so many bytes and answers their number and checksum; `to` gets them all. */
export async function copyBytes(
  from: FileHandle,
  how: { to?: FileHandle; bytes: number; signal?: AbortSignal | undefined },
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let bytes = 0;
  while (bytes < how.bytes) {
    how.signal?.throwIfAborted();
    const { bytesRead } = await from.read(buffer, 0, Math.min(chunkBytes, how.bytes - bytes), bytes);
    if (bytesRead === 0) break;
    const chunk = buffer.subarray(0, bytesRead);
    hash.update(chunk);
    await how.to?.writeFile(chunk);
    bytes += bytesRead;
  }
  return { bytes, sha256: hash.digest('hex') };
}

async function putInPlace(
  folder: string,
  draft: string,
  sealed: { bytes: number; sha256: string },
): Promise<Stored> {
  if (await isStored(folder, sealed)) return { ...sealed, isNew: false };
  const path = storedFilePath(folder, sealed.sha256);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await rename(draft, path);
  return { ...sealed, isNew: true };
}
