// `npm run soak`, or `node test/soak/main.ts [ci|pages] [--points N] [--pushes N] [--orders N] [--seed N] [--minutes N]`: prints a line per
// point and ends with 0 only when the promise held at every one of them. With `ci` it is lanes that are soaked, with `pages` what a
// reader meets in the browser while others work.
import { parseArgs } from 'node:util';
import { soakCi, told } from './ci.ts';
import { randomFrom, soak } from './soak.ts';
import { launchBrowser } from '../support/browser.ts';
import { startRichForge } from '../support/rich-forge.ts';
import { walk } from './walk.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    points: { type: 'string', default: '200' },
    pushes: { type: 'string', default: '2000' },
    orders: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    minutes: { type: 'string' },
  },
});
const [what = 'forge', ...others] = positionals;
if (!['forge', 'ci', 'pages'].includes(what) || others.length > 0) {
  console.error(`There is no soak of ${positionals.join(' ')}; say nothing, ci or pages.`);
  process.exit(2);
}
const seed = Number(values.seed);
console.log(`seed ${seed}`);
// A forge must not stay behind: the point in progress is brought to its end.
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort());
const common = { seed, say: (line: string) => console.log(line), signal: stop.signal };
const soaks: Record<string, () => Promise<number>> = { ci: soakLanes, pages: soakPages };
const faults = await (soaks[what] ?? soakForge)();
process.exitCode = faults === 0 ? 0 : 1;

async function soakForge(): Promise<number> {
  const maxMinutes = Number(values.minutes ?? 45);
  const report = await soak({ ...common, points: Number(values.points), maxMinutes });
  const { struck, atRest, answered, faults } = report;
  for (const fault of faults) console.log(`FAULT ${fault}`);
  console.log(
    `${struck} times killed at work, ${atRest} times at rest; ${answered} pushes and merges answered ok; ${faults.length} faults (seed ${seed})`,
  );
  return faults.length;
}

async function soakLanes(): Promise<number> {
  const maxMinutes = Number(values.minutes ?? 15);
  const report = await soakCi({
    ...common,
    pushes: Number(values.pushes),
    orders: Number(values.orders),
    maxMinutes,
  });
  const { pushes, kills, lanes, rests, faults, memory } = report;
  for (const fault of faults) console.log(`FAULT ${fault}`);
  console.log(`The forge in peace: ${memory}`);
  console.log(
    `${pushes} pushes, ${lanes} lanes ran to their end, killed ${told(kills)}; looked ${rests} times; ${faults.length} faults (seed ${seed})`,
  );
  return faults.length;
}

async function soakPages(): Promise<number> {
  const rich = await startRichForge();
  const browser = await launchBrowser();
  const endAt = Date.now() + Number(values.minutes ?? 15) * 60_000;
  try {
    const { say, signal } = common;
    const rounds = Number.POSITIVE_INFINITY;
    const walked = await walk({
      rich,
      browser,
      random: randomFrom(seed),
      rounds,
      steps: 20,
      endAt,
      signal,
      say,
    });
    console.log(`${walked.length} faults (seed ${seed})`);
    return walked.length;
  } finally {
    await browser.close();
    await rich.dispose();
  }
}
