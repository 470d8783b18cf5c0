import type { Forge } from '../forge/open.ts';
import { Loop } from '../lib/loop.ts';
import { generateTutorials } from './generate.ts';
import { outlineWriter } from './outline.ts';
import { requeueAll } from './store.ts';

const pollMs = 30_000;

export interface Tutorials {
  loop: Loop;
  start(): void;
  stop(): Promise<void>;
}

/** The loop that writes tutorials; what an earlier program left half-written is written anew. */
export function openTutorials(forge: Forge): Tutorials {
  requeueAll(forge.db);
  const loop = new Loop({
    name: 'tutorials',
    pollMs,
    log: forge.log,
    now: () => forge.clock.now(),
    runOnce: () => generateTutorials(forge, outlineWriter),
  });
  return { loop, start: () => loop.start(), stop: () => loop.stop() };
}
