// The duty of this room: what happens is told to every receiver that wants it, and a receiver that is slow, dead or hostile
// holds up nobody but itself.
import type { Forge } from '../forge/open.ts';
import { Loop } from '../lib/loop.ts';
import { claimDue, deliver } from './deliver.ts';
import { deleteDeliveriesBefore, dropStale, requeueLost } from './delivery-store.ts';
import { gatherRepo } from './gather.ts';
import { listToldRepoIds } from './store.ts';

/** How soon a receiver that has rested is tried, and how often every repository is looked at whatever was heard. */
const pollMs = 5000;
const fullMs = 10 * 60_000;
const [hour, day] = [60 * 60_000, 24 * 60 * 60_000];

export interface Webhooks {
  loop: Loop;
  start(): void;
  stop(): Promise<void>;
  /** Something happened in the repository; without one, something waits to be sent. */
  look(repoId?: number): void;
  /** Resolves when nothing is being sent and no pass is wanted. */
  settled(): Promise<void>;
}

export function openWebhooks(forge: Forge): Webhooks {
  const wanted = new Set<number>();
  const sending = new Set<Promise<void>>();
  const stopping = new AbortController();
  let fullAt = -Infinity;
  // Nobody sends any more what a forge that has ended had taken.
  requeueLost(forge.db, { leaseBefore: Number.MAX_SAFE_INTEGER });

  const launch = (): void => {
    const free = forge.config.webhooks.maxSending - sending.size;
    for (const delivery of claimDue(forge, free)) {
      const sent = deliver(forge, delivery, stopping.signal)
        .catch((error: unknown) => forge.log.error({ err: error, delivery: delivery.id }, 'a webhook failed'))
        .finally(() => {
          sending.delete(sent);
          loop.wake();
        });
      sending.add(sent);
    }
  };
  const runOnce = (): void => {
    const now = forge.clock.now();
    const isFull = now - fullAt >= fullMs;
    const repoIds = isFull ? listToldRepoIds(forge.db) : [...wanted];
    wanted.clear();
    for (const id of repoIds) if (gatherRepo(forge, id)) wanted.add(id);
    if (isFull) sweep(forge, now);
    if (isFull) fullAt = now;
    requeueLost(forge.db, { leaseBefore: now });
    launch();
    if (wanted.size > 0) loop.wake();
  };
  const loop = new Loop({ name: 'webhooks', pollMs, log: forge.log, now: () => forge.clock.now(), runOnce });
  return {
    loop,
    start: () => loop.start(),
    stop: async () => {
      stopping.abort();
      await loop.stop();
      await Promise.all(sending);
    },
    look: (repoId) => {
      if (repoId !== undefined) wanted.add(repoId);
      loop.wake();
    },
    settled: async () => {
      await loop.settled();
      while (sending.size > 0) {
        await Promise.all(sending);
        await loop.settled();
      }
    },
  };
}

/** Gives up what has waited too long, and forgets what ended long ago. */
function sweep(forge: Forge, now: number): void {
  const { maxQueuedHours, keepDays } = forge.config.webhooks;
  const message = `it waited for more than ${maxQueuedHours} hours and was given up`;
  dropStale(forge.db, { before: now - maxQueuedHours * hour, message, now });
  deleteDeliveriesBefore(forge.db, now - keepDays * day);
}
