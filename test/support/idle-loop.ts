import { createLog } from '../../src/lib/log.ts';
import { Loop, type LoopStatus } from '../../src/lib/loop.ts';

/** What a loop says of itself that nobody started. */
export const unstarted = (name: string): LoopStatus =>
  new Loop({
    name,
    pollMs: 1000,
    log: createLog('silent'),
    now: () => 0,
    runOnce: () => undefined,
  }).status();
