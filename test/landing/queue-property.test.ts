import { expect, test } from 'vitest';
import { checkLandings } from './interleavings.ts';

test('whatever happens to the queue, in any order and with any death, the target was tested green and everybody comes to an end', async () => {
  const explored = await checkLandings({ seed: Date.now() % 1_000_000_007, numRuns: 5 });
  expect(explored.orders).toBeGreaterThanOrEqual(5);
}, 300_000);
