// Brings the files of the data folder into the folder of backups. What has the size and the time that it had in the backup
// before is taken from there, without being read again.
import { basename, dirname, join } from 'node:path';
import { objectPath } from '../lfs/object-path.ts';
import { isObjectId } from '../lfs/model.ts';
import type { Forge } from '../forge/open.ts';
import type { DataFile } from './data-files.ts';
import { filesFolder, isMissing, syncFolder } from './folder.ts';
import type { StoredFile } from './model.ts';
import { isStored, storeBytes, storeFile, type Stored } from './store-file.ts';

/** Each waits for the disk in one of the four threads in which all files of the program are read: half of them stay free. */
const filesAtOnce = 2;

export interface FilesOrder {
  folder: string;
  files: readonly DataFile[];
  /** As the spool was when the database was copied; it is in no file any more. */
  remembered: ReadonlyMap<string, Buffer>;
  /** Of the backup before, by path. */
  known: ReadonlyMap<string, StoredFile>;
  signal: AbortSignal | undefined;
}

export interface FilesAnswer {
  files: StoredFile[];
  problems: string[];
  newBytes: number;
}

export async function storeFiles(forge: Forge, order: FilesOrder): Promise<FilesAnswer> {
  const answer: FilesAnswer = { files: [], problems: [], newBytes: 0 };
  const fresh = new Set<string>();
  const keep = (file: DataFile, { bytes, sha256, isNew }: Stored): void => {
    answer.files.push({ path: file.path, bytes, mtimeMs: file.mtimeMs, sha256 });
    if (!isNew) return;
    answer.newBytes += bytes;
    fresh.add(join(filesFolder(order.folder), sha256.slice(0, 2)));
  };
  const now = Date.now();
  for (const [path, content] of order.remembered) {
    const file = { path, bytes: content.length, mtimeMs: now };
    keep(file, await storeBytes(order.folder, content));
  }
  const left = order.files.values();
  const takeTurns = async (): Promise<void> => {
    for (const file of left) {
      order.signal?.throwIfAborted();
      const stored = await store(forge, order, file);
      if (stored === undefined) continue;
      keep(file, stored);
      const problem = damageOf(forge, file, stored);
      if (problem !== undefined) answer.problems.push(problem);
    }
  };
  await Promise.all(Array.from({ length: filesAtOnce }, takeTurns));
  for (const folder of [...fresh, filesFolder(order.folder)]) await syncFolder(folder);
  answer.files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return answer;
}

/** Undefined for a file that was removed meanwhile, as old logs and artifacts are. */
async function store(forge: Forge, order: FilesOrder, file: DataFile): Promise<Stored | undefined> {
  const known = order.known.get(file.path);
  const isSame = known?.bytes === file.bytes && known.mtimeMs === file.mtimeMs;
  const sha256 = isSame ? known.sha256 : largeFileId(forge, file);
  if (sha256 !== undefined && (await isStored(order.folder, { bytes: file.bytes, sha256 }))) {
    return { bytes: file.bytes, sha256, isNew: false };
  }
  try {
    return await storeFile(order.folder, join(forge.config.paths.data, file.path), order.signal);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** A large file of Git LFS is named by its checksum, so it need not be read to know whether the folder has it. */
function largeFileId(forge: Forge, { path }: DataFile): string | undefined {
  const oid = basename(path);
  const full = join(forge.config.paths.data, path);
  return isObjectId(oid) && dirname(full) === dirname(objectPath(forge, oid)) ? oid : undefined;
}

function damageOf(forge: Forge, file: DataFile, { sha256 }: Stored): string | undefined {
  const oid = largeFileId(forge, file);
  return oid === undefined || oid === sha256
    ? undefined
    : `the large file ${oid} was damaged before the backup was made`;
}
