// How a folder of backups is laid out. `backups/` has one folder for each backup, whole from the moment it has its name;
// what several of them need stands once: files under their checksum, packs in a skeleton for each repository. A mark says
// that these are the forge's own, for what no backup needs any more is removed from them.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { latestVersion } from '../db/migrate.ts';
import { ForgeError, errorMessage } from '../lib/errors.ts';
import { backupFormat, manifestHead, manifestShape, type Manifest } from './model.ts';

export const draftPrefix = '.draft-';
const markName = 'pika-git-backups';
const mark =
  'Backups of pika-git. Look at them with: pika-git backup list FOLDER; leave backups/, files/ and repos/ to it.\n';
const manifestName = 'manifest.json';
const sumName = 'manifest.sha256';
const backupName = /^\d{8}T\d{6}Z(?:-\d+)?$/;

export const backupsFolder = (folder: string): string => join(folder, 'backups');
export const filesFolder = (folder: string): string => join(folder, 'files');
export const reposFolder = (folder: string): string => join(folder, 'repos');
export const backupFolder = (folder: string, name: string): string => join(backupsFolder(folder), name);
export const storedFilePath = (folder: string, sha256: string): string =>
  join(filesFolder(folder), sha256.slice(0, 2), sha256);
/** Laid out as a bare repository, so that git itself can look at what is in it. */
export const packStore = (folder: string, repoId: number): string =>
  join(reposFolder(folder), `${repoId}.git`, 'objects');

/** Refuses (`conflict`) a folder in which something else has the places of backups, and (`unavailable`) one that cannot be written. */
export async function makeBackupFolder(folder: string): Promise<void> {
  const parts = [backupsFolder(folder), filesFolder(folder), reposFolder(folder)];
  try {
    await makeFolder(folder);
    if (!existsSync(join(folder, markName))) await takeFolder(folder, parts);
    for (const path of parts) await makeFolder(path);
  } catch (error) {
    if (error instanceof ForgeError) throw error;
    const why = errorMessage(error);
    throw new ForgeError('unavailable', `The folder of backups ${folder} cannot be written: ${why}.`, {
      cause: error,
    });
  }
}

/** Another forge's data has folders of these names as well, and what lies in them would be taken for what nobody needs. */
async function takeFolder(folder: string, parts: readonly string[]): Promise<void> {
  const strange =
    (await newestBackup(folder)) === undefined ? parts.find((path) => existsSync(path)) : undefined;
  if (strange !== undefined) {
    throw new ForgeError(
      'conflict',
      `${strange} is there and belongs to no backup. Name another folder for backups, such as ${join(folder, 'pika-backups')}.`,
    );
  }
  await writeFile(join(folder, markName), mark, { mode: 0o600, flush: true });
}

/** Not those above it: one that is missing there mostly is a disk that is not mounted. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** The names of the whole backups, oldest first. */
export async function listBackupNames(folder: string): Promise<string[]> {
  const names = await readdir(backupsFolder(folder)).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  return names.filter((name) => backupName.test(name)).sort(byAge);
}

/**
 * `20260101T000000Z`, with a number behind it where that is taken. `taken`: oldest first. The order of names is that in which
 * backups were made: behind one that was made while the clock went ahead, the next has its time.
 */
export function nameFor(at: number, taken: readonly string[]): string {
  const now = new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
  const [newest = ''] = taken.at(-1)?.split('-') ?? [];
  const name = newest > now ? newest : now;
  for (let count = 1; ; count += 1) {
    const tried = count === 1 ? name : `${name}-${count}`;
    if (!taken.includes(tried)) return tried;
  }
}

function byAge(a: string, b: string): number {
  const [[timeA = '', countA = '1'], [timeB = '', countB = '1']] = [a.split('-'), b.split('-')];
  return timeA === timeB ? Number(countA) - Number(countB) : timeA < timeB ? -1 : 1;
}

/** Writes the manifest into the draft of a backup, with a checksum beside it. */
export async function writeManifest(draft: string, manifest: Manifest): Promise<void> {
  const text = `${JSON.stringify(manifest, undefined, 1)}\n`;
  const options = { mode: 0o600, flush: true };
  await writeFile(join(draft, manifestName), text, options);
  await writeFile(join(draft, sumName), `${sumOf(text)}\n`, options);
}

/**
 * The manifest of a whole backup. Refuses (`not_found`) a name that is none, and (`unavailable`) one that was damaged
 * or that a newer program wrote.
 */
export async function readManifest(folder: string, name: string): Promise<Manifest> {
  const place = backupFolder(folder, name);
  if (!(await listBackupNames(folder)).includes(name)) {
    throw new ForgeError('not_found', `There is no backup ${name} in ${folder}.`);
  }
  const damaged = `The manifest of the backup ${name} is damaged; use another one.`;
  const [text, sum] = await Promise.all([
    readFile(join(place, manifestName), 'utf8').catch(() => ''),
    readFile(join(place, sumName), 'utf8').catch(() => ''),
  ]);
  if (sum.trim() !== sumOf(text)) throw new ForgeError('unavailable', damaged);
  const parsed: unknown = JSON.parse(text);
  const { format, schema } = manifestHead.parse(parsed);
  const known = latestVersion();
  if (format > backupFormat || schema > known) {
    const which = format > backupFormat ? `format ${format}` : `schema ${schema}`;
    const knows = format > backupFormat ? backupFormat : known;
    throw new ForgeError(
      'unavailable',
      `The backup ${name} has ${which}, but this program knows only ${knows}. Use the pika-git that wrote it, or a newer one.`,
    );
  }
  const manifest = manifestShape.safeParse(parsed);
  if (!manifest.success) throw new ForgeError('unavailable', damaged, { cause: manifest.error });
  return manifest.data;
}

/** The newest backup that can be read, with its manifest; undefined when there is none. */
export async function newestBackup(
  folder: string,
): Promise<{ name: string; manifest: Manifest } | undefined> {
  for (const name of (await listBackupNames(folder)).reverse()) {
    try {
      return { name, manifest: await readManifest(folder, name) };
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
    }
  }
  return undefined;
}

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

const sumOf = (text: string): string => createHash('sha256').update(text).digest('hex');
