// Whatever order pushes, reruns, cancellations, reports, crashes and expiring leases come in, the promises of CI hold.
import { expect, test } from 'vitest';
import { checkInterleavings } from './interleavings.ts';

test(
  'in every interleaving at most `concurrency` lanes run, one per group, each ends once, nothing stale is written, and green means green',
  { timeout: 600_000 },
  async () => {
    // The seed is fixed: what this finds, it finds every time. `npm run soak -- ci` tries others.
    const explored = await checkInterleavings({ seed: 4, numRuns: 25 });
    expect(explored.orders).toBe(25);
    expect(explored.started).toBeGreaterThan(100);
    expect(explored.stale).toBeGreaterThan(50);
  },
);
