// What lanes left behind does not stay for ever: the folders of failed attempts, caches that nobody used for long, and
// old artifacts. Each has a limit of number, size or age, and what is beyond it goes, oldest first.
import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Forge } from '../../forge/open.ts';
import { Loop, type LoopStatus } from '../../lib/loop.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import { listRepos } from '../../repos/find.ts';
import { cacheEntryName, incomingPrefix, trashPrefix } from './cache-place.ts';
import { attemptFolder, logFolder } from './launch.ts';
import { measureTree } from './measure-tree.ts';
import { listLive } from '../scheduler/queue.ts';
import {
  deleteArtifacts,
  deleteCache,
  forgetKept,
  listCacheRows,
  listKept,
  listOldArtifacts,
  listSettledScopes,
  type CacheRow,
  type KeptFolder,
} from './yield-store.ts';

const everyMs = 60_000;
const day = 24 * 60 * 60 * 1000;

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
    await this.#trimKept();
    await this.#trimCaches();
    await this.#trimArtifacts();
    await this.#sweepCaches();
  }

  async #trimKept(): Promise<void> {
    const { maxKeptFolders, maxKeptBytes } = this.#forge.config.ci;
    let count = 0;
    let bytes = 0;
    for (const kept of listKept(this.#forge.db)) {
      const size = await this.#sizeOf(kept);
      const fits = count < maxKeptFolders && bytes + size <= maxKeptBytes;
      const isWanted = kept.isOpen === 1 || (kept.keptUntil > this.#forge.clock.now() && fits);
      if (isWanted) {
        count += 1;
        bytes += size;
      } else await this.#removeKept(kept);
    }
  }

  async #sizeOf(kept: KeptFolder): Promise<number> {
    const known = this.#sizes.get(kept.id);
    if (known !== undefined) return known;
    const folder = folderOf(this.#forge, kept);
    const { bytes } = await measureTree(folder, this.#forge.config.ci.maxKeptBytes);
    this.#sizes.set(kept.id, bytes);
    return bytes;
  }

  async #removeKept(kept: KeptFolder): Promise<void> {
    // The row first: nobody opens a shell in a folder that is being removed.
    forgetKept(this.#forge.db, kept.id);
    this.#sizes.delete(kept.id);
    await removeTree(folderOf(this.#forge, kept));
  }

  async #trimCaches(): Promise<void> {
    const { db, config } = this.#forge;
    const settled = new Set(listSettledScopes(db));
    const rows = listCacheRows(db);
    const used = new Map<number, number>();
    for (const { repoId, bytes } of rows) used.set(repoId, (used.get(repoId) ?? 0) + bytes);
    for (const row of rows) {
      const total = used.get(row.repoId) ?? 0;
      if (total <= config.ci.maxRepoCacheBytes && !settled.has(row.scope)) continue;
      used.set(row.repoId, total - row.bytes);
      await this.#removeCache(row);
    }
  }

  async #removeCache({ id, repoId, scope, key }: CacheRow): Promise<void> {
    const folder = join(this.#forge.config.paths.caches, String(repoId), scope);
    const trash = join(folder, `${trashPrefix}${id}`);
    deleteCache(this.#forge.db, id);
    try {
      // Renamed first: a lane that is copying it out finds out, and takes it for a miss.
      renameSync(join(folder, cacheEntryName(key)), trash);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    await removeTree(trash);
  }

  async #trimArtifacts(): Promise<void> {
    const { db, clock, config } = this.#forge;
    for (const { id, token } of listOldArtifacts(db, clock.now() - config.ci.artifactDays * day)) {
      deleteArtifacts(db, id);
      await removeTree(join(logFolder(this.#forge, { attemptId: id, token }), 'artifacts'));
    }
  }

  async #sweepCaches(): Promise<void> {
    await Promise.all(listUnknownCaches(this.#forge).map(removeTree));
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
