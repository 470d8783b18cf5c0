// What a git that was killed leaves in a bare repository: locks that make the next one refuse to write, objects
// in quarantine, and packs that were never finished. Told from those in use by their age alone.
import type { Dirent } from 'node:fs';
import { lstat, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

const minute = 60_000;
const maxRefLockAgeMs = 60 * minute;
const maxLockAgeMs = 15 * minute;

export type StaleKind = 'lock' | 'quarantine' | 'unfinished pack' | 'unfinished object' | 'kept pack';

export interface StaleFile {
  /** From the repository's folder. */
  path: string;
  kind: StaleKind;
  ageMs: number;
}

export interface StaleLimits {
  /** UTC milliseconds. */
  now: number;
  /** No push takes longer, so what is older than this belongs to none. */
  pushMs: number;
}

/** The leftovers that are old enough that nobody can be using them any more. */
export async function listStaleFiles(repo: string, limits: StaleLimits): Promise<StaleFile[]> {
  const found = await listLeftovers(repo, limits.now);
  const stale = found.filter(({ path, kind, ageMs }) => ageMs > maxAge(path, kind, limits.pushMs));
  const mine = await Promise.all(stale.map((file) => isOurs(repo, file)));
  return stale.filter((_file, index) => mine[index]);
}

/** However young, for a time when nobody can be using them. */
export async function listAllLeftovers(repo: string, now: number): Promise<StaleFile[]> {
  const found = await listLeftovers(repo, now);
  const mine = await Promise.all(found.map((file) => isOurs(repo, file)));
  return found.filter((_file, index) => mine[index]);
}

export async function removeStaleFiles(repo: string, files: readonly StaleFile[]): Promise<void> {
  for (const { path } of files) await rm(join(repo, path), { recursive: true, force: true });
}

/** Whether git holds the objects of a push in quarantine (git-receive-pack(1)) that may still be going on. */
export async function isReceiving(repo: string, limits: StaleLimits): Promise<boolean> {
  const folders = (await entriesOf(join(repo, 'objects'))).filter(isQuarantine);
  for (const { name } of folders) {
    const age = await ageOf(join(repo, 'objects', name), limits.now);
    if (age !== undefined && age <= limits.pushMs) return true;
  }
  return false;
}

function maxAge(path: string, kind: StaleKind, pushMs: number): number {
  if (kind !== 'lock') return Math.max(pushMs, maxLockAgeMs);
  return /^(?:HEAD|packed-refs|refs\/.*)\.lock$/s.test(path) ? maxRefLockAgeMs : maxLockAgeMs;
}

const isQuarantine = (entry: Dirent): boolean =>
  entry.isDirectory() && /^(?:tmp_objdir-)?incoming-/.test(entry.name);

/** A pack that came in by a push is kept until its refs are written; other marks are an operator's. */
async function isOurs(repo: string, { path, kind }: StaleFile): Promise<boolean> {
  if (kind !== 'kept pack') return true;
  const text = await readFile(join(repo, path), 'utf8').catch(() => '');
  return /^(?:receive-pack|fetch-pack) \d/.test(text);
}

async function listLeftovers(repo: string, now: number): Promise<StaleFile[]> {
  const named: { path: string; kind: StaleKind }[] = [];
  for (const entry of await entriesOf(repo)) {
    if (entry.isFile() && /\.(?:lock|new)$/.test(entry.name)) named.push({ path: entry.name, kind: 'lock' });
  }
  for (const path of [...(await below(repo, 'refs')), ...(await below(repo, 'objects/info'))]) {
    if (path.endsWith('.lock')) named.push({ path, kind: 'lock' });
  }
  named.push(...(await listInObjects(repo)));
  const aged = await Promise.all(
    named.map(async (file) => ({ ...file, ageMs: await ageOf(join(repo, file.path), now) })),
  );
  return aged.flatMap(({ path, kind, ageMs }) => (ageMs === undefined ? [] : [{ path, kind, ageMs }]));
}

async function listInObjects(repo: string): Promise<{ path: string; kind: StaleKind }[]> {
  const found: { path: string; kind: StaleKind }[] = [];
  for (const entry of await entriesOf(join(repo, 'objects'))) {
    const path = `objects/${entry.name}`;
    if (isQuarantine(entry)) found.push({ path, kind: 'quarantine' });
    else if (entry.name.startsWith('tmp_obj')) found.push({ path, kind: 'unfinished object' });
    else if (/^[0-9a-f]{2}$/.test(entry.name)) {
      for (const { name } of await entriesOf(join(repo, path))) {
        if (name.startsWith('tmp_obj')) found.push({ path: `${path}/${name}`, kind: 'unfinished object' });
      }
    }
  }
  for (const { name } of await entriesOf(join(repo, 'objects/pack'))) {
    const path = `objects/pack/${name}`;
    if (name.endsWith('.lock')) found.push({ path, kind: 'lock' });
    else if (/^(?:tmp_|\.tmp-)/.test(name)) found.push({ path, kind: 'unfinished pack' });
    else if (name.endsWith('.keep')) found.push({ path, kind: 'kept pack' });
  }
  return found;
}

/** The files below a folder of the repository, at any depth. */
async function below(repo: string, folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const entry of await entriesOf(join(repo, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) paths.push(...(await below(repo, path)));
    else paths.push(path);
  }
  return paths;
}

const entriesOf = (folder: string): Promise<Dirent[]> =>
  readdir(folder, { withFileTypes: true }).catch(() => []);

/** Since it, or the newest thing directly in it, was written; undefined when it has gone in the meantime. */
async function ageOf(path: string, now: number): Promise<number | undefined> {
  try {
    const stats = await lstat(path);
    let newest = stats.mtimeMs;
    if (stats.isDirectory()) {
      for (const { name } of await entriesOf(path)) {
        newest = Math.max(newest, (await lstat(join(path, name))).mtimeMs);
        for (const inner of await entriesOf(join(path, name))) {
          newest = Math.max(newest, (await lstat(join(path, name, inner.name))).mtimeMs);
        }
      }
    }
    return now - newest;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Takes away `packed-refs.new`, which a git that was killed at the wrong moment leaves behind without its lock, and
 * which keeps every other git from packing refs and from deleting packed ones. Under git's own lock, so that it is
 * never the file of a git at work.
 */
export async function removeLeftPackedRefs(repo: string): Promise<void> {
  const left = join(repo, 'packed-refs.new');
  if ((await ageOf(left, 0)) === undefined) return;
  const lock = join(repo, 'packed-refs.lock');
  try {
    await (await open(lock, 'wx')).close();
  } catch {
    // Some git packs refs right now, or the lock is left over as well and goes when it is old.
    return;
  }
  await rm(left, { force: true });
  await rm(lock, { force: true });
}
