import type { Forge } from '../forge/open.ts';
import { Loop } from '../lib/loop.ts';
import { followLanded } from './retarget.ts';

const pollMs = 60_000;

/** The loop that aims branches anew whose target has landed. */
export const openTargets = (forge: Forge): Loop =>
  new Loop({
    name: 'targets',
    pollMs,
    log: forge.log,
    now: () => forge.clock.now(),
    runOnce: () => followLanded(forge),
  });
