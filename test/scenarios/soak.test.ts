// The short form of `npm run soak`: a few blows at named steps and at random, with everything looked at afterwards.
import { expect, test } from 'vitest';
import { soak } from '../soak/soak.ts';

test(
  'whatever is killed while people push and merge, what was answered ok is there and nobody has to clean up',
  { timeout: 240_000 },
  async () => {
    const lines: string[] = [];
    const report = await soak({ points: 8, seed: 20, maxMinutes: 2, say: (line) => lines.push(line) });
    expect(report.faults, lines.join('\n')).toEqual([]);
    expect(report.struck, lines.join('\n')).toBeGreaterThanOrEqual(3);
    expect(report.answered).toBeGreaterThan(0);
  },
);
