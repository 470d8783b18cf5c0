// Prints the figures of the README as a Markdown table: `npm run bench`, or `node test/bench/main.ts NAME…`.
import { cpus } from 'node:os';
import { table, type Figure } from './measure.ts';
import { measureMergesAndPages } from './merges-and-pages.ts';
import { measurePushes } from './push-to-output.ts';
import { measureScheduler } from './scheduler-pass.ts';
import { measureTransport } from './transport.ts';

const benchmarks: Record<string, () => Promise<Figure[]>> = {
  push: measurePushes,
  scheduler: measureScheduler,
  merges: measureMergesAndPages,
  transport: measureTransport,
};

const chosen = process.argv.slice(2);
const figures: Figure[] = [];
for (const [name, measure] of Object.entries(benchmarks)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  process.stderr.write(`measuring: ${name}\n`);
  figures.push(...(await measure()));
}
if (figures.length === 0)
  throw new Error(`There are no benchmarks but ${Object.keys(benchmarks).join(', ')}.`);
console.log(
  `${table(figures)}\n\nNode ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}.`,
);
