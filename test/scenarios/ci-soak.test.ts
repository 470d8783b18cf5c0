// The short form of `npm run soak -- ci`: lanes, their threads and the forge are killed while people push.
import { expect, test } from 'vitest';
import { soakCi } from '../soak/ci.ts';

test(
  'whatever is killed while lanes run, none is lost or doubled, and nothing of them stays behind',
  { timeout: 1_200_000 },
  async () => {
    const lines: string[] = [];
    const report = await soakCi({
      pushes: 16,
      orders: 0,
      seed: 3,
      maxMinutes: 3,
      say: (line) => lines.push(line),
    });
    expect(report.faults, lines.join('\n')).toEqual([]);
    expect(report.kills['the forge'], lines.join('\n')).toBeGreaterThan(0);
    expect(report.lanes).toBeGreaterThan(0);
  },
);
