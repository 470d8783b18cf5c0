// The guard of a sync. Whoever holds a remote has its slot, which nobody else in this program can have, and its claim in the
// database, whose token outlives the program: a sync that was given up writes nothing any more.
import type { Forge } from '../forge/open.ts';
import type { Hold, Slots } from '../lib/slot.ts';
import type { MirrorRemote, SyncCause, SyncState } from './model.ts';
import { claimRemote, finishRemote, freeLost, holdsRemote } from './remote-store.ts';
import { finishSync, insertSync, interruptSyncs } from './sync-store.ts';

/** Beyond the longest sync: a list of refs and some pushes, each with its own end, beside the objects of Git LFS. */
const leaseExchanges = 40;

export interface MirrorHold extends Hold {
  readonly remoteId: number;
  readonly syncId: number;
  readonly token: number;
  /** The newest wish that the sync can fulfil: what was wished for before it read the refs. */
  readonly generation: number;
  readonly startedAt: number;
  /** Whether what the remote refused is sent once more although nothing changed. */
  readonly triesRefused: boolean;
  /** Whether all objects of Git LFS are offered once more, and not those alone that new commits name. */
  readonly looksAtAll: boolean;
}

export interface SyncOrder {
  remote: MirrorRemote;
  cause: SyncCause;
  accountId?: number | undefined;
  /** Whether objects of Git LFS that are not there may belong to refs that are. */
  owesObjects?: boolean;
}

/** Undefined when somebody syncs the remote already. The holder releases it in `finally`. */
export function takeRemote(forge: Forge, slots: Slots, order: SyncOrder): MirrorHold | undefined {
  const { remote, cause, accountId, owesObjects = false } = order;
  const slot = slots.tryTake(`push ${remote.id}`);
  if (slot === undefined) return undefined;
  const now = forge.clock.now();
  const wishes = cause === 'change' ? 0 : 1;
  const { timeoutSeconds, lfsMinutes } = forge.config.mirror;
  const leaseUntil = now + timeoutSeconds * 1000 * leaseExchanges + lfsMinutes * 60_000;
  try {
    const taken = forge.db.transaction(() => {
      const claim = claimRemote(forge.db, { id: remote.id, leaseUntil, wishes, now });
      if (claim === undefined) return undefined;
      const sync = { ...claim, remoteId: remote.id, cause, accountId: accountId ?? null, now };
      return { ...claim, syncId: insertSync(forge.db, sync) };
    });
    if (taken !== undefined) {
      // A remote that is tried again for what it failed at has that before it, and not what it refused once more.
      const triesRefused = cause === 'manual' || (remote.failures === 0 && (remote.restsUntil ?? 0) <= now);
      const looksAtAll = cause === 'manual' || owesObjects;
      return { ...slot, ...taken, remoteId: remote.id, startedAt: now, triesRefused, looksAtAll };
    }
  } catch (error) {
    slot.release();
    throw error;
  }
  slot.release();
  return undefined;
}

/** Whether what the holder finds out may still be written. */
export const stillHolds = (forge: Forge, hold: MirrorHold): boolean =>
  holdsRemote(forge.db, { id: hold.remoteId, token: hold.token });

export interface SyncOutcome {
  state: Exclude<SyncState, 'running'>;
  pushed: number;
  deleted: number;
  refused: number;
  diverged: number;
  /** Whether there is a reason to hope that the next sync does better. */
  isSoon: boolean;
  /** What is shown of the sync; of one that did not succeed, why. */
  message: string | undefined;
  /** Whether the remote has refs without their objects of Git LFS, and may take these later; undefined where nobody looked. */
  owesObjects?: boolean;
}

/** Writes down how a sync ended and gives the remote back: only success clears the wish. */
export function endSync(
  forge: Forge,
  hold: MirrorHold,
  { remote, outcome }: { remote: MirrorRemote; outcome: SyncOutcome },
): void {
  const now = forge.clock.now();
  const { state, pushed, deleted, refused, diverged, isSoon, message } = outcome;
  const end = { state, pushed, deleted, refused, diverged };
  const hasFailed = state === 'failed' || (state === 'partial' && isSoon);
  const failures = hasFailed ? remote.failures + 1 : state === 'interrupted' ? remote.failures : 0;
  forge.db.transaction(() => {
    const isHeld = finishRemote(forge.db, {
      id: hold.remoteId,
      token: hold.token,
      done: state === 'done' ? hold.generation : null,
      startedAt: hold.startedAt,
      failures,
      restsUntil: restUntil(forge, { hold, remote, state, failures }),
      problem: state === 'failed' || state === 'partial' ? (message ?? null) : null,
      now,
    });
    if (isHeld) finishSync(forge.db, { ...end, id: hold.syncId, message: message ?? null, now });
  });
}

interface Rest {
  hold: MirrorHold;
  remote: MirrorRemote;
  state: SyncState;
  failures: number;
}

/** Doubles with each failure in a row, with some chance in it, so that many remotes of one service do not come at once. */
function restUntil(forge: Forge, { hold, remote, state, failures }: Rest): number | null {
  const now = forge.clock.now();
  const { retrySeconds, maxRetrySeconds, retryRefusedMinutes } = forge.config.mirror;
  if (failures > 0) {
    const doubled = retrySeconds * 2 ** Math.min(failures - 1, 30) * (0.8 + Math.random() * 0.2);
    return now + Math.round(Math.min(maxRetrySeconds, doubled) * 1000);
  }
  if (state !== 'partial') return null;
  // What was not tried this time keeps the time at which it will be.
  const { restsUntil = now } = remote;
  return !hold.triesRefused && restsUntil > now ? restsUntil : now + retryRefusedMinutes * 60_000;
}

/** Frees what a sync held that has ended without a word: all of it at the start, later what outlived its lease. */
export function recoverSyncs(forge: Forge, { isStart }: { isStart: boolean }): void {
  const now = forge.clock.now();
  forge.db.transaction(() => {
    for (const remoteId of freeLost(forge.db, { leaseBefore: isStart ? Number.MAX_SAFE_INTEGER : now })) {
      const message = isStart ? 'the forge ended in the middle of it' : 'nothing was heard of it any more';
      interruptSyncs(forge.db, { remoteId, message, now });
    }
  });
}
