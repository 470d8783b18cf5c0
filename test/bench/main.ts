// Prints the figures of the README as a Markdown table: `npm run bench`, or `npm run bench -- NAME…` for some of them
// and for those that take long.
import { cpus, loadavg } from 'node:os';
import { measureBackup } from './backup.ts';
import { measureBlockedWebThread } from './blocked-web-thread.ts';
import { measureClaims } from './claims.ts';
import { measureLanding } from './landing.ts';
import { measureLargePush } from './large-push.ts';
import { measureLogPage } from './log-page.ts';
import { measureLogThroughput } from './log-throughput.ts';
import { measureManyBranches } from './many-branches.ts';
import { table, type Figure } from './measure.ts';
import { measureMergeLatency } from './merge-latency.ts';
import { measureMergesAndPages } from './merges-and-pages.ts';
import { measureMirror } from './mirror.ts';
import { measureNoOpLanes } from './no-op-lanes.ts';
import { measureOperation } from './operate.ts';
import { measurePages } from './pages.ts';
import { measurePhStart } from './ph-start.ts';
import { measurePushes } from './push-to-output.ts';
import { measureReview } from './review.ts';
import { measureScheduler } from './scheduler-pass.ts';
import { measureSlurm } from './slurm.ts';
import { measureTransport } from './transport.ts';
import { measureTransportFull } from './transport-full.ts';
import { measureWaits } from './waits.ts';

const short: Record<string, () => Promise<Figure[]>> = {
  push: measurePushes,
  claims: measureClaims,
  'no-op-lanes': measureNoOpLanes,
  scheduler: measureScheduler,
  'log-throughput': measureLogThroughput,
  'log-page': measureLogPage,
  'blocked-web-thread': measureBlockedWebThread,
  merges: measureMergesAndPages,
  transport: measureTransport,
  pages: () => measurePages('short'),
  'ph-start': measurePhStart,
  waits: measureWaits,
  mirror: measureMirror,
};
/** Minutes to an hour each; only when they are named. */
const long: Record<string, () => Promise<Figure[]>> = {
  backup: measureBackup,
  'merge-latency': measureMergeLatency,
  branches: measureManyBranches,
  landing: measureLanding,
  operate: measureOperation,
  slurm: measureSlurm,
  'large-push': measureLargePush,
  review: measureReview,
  'pages-full': () => measurePages('full'),
  'transport-full': () => measureTransportFull(),
  'transport-3k': () => measureTransportFull(['3k']),
  'transport-60k': () => measureTransportFull(['60k']),
  'transport-400k': () => measureTransportFull(['400k']),
};

/** Several under one name. */
const groups: Record<string, string[]> = {
  ci: ['push', 'claims', 'no-op-lanes', 'scheduler', 'log-throughput', 'log-page', 'blocked-web-thread'],
};

const known = { ...short, ...long };
const chosen = process.argv.slice(2).flatMap((name) => groups[name] ?? [name]);
const unknown = chosen.find((name) => !(name in known));
if (unknown !== undefined) {
  console.error(
    `There is no benchmark ${unknown}; there are ${Object.keys({ ...groups, ...known }).join(', ')}.`,
  );
  process.exit(2);
}
const figures: Figure[] = [];
for (const [name, measure] of Object.entries(chosen.length > 0 ? known : short)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  process.stderr.write(`measuring: ${name}\n`);
  figures.push(...(await measure()));
}
const load = loadavg().map((value) => value.toFixed(1));
console.log(
  `${table(figures)}\n\nNode ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}; load at the end ${load.join(', ')}.`,
);
