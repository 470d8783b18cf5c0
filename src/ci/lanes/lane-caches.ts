// Caches on the lane's side: puts down what an earlier lane saved before the program starts, and lays aside what this
// one made after it has ended. A new cache lies under a name of its own until the forge, which knows whether the claim
// still stood, gives it its place. Nothing here follows a symbolic link of the checkout.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeTree } from '../../lib/remove-tree.ts';
import { cacheEntryName, incomingName } from './cache-place.ts';
import { findFiles, isPlainWay } from './find-files.ts';
import { measureTree } from './measure-tree.ts';
import type { CacheUse, StartMessage } from './lane-message.ts';
import { mebibytes } from '../sizes.ts';
import { cookieName } from './survivors.ts';

type Order = Pick<
  StartMessage,
  | 'attemptId'
  | 'token'
  | 'caches'
  | 'cacheFolder'
  | 'readableCaches'
  | 'folder'
  | 'maxCacheBytes'
  | 'searchPath'
  | 'cookie'
>;

interface Context {
  signal: AbortSignal;
  note: (text: string) => void;
  /** Brings an entry to where it is looked for, when caches are kept on another machine. */
  bring?: ((key: string, paths: readonly string[]) => Promise<void>) | undefined;
}

const pathsName = 'paths.json';

/** Puts down what is there for each cache, and says which were hit. */
export async function restoreCaches(order: Order, context: Context): Promise<CacheUse[]> {
  const uses: CacheUse[] = [];
  for (const { key: template, paths } of order.caches) {
    if (context.signal.aborted) break;
    const key = await resolveKey(join(order.folder, 'work'), template);
    await context.bring?.(key, paths);
    const place = await findEntry([order.cacheFolder, ...order.readableCaches], { key, paths });
    const isHit = place !== undefined && (await restore(order, { place, paths, key, context }));
    if (!isHit) {
      uses.push({ key, outcome: 'miss', bytes: 0 });
      continue;
    }
    const { bytes } = await measureTree(place, order.maxCacheBytes);
    context.note(`cache ${key}: hit, ${mebibytes(bytes)}`);
    uses.push({ key, outcome: 'hit', bytes, place: dirname(place) });
  }
  return uses;
}

/** Lays aside the paths of the caches that were missed. */
export async function saveCaches(
  order: Order,
  uses: readonly CacheUse[],
  context: Context,
): Promise<CacheUse[]> {
  const after: CacheUse[] = [];
  for (const [place, use] of uses.entries()) {
    const paths = order.caches[place]?.paths ?? [];
    const isWanted = use.outcome === 'miss' && !context.signal.aborted;
    const bytes = isWanted ? await save(order, { place, paths, key: use.key, context }) : undefined;
    after.push(
      bytes === undefined
        ? use
        : { key: use.key, outcome: 'saved', bytes, place: incomingName(order, place) },
    );
  }
  return after;
}

/** `npm-${hash:package-lock.json}` with the hash of the names and contents of the files that match. */
export async function resolveKey(work: string, template: string): Promise<string> {
  let key = '';
  let from = 0;
  for (const match of template.matchAll(/\$\{hash:([^}]*)\}/g)) {
    key += template.slice(from, match.index) + (await hashOf(work, match[1] ?? ''));
    from = match.index + match[0].length;
  }
  return key + template.slice(from);
}

async function hashOf(work: string, pattern: string): Promise<string> {
  const hash = createHash('sha256');
  for (const { path, bytes } of await findFiles(work, [pattern])) {
    hash.update(`${path}\0${bytes}\0`);
    for await (const chunk of createReadStream(join(work, path))) hash.update(chunk as Buffer);
  }
  return hash.digest('hex').slice(0, 16);
}

/** The folder of an entry, from the first of `folders` that has it; these are ordered best first. */
export async function findEntry(
  folders: readonly string[],
  { key, paths }: { key: string; paths: readonly string[] },
): Promise<string | undefined> {
  for (const folder of folders) {
    const place = join(folder, cacheEntryName(key));
    const saved = await readFile(join(place, pathsName), 'utf8').catch(() => undefined);
    if (saved === JSON.stringify(paths)) return place;
  }
  return undefined;
}

interface Entry {
  paths: readonly string[];
  key: string;
  context: Context;
}

async function restore(order: Order, entry: Entry & { place: string }): Promise<boolean> {
  const { place, paths, key, context } = entry;
  const put: string[] = [];
  try {
    for (const [number, path] of paths.entries()) {
      const source = join(place, String(number));
      if ((await lstat(source).catch(() => undefined)) === undefined) continue;
      const { base, inner } = placeOfPath(order.folder, path);
      const target = join(base, inner);
      if (!(await isPlainWay(base, inner)) || (await lstat(target).catch(() => undefined)) !== undefined) {
        context.note(`cache ${key}: not used, because the commit has a file or folder ${path} of its own`);
        for (const path of put) await removeTree(path);
        return false;
      }
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      put.push(target);
      await copyTree(order, source, target);
    }
    return true;
  } catch (error) {
    // It may have been taken away meanwhile, to make room: then this is a miss, and nothing of it stays.
    for (const path of put) await removeTree(path);
    if (!context.signal.aborted) context.note(`cache ${key}: could not be restored (${String(error)})`);
    return false;
  }
}

/** The bytes that were laid aside; undefined when there was nothing, or too much. */
async function save(order: Order, entry: Entry & { place: number }): Promise<number | undefined> {
  const { place, paths, key, context } = entry;
  const incoming = join(order.cacheFolder, incomingName(order, place));
  let bytes = 0;
  try {
    for (const [number, path] of paths.entries()) {
      const { base, inner } = placeOfPath(order.folder, path);
      if (!(await isPlainWay(base, inner))) continue;
      const source = join(base, inner);
      if ((await lstat(source).catch(() => undefined)) === undefined) continue;
      bytes += (await measureTree(source, order.maxCacheBytes - bytes)).bytes;
      if (bytes > order.maxCacheBytes) throw new Error(`it is larger than ${mebibytes(order.maxCacheBytes)}`);
      await mkdir(incoming, { recursive: true, mode: 0o700 });
      await copyTree(order, source, join(incoming, String(number)));
    }
    if (bytes === 0) return undefined;
    await writeFile(join(incoming, pathsName), JSON.stringify(paths), { mode: 0o600 });
    context.note(`cache ${key}: saved, ${mebibytes(bytes)}`);
    return bytes;
  } catch (error) {
    await removeTree(incoming);
    context.note(`cache ${key}: not saved (${error instanceof Error ? error.message : String(error)})`);
    return undefined;
  }
}

/** `~/…` lies in the home of the attempt, everything else in its checkout. */
function placeOfPath(folder: string, path: string): { base: string; inner: string } {
  return path.startsWith('~/')
    ? { base: join(folder, 'home'), inner: path.slice(2) }
    : { base: join(folder, 'work'), inner: path };
}

/** By the system's own program, which keeps links, modes and times, and is found by the cookie when it must end. */
async function copyTree(order: Order, source: string, target: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const env = { PATH: order.searchPath, LC_ALL: 'C', [cookieName]: order.cookie };
  const child = spawn('cp', ['-a', '--', source, target], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(0, 300);
  });
  child.on('error', reject);
  child.on('close', (code) =>
    code === 0 ? resolve() : reject(new Error(complaint.trim() || `cp: ${code}`)),
  );
  await promise;
}
