// The loop of retention: every hour it takes away what may go, and on a full disk at once, together with what can be made
// again.
import type { Forge } from '../forge/open.ts';
import { diskRoom } from '../forge/disk.ts';
import { Loop } from '../lib/loop.ts';
import type { RemovedView } from './model.ts';
import { noteRemovals, retainOnly, Tally, type Keeper } from './pass.ts';

const minuteMs = 60_000;
/** After a start others come first. */
const firstMinutes = 2;

export interface Retention {
  loop: Loop;
  start(): void;
  stop(): Promise<void>;
  /** A pass now, after the one that may be under way. */
  run(): Promise<RemovedView>;
  keeper: Keeper;
}

export function openRetention(forge: Forge, keeper: Keeper): Retention {
  const stopping = new AbortController();
  const everyMs = forge.config.retention.everyMinutes * minuteMs;
  let lastAt = forge.clock.now() - everyMs + firstMinutes * minuteMs;
  let turn: Promise<unknown> = Promise.resolve();

  const run = (): Promise<RemovedView> => {
    const result = turn.then(() => {
      lastAt = forge.clock.now();
      return retainOnly(forge, keeper, stopping.signal);
    });
    turn = result.catch(() => undefined);
    return result;
  };
  const loop = new Loop({
    name: 'retention',
    pollMs: minuteMs,
    log: forge.log,
    now: () => forge.clock.now(),
    runOnce: async () => {
      const isLow = diskRoom(forge).isLow;
      const sinceMs = forge.clock.now() - lastAt;
      // The clock may have been set back.
      const isDue = sinceMs >= everyMs || sinceMs < 0;
      if (!isLow && !isDue) return;
      const { failed } = await run();
      if (diskRoom(forge).isLow) await relieve(forge, keeper);
      if (failed > 0)
        throw new Error(`${failed} things could not be removed; the log of the forge names them`);
    },
  });
  return {
    loop,
    start: () => loop.start(),
    stop: async () => {
      stopping.abort();
      await loop.stop();
      await turn;
    },
    run,
    keeper,
  };
}

/** What can be made again goes before its time. */
async function relieve(forge: Forge, keeper: Keeper): Promise<void> {
  const tally = new Tally();
  for (const thing of await keeper.relieve()) tally.add(thing);
  noteRemovals(forge, tally);
}
