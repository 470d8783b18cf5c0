import { expect, test } from 'vitest';
import { checkLandings } from './interleavings.ts';

// The same orders in every run of the tests; LANDING_RUNS=100 tries as many others, LANDING_SEED=N those again.
const { LANDING_RUNS: runs, LANDING_SEED: seed } = process.env;

test('whatever happens to the queue, in any order and with any death, the target was tested green and everybody comes to an end', async () => {
  const explored = await checkLandings({
    seed: Number(seed ?? (runs === undefined ? 5 : Date.now() % 1_000_000_007)),
    numRuns: Number(runs ?? 5),
  });
  expect(explored.orders).toBeGreaterThanOrEqual(5);
}, 3_600_000);
