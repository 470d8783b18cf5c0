// Fills an empty data folder from a backup. Every byte is held against its checksum on the way; the folder bears a mark
// until all of it is there, and no forge opens it before. Comparing rows with refs afterwards is for the operator's command.
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { restoringMark } from '../forge/restoring.ts';
import { createBareRepo, setHead } from '../git/bare-repo.ts';
import type { Git } from '../git/run.ts';
import { writePackedRefs } from '../git/write-packed-refs.ts';
import { ForgeError } from '../lib/errors.ts';
import { backupFolder, packStore, readManifest, storedFilePath, syncFolder } from './folder.ts';
import { databaseName, hasWholeLists, readFiles, readRefs } from './list-files.ts';
import type { Manifest, StoredRepo } from './model.ts';
import { checkPlace, requireRoom } from './place.ts';
import { copyBytes } from './store-file.ts';

const spareMebibytes = 64;

export interface RestoreOrder {
  folder: string;
  name: string;
  /** Where the forge will be: a folder that is empty, or not there yet. */
  data: string;
  /** Makes the git of that data folder, which makes the repositories. */
  openGit: () => Git;
}

type Filling = Omit<RestoreOrder, 'openGit'> & { git: Git };

/**
 * Refuses (`conflict`) a folder that has something in it, (`unavailable`) a backup that a newer program wrote or that is
 * damaged, and a disk without room; the folder is empty again then.
 */
export async function restoreBackup(order: RestoreOrder): Promise<Manifest> {
  const { folder, name, data } = order;
  checkPlace(data, folder);
  const manifest = await readManifest(folder, name);
  if (!(await hasWholeLists(folder, name, manifest))) throw damaged(name, 'a list of it');
  await requireEmpty(data);
  await requireRoom(data, sizeOf(manifest), spareMebibytes);
  await markRestoring(data, name);
  await syncFolder(data);
  try {
    await fill({ folder, name, data, git: order.openGit() }, manifest);
  } catch (error) {
    // All of it came from here, for the folder was empty.
    for (const made of await readdir(data)) await rm(join(data, made), { recursive: true, force: true });
    throw error;
  }
  await rm(restoringMark(data));
  await syncFolder(data);
  return manifest;
}

async function fill(order: Filling, manifest: Manifest): Promise<void> {
  const { folder, name, data } = order;
  await restoreFiles(order);
  await restoreRepos(order, manifest);
  const source = join(backupFolder(folder, name), databaseName);
  const expected = { ...manifest.database, what: 'the database', name };
  await copySealed(source, join(data, 'forge.db'), expected);
  for (const path of [join(data, 'repos'), data]) await syncFolder(path);
}

/** Makes the folder, or refuses one in which something lies. */
async function requireEmpty(data: string): Promise<void> {
  await mkdir(data, { recursive: true, mode: 0o700 });
  const [found] = await readdir(data);
  if (found === undefined) return;
  throw new ForgeError(
    'conflict',
    `${data} is not empty (${found} is in it). A backup is restored into an empty folder: name another one, or move away what is there.`,
  );
}

/** Of two at once into one folder, the second would take away what the first brought. */
async function markRestoring(data: string, name: string): Promise<void> {
  try {
    await writeFile(restoringMark(data), `${name}\n`, { flag: 'wx', mode: 0o600, flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new ForgeError('conflict', `Another restore into ${data} has begun.`, { cause: error });
  }
}

const sizeOf = ({ database, files, repos }: Manifest): number =>
  repos
    .flatMap(({ packs }) => packs)
    .reduce((sum, { pack, index }) => sum + pack.bytes + index.bytes, database.bytes + files.contentBytes);

async function restoreFiles({ folder, name, data }: Filling): Promise<void> {
  for await (const { path, bytes, mtimeMs, sha256 } of readFiles(folder, name)) {
    const to = join(data, requireInner(path));
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await copySealed(storedFilePath(folder, sha256), to, { bytes, sha256, what: path, name });
    await utimes(to, new Date(), new Date(mtimeMs));
  }
}

/** The list is the backup's own, and still no way out of the data folder. */
function requireInner(path: string): string {
  const isInner = !path.startsWith('/') && path.split('/').every((part) => !['', '.', '..'].includes(part));
  if (isInner && !path.includes('\0')) return path;
  throw new ForgeError('unavailable', `The backup names the file ${path}, which is outside of the data.`);
}

async function restoreRepos(order: Filling, manifest: Manifest): Promise<void> {
  const refs = await readRefs(order.folder, order.name);
  await mkdir(join(order.data, 'repos'), { recursive: true, mode: 0o700 });
  for (const repo of manifest.repos) await restoreRepo(order, repo, refs.get(repo.id) ?? new Map());
}

async function restoreRepo(
  { folder, name, data, git }: Filling,
  repo: StoredRepo,
  refs: ReadonlyMap<string, string>,
): Promise<void> {
  const path = join(data, 'repos', `${repo.id}.git`);
  await createBareRepo(git, path, repo.head ?? 'main');
  const packs = join(path, 'objects/pack');
  const store = join(packStore(folder, repo.id), 'pack');
  for (const { name: pack, pack: content, index } of repo.packs) {
    const what = `a pack of ${repo.name}`;
    // The index last: it makes a pack one.
    await copySealed(join(store, `${pack}.pack`), join(packs, `${pack}.pack`), { ...content, what, name });
    await copySealed(join(store, `${pack}.idx`), join(packs, `${pack}.idx`), { ...index, what, name });
  }
  await syncFolder(packs);
  await writePackedRefs(git, path, refs);
  if (repo.head !== null) await setHead(git, path, repo.head);
}

interface Expected {
  bytes: number;
  sha256: string;
  /** What it is, and of which backup, for the one who restores. */
  what: string;
  name: string;
}

/** Copies a file that must have exactly these bytes; durable when this resolves, but for its name. */
async function copySealed(source: string, path: string, expected: Expected): Promise<void> {
  if (!existsSync(source)) throw damaged(expected.name, `${expected.what} is missing`);
  const draft = `${path}.restoring`;
  const from = await open(source, 'r');
  try {
    const to = await open(draft, 'wx', 0o600);
    try {
      const { bytes, sha256 } = await copyBytes(from, { to, bytes: Number.POSITIVE_INFINITY });
      if (bytes !== expected.bytes || sha256 !== expected.sha256) {
        throw damaged(expected.name, `${expected.what} is not what it was`);
      }
      await to.sync();
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
  await rename(draft, path);
}

const damaged = (name: string, what: string): ForgeError =>
  new ForgeError(
    'unavailable',
    `The backup ${name} is damaged: ${what}. Empty the folder and restore another backup; pika-git backup verify says which are whole.`,
  );
