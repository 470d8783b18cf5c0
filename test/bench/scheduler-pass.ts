// One pass of the scheduler when the queue is long and more and more lanes have ended: it must not notice those.
import { openCi } from '../../src/ci/open.ts';
import { openTestForge } from '../support/forge.ts';
import { makeLanes } from './made-lanes.ts';
import { inMs, quantile, timedEach, type Figure } from './measure.ts';

const endedLanes = [1000, 10_000, 100_000];
const queued = 1000;
const passes = 200;

export async function measureScheduler(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const ended of endedLanes) figures.push(...(await measurePasses(ended)));
  return figures;
}

/**
 * The first pass fills the places with lanes that last longer than the benchmark and gives every other one its reason;
 * the ones after it examine the whole queue and start nothing.
 */
async function measurePasses(ended: number): Promise<Figure[]> {
  const test = await openTestForge();
  try {
    await makeLanes(test, { ended, queued });
    const ci = await openCi(test.forge);
    test.defer(() => ci.stop());
    const [first = 0] = await timedEach(1, () => ci.scheduler.pass());
    const durations = await timedEach(passes, () => ci.scheduler.pass());
    const inWords = ended.toLocaleString('en');
    const how = `${inWords} ended lanes, ${queued.toLocaleString('en')} queued, every place taken; ${passes} passes, the first ${inMs(first)}`;
    return [
      { what: `scheduler pass with ${inWords} ended lanes`, value: inMs(quantile(durations, 0.5)), how },
      { what: `the same, p99`, value: inMs(quantile(durations, 0.99)), how },
    ];
  } finally {
    await test.dispose();
  }
}
