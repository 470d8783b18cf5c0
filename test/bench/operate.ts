// What a forge costs that nobody asks anything: 200 repositories with 5,000 branches, all of them settled.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { disposeServed, startForge, type ServedForge } from '../support/serve.ts';
import { fillForge } from './many-repos.ts';
import { inMs, median, quantile, timed, timedEach, type Figure } from './measure.ts';
import { computedMs, familyOf } from './server-cost.ts';

const shape = { repos: 200, branches: 5000 };
const starts = 5;
const idleMs = 60_000;
const settleMs = 5000;
const maxSettles = 24;
/** Once at rest, it gives back what its start left behind. */
const givesBackMs = 25_000;
const reads = 50;

export async function measureOperation(): Promise<Figure[]> {
  const served = await startForge({ settings: 'logLevel = "error"\n' });
  try {
    await served.stop();
    await fillForge(served.data, shape);
    // The first one fills the cache of compiled code.
    await served.restart();
    const started: number[] = [];
    for (let turn = 0; turn < starts; turn += 1) {
      await served.stop();
      started.push(await timed(() => served.restart()));
    }
    return [...(await measureRest(served)), startFigure(started), ...(await measureMetrics(served))];
  } finally {
    await disposeServed(served);
  }
}

const how = `${shape.repos} repositories, ${shape.branches.toLocaleString('en')} open branches`;

const startFigure = (times: readonly number[]): Figure => ({
  what: 'start, until it serves',
  value: inMs(median(times)),
  how: `${how}; ${times.length} starts, the slowest ${inMs(quantile(times, 1))}`,
});

async function measureRest({ pid }: ServedForge): Promise<Figure[]> {
  await settle(pid);
  const family = familyOf(pid);
  const before = computedMs(family);
  const passed = await timed(() => delay(idleMs));
  const used = ((computedMs(family) - before) / passed) * 100;
  const shares = family.map((one) => `${nameOf(one)} ${shareOf(one)} MB`);
  return [
    {
      what: 'processor of a forge at rest',
      value: `${used.toFixed(2)} %`,
      how: `${how}; all of its processes, over ${Math.round(passed / 1000)} s`,
    },
    {
      what: 'memory of a forge at rest',
      value: `${residentOf(pid)} MB`,
      how: `${how}; its own, resident. Of all its processes, shared pages once: ${shares.join(', ')}`,
    },
  ];
}

/** After a start everything is looked at once; until that is over the forge is not at rest. */
async function settle(pid: number): Promise<void> {
  for (let turn = 0; turn < maxSettles; turn += 1) {
    const before = computedMs(familyOf(pid));
    await delay(settleMs);
    if (computedMs(familyOf(pid)) - before < settleMs / 50) break;
  }
  await delay(givesBackMs);
}

const readStatus = (pid: number, file: string, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1]);
const megabytes = (kibibytes: number): number => Math.round((kibibytes * 1024) / 1e6);
const residentOf = (pid: number): number => megabytes(readStatus(pid, 'status', 'VmRSS'));
const shareOf = (pid: number): number => megabytes(readStatus(pid, 'smaps_rollup', 'Pss'));
const nameOf = (pid: number): string =>
  /([a-z-]+)\.ts\0/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.[1] ?? 'git';

async function measureMetrics({ http, pid }: ServedForge): Promise<Figure[]> {
  let bytes = 0;
  const read = async (): Promise<void> => {
    const response = await fetch(`${http}/metrics`);
    if (!response.ok) throw new Error(`/metrics answered ${response.status}.`);
    bytes = (await response.text()).length;
  };
  await read();
  const before = computedMs([pid]);
  const times = await timedEach(reads, read);
  const each = (computedMs([pid]) - before) / reads;
  return [
    {
      what: '/metrics',
      value: inMs(median(times)),
      how: `${how}; ${reads} reads, p95 ${inMs(quantile(times, 0.95))}, ${inMs(each)} of processor time, ${Math.round(bytes / 1000)} kB`,
    },
  ];
}
