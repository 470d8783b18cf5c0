// The two lists of a backup: what every ref of every repository stood at, and which files there were. They are read line by
// line, for there may be hundreds of thousands.
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { backupFolder } from './folder.ts';
import { storedFile, type Manifest, type StoredFile } from './model.ts';
import { sumOfFile } from './store-file.ts';

export const refsName = 'refs';
export const filesName = 'files';
export const databaseName = 'forge.db';

const linesAtOnce = 2000;

/** Repository → full ref name → object id. */
export type RefsByRepo = Map<number, Map<string, string>>;

/** Writes the lines, durable when this resolves, and answers their size and checksum. */
async function writeLines(path: string, lines: Iterable<string>): Promise<{ bytes: number; sha256: string }> {
  const file = await open(path, 'wx', 0o600);
  try {
    let waiting: string[] = [];
    for (const line of lines) {
      waiting.push(line);
      if (waiting.length < linesAtOnce) continue;
      await file.writeFile(`${waiting.join('\n')}\n`);
      waiting = [];
    }
    if (waiting.length > 0) await file.writeFile(`${waiting.join('\n')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  return sumOfFile(path);
}

/** `repo <id>`, then a line `<object id> <ref>` for each of its refs. */
export const writeRefs = (draft: string, refs: RefsByRepo): Promise<{ bytes: number; sha256: string }> =>
  writeLines(join(draft, refsName), refLines(refs));

function* refLines(refs: RefsByRepo): Generator<string> {
  for (const [id, ofRepo] of refs) {
    yield `repo ${id}`;
    for (const [ref, oid] of ofRepo) yield `${oid} ${ref}`;
  }
}

export async function readRefs(folder: string, name: string): Promise<RefsByRepo> {
  const refs: RefsByRepo = new Map();
  let current = new Map<string, string>();
  for await (const line of linesOf(join(backupFolder(folder, name), refsName))) {
    const [, id] = /^repo (\d+)$/.exec(line) ?? [];
    if (id === undefined) current.set(line.slice(41), line.slice(0, 40));
    else refs.set(Number(id), (current = new Map()));
  }
  return refs;
}

/** A line of JSON for each file. */
export const writeFiles = (
  draft: string,
  files: readonly StoredFile[],
): Promise<{ bytes: number; sha256: string }> => writeLines(join(draft, filesName), fileLines(files));

function* fileLines(files: readonly StoredFile[]): Generator<string> {
  for (const file of files) yield JSON.stringify(file);
}

export async function* readFiles(folder: string, name: string): AsyncGenerator<StoredFile> {
  for await (const line of linesOf(join(backupFolder(folder, name), filesName))) {
    yield storedFile.parse(JSON.parse(line));
  }
}

/** Whether both lists are what the manifest says of them. */
export async function hasWholeLists(folder: string, name: string, manifest: Manifest): Promise<boolean> {
  for (const [file, sealed] of [
    [refsName, manifest.refs],
    [filesName, manifest.files],
  ] as const) {
    const sum = await sumOfFile(join(backupFolder(folder, name), file)).catch(() => undefined);
    if (sum?.sha256 !== sealed.sha256) return false;
  }
  return true;
}

const linesOf = (path: string): AsyncIterable<string> =>
  createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
