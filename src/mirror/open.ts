// The duty of this room: what changes here stands at every remote within seconds. A remote that is slow, gone or hostile holds
// up nobody but itself; what it missed is wanted until it has it.
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { Loop } from '../lib/loop.ts';
import { hasUnseen, syncById } from './find.ts';
import type { MirrorRemote, MirrorSync } from './model.ts';
import { clearReaches } from './remote/reach-remote.ts';
import { listAllRemotes, listDue, listUnchecked, wishForRemote, wishForRepo } from './remote-store.ts';
import { RunningSyncs } from './running-syncs.ts';
import { deleteSyncsBefore, deleteSyncsBeyond } from './sync-store.ts';
import { recoverSyncs } from './take-remote.ts';

/** How soon a remote that has rested is tried, and how often all of them are looked at whatever was heard. */
const pollMs = 5000;
const minute = 60_000;
const fullMs = 10 * minute;
const day = 24 * 60 * minute;

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

export async function openMirrors(forge: Forge): Promise<Mirrors> {
  await clearReaches(forge);
  recoverSyncs(forge, { isStart: true });
  const changed = new Set<number>();
  const running = new RunningSyncs(forge, () => loop.wake());
  let fullAt = -Infinity;
  let isStopping = false;
  const runOnce = async (): Promise<void> => {
    const now = forge.clock.now();
    for (const repoId of changed) wishForRepo(forge.db, { repoId, now });
    changed.clear();
    if (now - fullAt >= fullMs) {
      await lookAtAll(forge, now);
      fullAt = now;
    }
    recoverSyncs(forge, { isStart: false });
    running.stopLost();
    if (!isStopping) launchDue(forge, running, now);
  };
  const loop = new Loop({ name: 'mirrors', pollMs, log: forge.log, now: () => forge.clock.now(), runOnce });
  return {
    loop,
    start: () => loop.start(),
    stop: async () => {
      isStopping = true;
      running.stopAll();
      await loop.stop();
      await running.ended();
    },
    ask: (repoId) => {
      changed.add(repoId);
      loop.wake();
    },
    look: () => loop.wake(),
    syncNow: (remote, accountId) => launchNow(forge, running, { remote, accountId }),
    settled: async () => {
      await loop.settled();
      while (running.count > 0) {
        await running.ended();
        await loop.settled();
      }
    },
  };
}

/** As many as there are places: what is wanted first, then what nobody has looked at for long. */
function launchDue(forge: Forge, running: RunningSyncs, now: number): void {
  const { maxSyncing, checkMinutes } = forge.config.mirror;
  for (const remote of listDue(forge.db, { now, limit: maxSyncing * 4 })) {
    // One place is left to those that do well: many that hang would hold up every other.
    const places = remote.failures === 0 ? maxSyncing : Math.max(1, maxSyncing - 1);
    if (running.count < places) running.launch({ remote, cause: 'change' });
  }
  for (const remote of listUnchecked(forge.db, now - checkMinutes * minute)) {
    if (running.count < maxSyncing) running.launch({ remote, cause: 'check' });
  }
}

function launchNow(
  forge: Forge,
  running: RunningSyncs,
  { remote, accountId }: { remote: MirrorRemote; accountId: number | undefined },
): MirrorSync {
  const syncId = running.launch({ remote, cause: 'manual', accountId });
  const sync = syncId === undefined ? undefined : syncById(forge, syncId);
  if (sync !== undefined) return sync;
  throw new ForgeError(
    'conflict',
    `The mirror ${remote.name} is synced right now. What changed meanwhile follows by itself.`,
  );
}

/** Wishes for what a lost fact would have wished for, and forgets what ended long ago. */
async function lookAtAll(forge: Forge, now: number): Promise<void> {
  const { keepDays, keepSyncs } = forge.config.mirror;
  deleteSyncsBefore(forge.db, now - keepDays * day);
  deleteSyncsBeyond(forge.db, keepSyncs);
  for (const remote of listAllRemotes(forge.db)) {
    const isQuiet = remote.isActive && remote.wanted <= remote.done && remote.leaseUntil === undefined;
    if (isQuiet && (await hasUnseen(forge, remote)))
      wishForRemote(forge.db, { id: remote.id, now, isNow: false });
  }
}
