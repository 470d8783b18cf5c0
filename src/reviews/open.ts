import type { Forge } from '../forge/open.ts';
import { Loop } from '../lib/loop.ts';
import { readPatches } from './patches.ts';

const pollMs = 30_000;

export interface Reviews {
  loop: Loop;
  start(): void;
  stop(): Promise<void>;
}

/** The loop that finds out which verdicts are still about what a branch has, after each push. */
export function openReviews(forge: Forge): Reviews {
  const loop = new Loop({
    name: 'reviews',
    pollMs,
    log: forge.log,
    now: () => forge.clock.now(),
    runOnce: () => readPatches(forge),
  });
  return { loop, start: () => loop.start(), stop: () => loop.stop() };
}
