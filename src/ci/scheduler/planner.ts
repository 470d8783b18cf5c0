// What a pass has to read git for: runs of heads that have none, nightlies that are due, schedules that may have changed.
// One piece for each repository at a time, so that one that is slow or broken holds up nobody else.
import { setTimeout as delay } from 'node:timers/promises';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { listRepos } from '../../repos/find.ts';
import { createRun } from './create-run.ts';
import { startDue } from './nightly.ts';
import { listDue } from './nightly-store.ts';
import { listRevisionsWithoutRun } from './queue.ts';
import { readSchedules } from './schedules.ts';

const maxAtOnce = 8;
const lookAgainMs = 10 * 60_000;

interface Piece {
  repoId: number;
  /** What it is for; a piece that failed is not taken again by the same pass. */
  name: string;
  run: () => Promise<void>;
}

export class Planner {
  readonly #forge: Forge;
  readonly #wake: () => void;
  /** By repository. */
  readonly #running = new Map<number, Promise<void>>();
  /** Repositories whose schedules may have changed. */
  readonly #moved = new Set<number>();
  readonly #off: (() => void)[];
  #lookedAt: number | undefined;
  #passes = 0;
  /** What the database said of itself when every head had its run. */
  #noneAt: string | undefined;

  constructor(forge: Forge, wake: () => void = () => undefined) {
    this.#forge = forge;
    this.#wake = wake;
    const look = ({ repoId }: { repoId: number }) => {
      this.#moved.add(repoId);
      this.#wake();
    };
    this.#off = [forge.events.on('target-moved', look), forge.events.on('repo-changed', look)];
  }

  /**
   * Works until nothing is left, or for `maxMs`. What takes longer goes on, and wakes the scheduler at its end; no pass waits
   * for it then.
   */
  async plan(maxMs?: number): Promise<void> {
    const timer = new AbortController();
    const end =
      maxMs === undefined
        ? []
        : [delay(maxMs, 'late', { signal: timer.signal }).catch(() => 'late' as const)];
    this.#passes += 1;
    try {
      await this.#work(end);
    } finally {
      this.#passes -= 1;
      timer.abort();
    }
  }

  async #work(end: Promise<string>[]): Promise<void> {
    const tried = new Set<string>();
    const own = new Set<Promise<void>>();
    let pending = this.#pieces();
    while (pending.length > 0 || own.size > 0 || (end.length === 0 && this.#running.size > 0)) {
      for (const piece of pending) {
        if (this.#running.size >= maxAtOnce || this.#running.has(piece.repoId)) continue;
        tried.add(piece.name);
        const run = this.#run(piece).finally(() => own.delete(run));
        own.add(run);
        this.#running.set(piece.repoId, run);
      }
      // Without an end, what an earlier pass left is waited for too.
      const awaited = end.length === 0 ? [...this.#running.values()] : [...own];
      if (awaited.length === 0) return;
      if ((await Promise.race([...end, ...awaited])) === 'late') return;
      pending = pending.filter(({ name }) => !tried.has(name));
      if (pending.length === 0 && own.size === 0) {
        pending = this.#pieces().filter(({ name }) => !tried.has(name));
      }
    }
  }

  /** Resolves when nothing is being planned any more. */
  async stop(): Promise<void> {
    for (const off of this.#off) off();
    await Promise.all(this.#running.values());
  }

  async #run({ repoId, name, run }: Piece): Promise<void> {
    try {
      await run();
    } catch (error) {
      const isGone = error instanceof ForgeError && error.code === 'not_found';
      if (!isGone) this.#forge.log.error({ err: error, repoId, piece: name }, 'a run could not be made');
    }
    this.#running.delete(repoId);
    if (this.#passes === 0) this.#wake();
  }

  /** Looks through every open branch, so it is asked again only when anything was written since there were none. */
  #listHeads() {
    const { db } = this.#forge;
    const mark = db.mark();
    if (mark === this.#noneAt) return [];
    const heads = listRevisionsWithoutRun(db);
    this.#noneAt = heads.length === 0 ? mark : undefined;
    return heads;
  }

  #pieces(): Piece[] {
    const { db, clock } = this.#forge;
    const now = clock.now();
    if (this.#lookedAt === undefined || now - this.#lookedAt >= lookAgainMs) {
      this.#lookedAt = now;
      for (const { id } of listRepos(this.#forge)) this.#moved.add(id);
    }
    const heads = this.#listHeads().map((head): Piece => ({
      repoId: head.repoId,
      name: `head ${head.branchId}/${head.revision}`,
      run: () => createRun(this.#forge, head),
    }));
    const nightlies = listDue(db, now).map((nightly): Piece => ({
      repoId: nightly.repoId,
      name: `nightly ${nightly.repoId}/${nightly.id}/${nightly.dueAt}`,
      run: () => startDue(this.#forge, nightly),
    }));
    const schedules = [...this.#moved].map((repoId): Piece => ({
      repoId,
      name: `schedules of ${repoId}`,
      run: () => {
        this.#moved.delete(repoId);
        return readSchedules(this.#forge, repoId);
      },
    }));
    return [...heads, ...schedules, ...nightlies];
  }
}
