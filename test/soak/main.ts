// `npm run soak`, or `node test/soak/main.ts [--points N] [--seed N] [--minutes N]`: prints a line per point and ends
// with 0 only when the promise held at every one of them.
import { parseArgs } from 'node:util';
import { soak } from './soak.ts';

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    minutes: { type: 'string', default: '45' },
  },
});
const seed = Number(values.seed);
console.log(`seed ${seed}`);
// A forge must not stay behind: the point in progress is brought to its end.
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort());
const report = await soak({
  points: Number(values.points),
  seed,
  maxMinutes: Number(values.minutes),
  say: (line) => console.log(line),
  signal: stop.signal,
});
for (const fault of report.faults) console.log(`FAULT ${fault}`);
const { struck, atRest, answered, faults } = report;
console.log(
  `${struck} times killed at work, ${atRest} times at rest; ${answered} pushes and merges answered ok; ${faults.length} faults (seed ${seed})`,
);
process.exitCode = faults.length === 0 ? 0 : 1;
