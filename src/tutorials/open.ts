import type { Forge } from '../forge/open.ts';
import { Loop } from '../lib/loop.ts';
import { TutorialDesk } from './desk.ts';
import { requeueAll } from './store.ts';
import { chooseWriter } from './writers/choose.ts';

const pollMs = 15_000;

export interface Tutorials {
  loop: Loop;
  start(): void;
  stop(): Promise<void>;
}

/** The loop that has tutorials written; what an earlier program left half-written is written anew. */
export function openTutorials(forge: Forge): Tutorials {
  requeueAll(forge.db);
  const desk = new TutorialDesk(forge, chooseWriter(forge.config), () => loop.wake());
  const loop = new Loop({
    name: 'tutorials',
    pollMs,
    log: forge.log,
    now: () => forge.clock.now(),
    runOnce: () => desk.pass(),
  });
  return {
    loop,
    start: () => loop.start(),
    stop: async () => {
      await loop.stop();
      await desk.stop();
    },
  };
}
