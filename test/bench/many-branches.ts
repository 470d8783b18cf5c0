// A repository of ten thousand branches: the scan that finds them, a push beside them, and the pages that name them.
import { join } from 'node:path';
import { createLog } from '../../src/lib/log.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { readConfig } from '../../src/forge/config.ts';
import { openForge } from '../../src/forge/open.ts';
import { outputOf } from '../support/run-program.ts';
import { addCommit } from './made-repo.ts';
import { inMs, median, timed, timedEach, type Figure } from './measure.ts';
import { openStage, type Stage } from './targets.ts';
import { loadPages } from './pages.ts';

const branches = 10_000;
const pushes = 9;
const scans = 10;

export async function measureManyBranches(): Promise<Figure[]> {
  const shape = { name: 'many branches', commits: 500, files: 200, branches };
  // Ten thousand branches are ten thousand heads to run; here they are only to be found.
  const stage = await openStage(shape, '[ci]\nconcurrency = 1\n');
  try {
    await stage.served.stop();
    const figures = await measureScan(stage);
    await stage.served.restart();
    // Ten thousand new pins are ten thousand files, which the loop would pack in the next hours.
    const cared = await stage.served.operate('housekeeping', 'demo/made');
    if (cared.status !== 0) throw new Error(`Housekeeping failed: ${cared.stderr}`);
    figures.push(...(await measurePushes(stage)));
    const pages: [string, string][] = [
      ['home page', '/'],
      ['repository page', '/demo/made'],
      ['page of branches and tags', '/demo/made/refs'],
      ['page of branches, filtered', '/demo/made/refs?q=topic/77'],
    ];
    for (const [name, path] of pages) {
      figures.push(
        await loadPages(stage, { name: `${name}, ${branches.toLocaleString('en')} branches`, paths: [path] }),
      );
    }
    return figures;
  } finally {
    await stage.dispose();
  }
}

/** In this process, because the forge's own scan comes when it comes. */
async function measureScan({ served }: Stage): Promise<Figure[]> {
  const settings = { logLevel: 'error', http: { port: 0 }, ssh: { port: 0 } };
  const forge = openForge(readConfig(served.data, settings, { PATH: process.env['PATH'] }), {
    log: createLog('error'),
  });
  try {
    const row = forge.db.get<{ id: number }>("SELECT id FROM repos WHERE name = 'made'");
    const id = row?.id ?? 0;
    const first = await timed(() => scanRepo(forge, { id }));
    const later = await timedEach(scans, () => scanRepo(forge, { id }));
    const how = `${branches.toLocaleString('en')} branches`;
    return [
      {
        what: 'scan that finds every branch new',
        value: inMs(first),
        how: `${how}, each with a row, a pin and a base`,
      },
      { what: 'scan that finds nothing changed', value: inMs(median(later)), how: `${how}; ${scans} scans` },
    ];
  } finally {
    forge.db.close();
  }
}

async function measurePushes({ ada, made, served, targets }: Stage): Promise<Figure[]> {
  const clone = join(served.folder, 'client');
  const run = (...args: string[]): Promise<string> =>
    outputOf(['git', ...args], { cwd: served.folder, env: ada.env, timeoutMs: 120_000 });
  await run('clone', '--quiet', '--bare', made.folder, clone);
  const took = new Map(targets.map((target) => [target, [] as number[]]));
  let counter = 0;
  for (let turn = 0; turn < pushes; turn += 1) {
    for (const [target, durations] of took) {
      counter += 1;
      const branch = `push-${counter}`;
      await addCommit(clone, { parent: made.main, branch, path: 'pushed.txt', text: `${counter}\n` });
      durations.push(
        await timed(() => run('--git-dir', clone, 'push', '--quiet', target.url('made'), branch)),
      );
    }
  }
  return targets
    .filter(({ isForge }) => isForge)
    .map((target) => {
      const peer = targets.find(({ isForge, transport }) => !isForge && transport === target.transport);
      const [ours, theirs] = [median(took.get(target) ?? []), median((peer && took.get(peer)) ?? [])];
      return {
        what: `push over ${target.transport} beside ${branches.toLocaleString('en')} branches`,
        value: `${inMs(ours)} (${peer?.name}: ${inMs(theirs)} = ${(ours / theirs).toFixed(2)} ×)`,
        how: `one commit; ${pushes} turns`,
      };
    });
}
