// The duty of this room: what changes here stands at every remote within seconds. A remote that is slow, gone or hostile holds
// up nobody but itself; what it missed is wanted until it has it.
import type { Forge } from '../forge/open.ts';
import { errorMessage, ForgeError } from '../lib/errors.ts';
import { Loop } from '../lib/loop.ts';
import { Slots } from '../lib/slot.ts';
import { syncById, hasUnseen } from './find.ts';
import type { MirrorRemote, MirrorSync, SyncCause } from './model.ts';
import { pushMirror } from './push-mirror.ts';
import { clearReaches } from './reach-remote.ts';
import { listAllRemotes, listDue, listUnchecked, wishForRemote, wishForRepo } from './remote-store.ts';
import { deleteSyncsBefore } from './sync-store.ts';
import {
  endSync,
  recoverSyncs,
  stillHolds,
  takeRemote,
  type MirrorHold,
  type SyncOutcome,
} from './take-remote.ts';

/** How soon a remote that has rested is tried, and how often all of them are looked at whatever was heard. */
const pollMs = 5000;
const fullMs = 10 * 60_000;
const day = 24 * 60 * 60_000;

export interface Mirrors {
  loop: Loop;
  start(): void;
  stop(): Promise<void>;
  /** The refs of a repository changed: all of its remotes are to follow. */
  ask(repoId: number): void;
  /** A remote is another now. */
  look(): void;
  /** Syncs at once, whatever the remote did before. Refuses (`conflict`) while a sync of it runs. */
  syncNow(remote: MirrorRemote, accountId: number | undefined): MirrorSync;
  /** Resolves when nothing is being synced and no pass is wanted. */
  settled(): Promise<void>;
}

interface Running {
  hold: MirrorHold;
  stopping: AbortController;
  ended: Promise<void>;
}

export async function openMirrors(forge: Forge): Promise<Mirrors> {
  await clearReaches(forge);
  recoverSyncs(forge, { isStart: true });
  const running = new Set<Running>();
  const slots = new Slots();
  const changed = new Set<number>();
  let fullAt = -Infinity;
  let isStopping = false;

  const launch = (remote: MirrorRemote, cause: SyncCause, accountId?: number): number | undefined => {
    const hold = takeRemote(forge, slots, { remote, cause, accountId });
    if (hold === undefined) return undefined;
    const stopping = new AbortController();
    const ended = runSync(forge, hold, { remote, signal: stopping.signal })
      .catch((error: unknown) => forge.log.error({ err: error, remote: remote.id }, 'a sync failed'))
      .finally(() => {
        running.delete(one);
        loop.wake();
      });
    const one: Running = { hold, stopping, ended };
    running.add(one);
    return hold.syncId;
  };
  const runOnce = async (): Promise<void> => {
    const now = forge.clock.now();
    for (const repoId of changed) wishForRepo(forge.db, { repoId, now });
    changed.clear();
    if (now - fullAt >= fullMs) {
      await lookAtAll(forge, now);
      fullAt = now;
    }
    recoverSyncs(forge, { isStart: false });
    for (const { hold, stopping } of running) if (!stillHolds(forge, hold)) stopping.abort();
    const { maxSyncing, checkMinutes } = forge.config.mirror;
    if (isStopping) return;
    const free = () => maxSyncing - running.size;
    for (const remote of listDue(forge.db, { now, limit: maxSyncing * 4 })) {
      if (free() > 0) launch(remote, 'change');
    }
    for (const remote of listUnchecked(forge.db, now - checkMinutes * 60_000)) {
      if (free() > 0) launch(remote, 'check');
    }
  };
  const loop = new Loop({ name: 'mirrors', pollMs, log: forge.log, now: () => forge.clock.now(), runOnce });
  return {
    loop,
    start: () => loop.start(),
    stop: async () => {
      isStopping = true;
      for (const { stopping } of running) stopping.abort();
      await loop.stop();
      await Promise.all([...running].map(({ ended }) => ended));
    },
    ask: (repoId) => {
      changed.add(repoId);
      loop.wake();
    },
    look: () => loop.wake(),
    syncNow: (remote, accountId) => {
      const syncId = launch(remote, 'manual', accountId);
      const sync = syncId === undefined ? undefined : syncById(forge, syncId);
      if (sync !== undefined) return sync;
      throw new ForgeError(
        'conflict',
        `The mirror ${remote.name} is synced right now. What changed meanwhile follows by itself.`,
      );
    },
    settled: async () => {
      await loop.settled();
      while (running.size > 0) {
        await Promise.all([...running].map(({ ended }) => ended));
        await loop.settled();
      }
    },
  };
}

/** Wishes for what a lost fact would have wished for, and forgets what ended long ago. */
async function lookAtAll(forge: Forge, now: number): Promise<void> {
  deleteSyncsBefore(forge.db, now - forge.config.mirror.keepDays * day);
  for (const remote of listAllRemotes(forge.db)) {
    const isQuiet = remote.isActive && remote.wanted <= remote.done && remote.leaseUntil === undefined;
    if (isQuiet && (await hasUnseen(forge, remote)))
      wishForRemote(forge.db, { id: remote.id, now, isNow: false });
  }
}

/** One sync from its hold to its end. However it ends, it is written down and the slot is free again. */
async function runSync(
  forge: Forge,
  hold: MirrorHold,
  { remote, signal }: { remote: MirrorRemote; signal: AbortSignal },
): Promise<void> {
  forge.events.emit('mirror-changed', { repoId: remote.repoId });
  try {
    const outcome = await pushMirror(forge, hold, { remote, signal }).catch((error: unknown) =>
      failed(forge, { error, isStopped: signal.aborted }),
    );
    endSync(forge, hold, { remote, outcome });
  } finally {
    hold.release();
    forge.events.emit('mirror-changed', { repoId: remote.repoId });
  }
}

/** What is not the remote's doing is the forge's, and belongs into its log; the remote is tried again all the same. */
function failed(forge: Forge, { error, isStopped }: { error: unknown; isStopped: boolean }): SyncOutcome {
  const nothing = { pushed: 0, deleted: 0, refused: 0, diverged: 0, isSoon: true };
  if (isStopped)
    return { ...nothing, state: 'interrupted', message: 'the forge stopped in the middle of it' };
  const isExpected = error instanceof ForgeError && error.code !== 'internal';
  if (!isExpected) forge.log.error({ err: error }, 'a sync failed');
  const message = isExpected ? errorMessage(error) : 'The forge failed; its log says more.';
  return { ...nothing, state: 'failed', message };
}
