// What lanes leave on the disk beside their logs does not stay for ever: the folders of failed attempts, and caches that nobody
// used for long. Each has a limit of number, size or age, and what is beyond it goes, oldest first.
import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { diskRoom } from '../../forge/disk.ts';
import type { Forge } from '../../forge/open.ts';
import { Loop, type LoopStatus } from '../../lib/loop.ts';
import type { Outdated } from '../../lib/outdated.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import { listRepos } from '../../repos/find.ts';
import { cacheEntryName, incomingPrefix, trashPrefix } from './cache-place.ts';
import { mebibytes } from '../sizes.ts';
import { attemptFolder } from './launch.ts';
import { measureTree } from './measure-tree.ts';
import { listLive } from '../scheduler/queue.ts';
import {
  deleteCache,
  forgetKept,
  listCacheRows,
  listKept,
  listSettledScopes,
  type CacheRow,
  type KeptFolder,
} from './yield-store.ts';

const everyMs = 60_000;
const dayMs = 24 * 60 * 60 * 1000;

export class Keeping {
  readonly #forge: Forge;
  readonly #loop: Loop;
  /** A kept folder is measured once; only a shell changes it afterwards. */
  readonly #sizes = new Map<number, number>();
  readonly #closing = new Set<Promise<unknown>>();

  constructor(forge: Forge) {
    this.#forge = forge;
    this.#loop = new Loop({
      name: 'ci-keeping',
      pollMs: everyMs,
      log: forge.log,
      now: () => forge.clock.now(),
      runOnce: () => this.pass(),
    });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await Promise.all(this.#closing);
  }

  status(): LoopStatus {
    return this.#loop.status();
  }

  /** Lets a removal go on beside everything else, and waits for it at the end. */
  follow(closing: Promise<unknown>): void {
    const logged = closing.catch((error: unknown) => {
      this.#forge.log.error({ err: error }, 'what a lane left behind could not be put in order');
    });
    this.#closing.add(logged);
    void logged.finally(() => this.#closing.delete(logged));
  }

  /** Somebody had a shell in a kept folder, and may have made it larger. */
  remeasure(attemptId: number): void {
    this.#sizes.delete(attemptId);
    this.#loop.wake();
  }

  async pass(): Promise<void> {
    for (const thing of await this.outdated()) await thing.remove();
    await Promise.all(listUnknownCaches(this.#forge).map(removeTree));
  }

  /** What is beyond its limits now. */
  async outdated(): Promise<Outdated[]> {
    return [...(await this.#listOldFolders()), ...this.#listOldCaches()];
  }

  /** On a full disk: what can be made again goes, until there is room, folders first, then what was not used for longest. */
  async relieve(): Promise<Outdated[]> {
    const folders = listKept(this.#forge.db).filter(({ isOpen }) => isOpen === 0);
    const caches = listCacheRows(this.#forge.db).toSorted((a, b) => a.usedAt - b.usedAt);
    const why = 'the disk is full';
    const things = [
      ...folders.map((kept) => this.#keptThing(kept, { why, bytes: this.#sizes.get(kept.id) ?? 0 })),
      ...caches.map((row) => this.#cacheThing(row, why)),
    ];
    const gone: Outdated[] = [];
    for (const thing of things) {
      const { freeBytes, minFreeBytes } = diskRoom(this.#forge);
      if (freeBytes >= 2 * minFreeBytes) break;
      if (await thing.remove()) gone.push(thing);
    }
    return gone;
  }

  async #listOldFolders(): Promise<Outdated[]> {
    const { maxKeptFolders, maxKeptBytes } = this.#forge.config.ci;
    const now = this.#forge.clock.now();
    const old: Outdated[] = [];
    let count = 0;
    let bytes = 0;
    for (const kept of listKept(this.#forge.db)) {
      const size = await this.#sizeOf(kept);
      const fits = count < maxKeptFolders && bytes + size <= maxKeptBytes;
      if (kept.isOpen === 1 || (kept.keptUntil > now && fits)) {
        count += 1;
        bytes += size;
        continue;
      }
      const most = `at most ${maxKeptFolders} folders of ${mebibytes(maxKeptBytes)} are kept`;
      old.push(this.#keptThing(kept, { why: kept.keptUntil > now ? most : 'its time is over', bytes: size }));
    }
    return old;
  }

  async #sizeOf(kept: KeptFolder): Promise<number> {
    const known = this.#sizes.get(kept.id);
    if (known !== undefined) return known;
    const folder = folderOf(this.#forge, kept);
    const { bytes } = await measureTree(folder, this.#forge.config.ci.maxKeptBytes);
    this.#sizes.set(kept.id, bytes);
    return bytes;
  }

  #keptThing(kept: KeptFolder, { why, bytes }: { why: string; bytes: number }): Outdated {
    return {
      kind: 'kept folder',
      repoId: undefined,
      what: `folder of attempt ${kept.id}`,
      why,
      bytes,
      at: kept.keptUntil,
      remove: () => this.#removeKept(kept),
    };
  }

  async #removeKept(kept: KeptFolder): Promise<boolean> {
    // Somebody may have opened a shell in it since it was listed.
    const isOpen = listKept(this.#forge.db).some(({ id, isOpen: open }) => id === kept.id && open === 1);
    if (isOpen) return false;
    // The row first: nobody opens a shell in a folder that is being removed.
    forgetKept(this.#forge.db, kept.id);
    this.#sizes.delete(kept.id);
    await removeTree(folderOf(this.#forge, kept));
    return true;
  }

  #listOldCaches(): Outdated[] {
    const { db, config, clock } = this.#forge;
    const settled = new Set(listSettledScopes(db));
    const unusedSince = clock.now() - config.retention.cacheDays * dayMs;
    const rows = listCacheRows(db);
    const used = new Map<number, number>();
    for (const { repoId, bytes } of rows) used.set(repoId, (used.get(repoId) ?? 0) + bytes);
    const old: Outdated[] = [];
    for (const row of rows) {
      const total = used.get(row.repoId) ?? 0;
      const why = settled.has(row.scope)
        ? 'its branch was merged or closed'
        : row.usedAt < unusedSince
          ? `nobody used it for ${config.retention.cacheDays} days`
          : total > config.ci.maxRepoCacheBytes
            ? `the caches of a repository may have ${mebibytes(config.ci.maxRepoCacheBytes)}`
            : undefined;
      if (why === undefined) continue;
      used.set(row.repoId, total - row.bytes);
      old.push(this.#cacheThing(row, why));
    }
    return old;
  }

  #cacheThing(row: CacheRow, why: string): Outdated {
    const { repoId, key, scope, bytes, usedAt } = row;
    const remove = () => this.#removeCache(row);
    return { kind: 'cache', repoId, what: `cache ${key} of ${scope}`, why, bytes, at: usedAt, remove };
  }

  async #removeCache({ id, repoId, scope, key }: CacheRow): Promise<boolean> {
    const folder = join(this.#forge.config.paths.caches, String(repoId), scope);
    const trash = join(folder, `${trashPrefix}${id}`);
    deleteCache(this.#forge.db, id);
    try {
      // Renamed first: a lane that is copying it out finds out, and takes it for a miss.
      renameSync(join(folder, cacheEntryName(key)), trash);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
      throw error;
    }
    await removeTree(trash);
    return true;
  }
}

/** What no row and no running lane knows of: of removed repositories, and of a forge that was killed in between. */
function listUnknownCaches(forge: Forge): string[] {
  const { caches } = forge.config.paths;
  const repos = new Set(listRepos(forge).map(({ id }) => String(id)));
  const listed = new Set(
    listCacheRows(forge.db).map(({ repoId, scope, key }) => join(String(repoId), scope, cacheEntryName(key))),
  );
  const live = listLive(forge.db).map(({ attemptId }) => `${incomingPrefix}${attemptId}-`);
  const unknown: string[] = [];
  for (const repo of readdirSync(caches)) {
    if (!repos.has(repo)) unknown.push(join(caches, repo));
    else {
      for (const scope of readdirSync(join(caches, repo))) {
        for (const name of readdirSync(join(caches, repo, scope))) {
          const isKnown = listed.has(join(repo, scope, name));
          if (!isKnown && !live.some((prefix) => name.startsWith(prefix)))
            unknown.push(join(caches, repo, scope, name));
        }
      }
    }
  }
  return unknown;
}

const folderOf = (forge: Forge, { id, token }: KeptFolder): string =>
  attemptFolder(forge, { attemptId: id, token });
