// The duty of pulling: every upstream that is wanted or whose time has come is pulled, a few at once, and one that is slow,
// dead or hostile holds up nobody but itself.
import type { Forge } from '../../forge/open.ts';
import { Loop } from '../../lib/loop.ts';
import type { Slots } from '../../lib/slot.ts';
import type { Progress } from './follow-progress.ts';
import { deletePullsBefore } from './pull-store.ts';
import { Cancelled, pullUpstream, takeUpstream, type PullHold, type PullWatch } from './pull-upstream.ts';
import { listDueUpstreams, recoverUpstreams } from './upstream-store.ts';

/** How soon one that has rested, or whose time has come, is pulled. */
const pollMs = 20_000;
const sweepMs = 60 * 60_000;
const day = 24 * 60 * 60_000;
const tellMs = 500;

interface Running {
  stopping: AbortController;
  progress: Progress | undefined;
  done: Promise<void>;
}

export interface Pulls {
  loop: Loop;
  start(): void;
  stop(): Promise<void>;
  wake(): void;
  isPulling(repoId: number): boolean;
  /** Pulls at once, whatever else runs. False while somebody pulls this upstream. */
  pullNow(repoId: number): boolean;
  progressOf(repoId: number): Progress | undefined;
  /** False when nothing runs. */
  cancel(repoId: number, who: string): boolean;
  /** Resolves when nothing is pulled and no pass is wanted. */
  settled(): Promise<void>;
}

export function openPulls(forge: Forge, slots: Slots): Pulls {
  const running = new Map<number, Running>();
  /** By repository, as its newest pull found it. What a forge before this one found is not known, and looked at once. */
  const lacking = new Map<number, boolean>();
  let sweptAt = -Infinity;
  const recover = (leaseBefore: number, message: string): void =>
    forge.db.transaction(() => recoverUpstreams(forge.db, { leaseBefore, message, now: forge.clock.now() }));
  // Nobody pulls any more what a forge that has ended had taken.
  recover(Number.MAX_SAFE_INTEGER, 'the forge ended in the middle of it');

  const launch = (hold: PullHold): void =>
    startPull(forge, hold, { running, lacking, onEnd: () => loop.wake() });
  const runOnce = (): void => {
    const now = forge.clock.now();
    if (now - sweptAt >= sweepMs) {
      deletePullsBefore(forge.db, now - forge.config.mirror.keepDays * day);
      recover(now, 'nothing was heard of it any more');
      sweptAt = now;
    }
    const { maxPulling } = forge.config.mirror;
    for (const { repoId, failures } of listDueUpstreams(forge.db, { now, limit: maxPulling })) {
      // One place is left to those that do well: some that hang would hold up every other.
      if (running.size >= (failures === 0 ? maxPulling : Math.max(1, maxPulling - 1))) continue;
      const hold = takeUpstream(forge, slots, repoId);
      if (hold !== undefined) launch(hold);
    }
  };
  const loop = new Loop({ name: 'pulls', pollMs, log: forge.log, now: () => forge.clock.now(), runOnce });
  return {
    loop,
    start: () => loop.start(),
    stop: async () => {
      await loop.stop();
      for (const { stopping } of running.values()) stopping.abort();
      await Promise.all([...running.values()].map(({ done }) => done));
    },
    wake: () => loop.wake(),
    isPulling: (repoId) => running.has(repoId),
    pullNow: (repoId) => {
      const hold = takeUpstream(forge, slots, repoId);
      if (hold !== undefined) launch(hold);
      return hold !== undefined;
    },
    progressOf: (repoId) => running.get(repoId)?.progress,
    cancel: (repoId, who) => {
      const one = running.get(repoId);
      one?.stopping.abort(new Cancelled(who));
      return one !== undefined;
    },
    settled: async () => {
      await loop.settled();
      while (running.size > 0) {
        await Promise.all([...running.values()].map(({ done }) => done));
        await loop.settled();
      }
    },
  };
}

interface Started {
  running: Map<number, Running>;
  lacking: Map<number, boolean>;
  onEnd: () => void;
}

/** Pulls what the hold has, and gives it back however that ends. */
function startPull(forge: Forge, hold: PullHold, { running, lacking, onEnd }: Started): void {
  const { repoId } = hold;
  const stopping = new AbortController();
  const watch: PullWatch = {
    signal: stopping.signal,
    onProgress: teller(forge, repoId, (now) => (one.progress = now)),
    lacksObjects: lacking.get(repoId),
    onObjects: (lacks) => void lacking.set(repoId, lacks),
  };
  const one: Running = { stopping, progress: undefined, done: Promise.resolve() };
  running.set(repoId, one);
  forge.events.emit('upstream-changed', { repoId });
  one.done = pullUpstream(forge, hold, watch)
    .then(
      () => undefined,
      (error: unknown) => forge.log.error({ err: error, repoId }, 'a pull failed'),
    )
    .finally(() => {
      hold.release();
      running.delete(repoId);
      forge.events.emit('upstream-changed', { repoId });
      onEnd();
    });
}

/** Keeps every progress, and tells the pages a few times a second at most. */
function teller(
  forge: Forge,
  repoId: number,
  keep: (progress: Progress) => void,
): (progress: Progress) => void {
  let toldAt = -Infinity;
  return (progress) => {
    keep(progress);
    const now = performance.now();
    if (now - toldAt < tellMs) return;
    toldAt = now;
    forge.events.emit('upstream-changed', { repoId });
  };
}
