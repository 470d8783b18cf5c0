// Clones and pushes of three repositories of real sizes by 1, 8 and 32 clients at once, beside plain git.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { outputOf } from '../support/run-program.ts';
import { addCommit, type RepoShape } from './made-repo.ts';
import { inMs, median, timed, type Figure } from './measure.ts';
import { computedMs, forgetPeaks, peakMegabytes } from './server-cost.ts';
import { emptyRepo, openStage, type Stage, type Target } from './targets.ts';

const shapes: RepoShape[] = [
  { name: '3k', commits: 300, files: 240 },
  { name: '60k', commits: 6400, files: 1600 },
  { name: '400k', commits: 43_000, files: 4200 },
];
const crowds = [1, 8, 32];
const longMs = 1_800_000;

type What = 'clone' | 'push of one commit' | 'push of everything';

interface Sample {
  /** How long each client waited, in milliseconds. */
  waited: number[];
  /** Processor time of the server per client, in milliseconds. */
  computed: number[];
}

/** Of all three sizes, or of those that are named. */
export async function measureTransportFull(names: readonly string[] = []): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const shape of shapes) {
    if (names.length > 0 && !names.includes(shape.name)) continue;
    process.stderr.write(`making the repository of ${shape.name} objects\n`);
    const stage = await openStage(shape);
    try {
      figures.push(...(await measureStage(stage)));
    } finally {
      await stage.dispose();
    }
  }
  return figures;
}

async function measureStage(stage: Stage): Promise<Figure[]> {
  const { objects } = stage.made;
  const figures = await measureRound(stage, { what: 'push of everything', clients: 1, turns: 1 });
  for (const clients of crowds) {
    for (const what of ['clone', 'push of one commit'] as const) {
      const isLong = what === 'clone' && objects * clients > 500_000;
      const turns = isLong ? 1 : clients === 1 ? 9 : 3;
      figures.push(...(await measureRound(stage, { what, clients, turns })));
    }
  }
  return figures;
}

async function measureRound(
  stage: Stage,
  { what, clients, turns }: { what: What; clients: number; turns: number },
): Promise<Figure[]> {
  process.stderr.write(`${stage.made.shape.name}: ${what}, ${clients} at once\n`);
  const samples = new Map<Target, Sample>(
    stage.targets.map((target) => [target, { waited: [], computed: [] }]),
  );
  const forge = stage.targets.find(({ isForge }) => isForge);
  if (forge !== undefined) forgetPeaks(forge.pids);
  // In turns, so that whatever else the machine does slows all of them.
  for (let turn = 0; turn < turns; turn += 1) {
    for (const [target, sample] of samples) {
      const calls = await Promise.all(
        Array.from({ length: clients }, (_unused, client) => prepare(stage, target, { what, client })),
      );
      const before = computedMs(target.pids);
      sample.waited.push(...(await Promise.all(calls.map((call) => timed(call)))));
      sample.computed.push((computedMs(target.pids) - before) / clients);
    }
  }
  const peaks = forge === undefined ? [] : peakMegabytes(forge.pids);
  return figuresOf(stage, samples, { what, clients, turns, peaks });
}

let counter = 0;

/** Everything but what is measured. */
async function prepare(
  stage: Stage,
  target: Target,
  { what, client }: { what: What; client: number },
): Promise<() => Promise<void>> {
  // Kept here: others are prepared meanwhile.
  const turn = (counter += 1);
  const { ada, made, served } = stage;
  const run = async (...args: string[]): Promise<void> =>
    void (await outputOf(['git', ...args], { cwd: served.folder, env: ada.env, timeoutMs: longMs }));
  if (what === 'clone') {
    const copy = join(served.folder, `clone-${turn}`);
    return async () => {
      await run('clone', '--quiet', '--bare', target.url('made'), copy);
      rmSync(copy, { recursive: true });
    };
  }
  if (what === 'push of everything') {
    return () => run('--git-dir', made.folder, 'push', '--quiet', target.url(emptyRepo(target)), 'main');
  }
  const clone = join(served.folder, `client-${client}`);
  mkdirSync(clone, { recursive: true });
  await run('init', '--quiet', '--bare', clone);
  await outputOf(['sh', '-c', 'echo "$1" >objects/info/alternates', 'sh', join(made.folder, 'objects')], {
    cwd: clone,
    env: ada.env,
  });
  const branch = `push-${turn}`;
  const path = made.paths[turn % made.paths.length] ?? '';
  await addCommit(clone, { parent: made.main, branch, path, text: `changed ${turn}\n` });
  return () => run('--git-dir', clone, 'push', '--quiet', target.url('made'), branch);
}

function figuresOf(
  { made, targets }: Stage,
  samples: ReadonlyMap<Target, Sample>,
  round: { what: What; clients: number; turns: number; peaks: number[] },
): Figure[] {
  const { what, clients, turns, peaks } = round;
  const size = `${made.objects.toLocaleString('en')} objects, ${Math.round(made.packBytes / 1e6)} MB`;
  const figures: Figure[] = [];
  for (const [target, { waited, computed }] of samples) {
    if (!target.isForge) continue;
    const peer = targets.find(({ isForge, transport }) => !isForge && transport === target.transport);
    const other = peer === undefined ? undefined : samples.get(peer);
    const ratio = other === undefined ? '' : ` = ${(median(waited) / median(other.waited)).toFixed(2)} ×`;
    const beside = other === undefined ? '' : ` (${peer?.name}: ${inMs(median(other.waited))}${ratio})`;
    const theirs = other === undefined ? '' : ` (${inMs(median(other.computed))})`;
    figures.push({
      what: `${what} over ${target.transport}, ${clients} at once`,
      value: `${inMs(median(waited))}${beside}`,
      how: `${size}; ${turns} turns; the server computed ${inMs(median(computed))}${theirs} each; peak memory ${peaks.join(' + ')} MB`,
    });
  }
  return figures;
}
