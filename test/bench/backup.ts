// A backup of a forge into which twenty pushes go every second, and the forge that is brought back from it: how long both
// take, what the pushes feel of it, and whether every push that was answered before is there. Most of the pushes come from
// a client that starts no git: twenty `git push` a second compute more than the forge, and would be what is measured.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { outputOf, runProgram } from '../support/run-program.ts';
import { operateOn } from '../support/serve.ts';
import { makeCommit, WirePusher, type Ground, type MadeCommit } from '../support/wire-push.ts';
import { plainEnvironment } from './made-repo.ts';
import { inMs, median, quantile, timed, type Figure } from './measure.ts';
import { computedMs, familyOf } from './server-cost.ts';
import { openStage, type Stage } from './targets.ts';

const pushesPerSecond = 20;
/** One of so many is made by git. */
const gitEvery = 20;
/** A forge that does not keep up gets no more than so many at once, and the rate says so. */
const maxAtOnce = 40;
const aloneMs = 10_000;
/** Between two backups, so that the second finds something new. */
const betweenMs = 3000;
const maxPushes = 2400;
const timeoutMs = 600_000;
/** A forge that computes less than this in a second has done what it had to. */
const calmMs = 50;

interface Push {
  ref: string;
  oid: string;
  isGit: boolean;
  /** By `performance.now()`, when the client had its answer. */
  answeredAt: number;
  tookMs: number;
}

interface Span {
  from: number;
  to: number;
}

export async function measureBackup(): Promise<Figure[]> {
  const stage = await openStage({ name: 'backup', commits: 4000, files: 800, branches: 300 });
  try {
    await takeIn(stage);
    const pusher = new Pusher(stage, await makePushes(stage));
    const pids = familyOf(stage.served.pid);
    const computedBefore = computedMs(pids);
    const began = performance.now();
    const pushing = pusher.run();
    await pause(aloneMs);
    const computed = computedMs(pids) - computedBefore;
    const vault = join(stage.served.folder, 'vault');
    const first = await backUp(stage, vault);
    await pause(betweenMs);
    const second = await backUp(stage, vault);
    pusher.stop();
    await pushing;
    const alone = pusher.within({ from: began, to: first.from });
    const computedFigure: Figure = {
      what: 'processor time of a push',
      value: inMs(computed / Math.max(1, alone.length)),
      how: 'of the forge and every git it starts, with the run, the tutorial and the inboxes that follow',
    };
    return [
      ...pushFigures(stage, pusher, { alone: { from: began, to: first.from }, backups: [first, second] }),
      computedFigure,
      ...(await restoreFigures(stage, pusher, { vault, before: { from: began, to: second.from } })),
    ];
  } finally {
    await stage.dispose();
  }
}

async function backUp(stage: Stage, vault: string): Promise<Span> {
  const from = performance.now();
  await must(stage, 'backup', vault, '--json');
  return { from, to: performance.now() };
}

function pushFigures(
  { made }: Stage,
  pusher: Pusher,
  { alone, backups }: { alone: Span; backups: readonly [Span, Span] },
): Figure[] {
  const [first, second] = backups;
  const without = pusher.within(alone);
  const beside = backups.flatMap((backup) => pusher.within(backup));
  const size = `${made.objects.toLocaleString('en')} objects, ${Math.round(made.packBytes / 1e6)} MB`;
  const how = `one of ${gitEvery} by git push over HTTP, the others by a client of the bench that speaks the same protocol`;
  const byGit = (pushes: readonly Push[]): string => times(pushes.filter(({ isGit }) => isGit));
  return [
    { what: 'first backup', value: inMs(lengthOf(first)), how: size },
    { what: 'second backup', value: inMs(lengthOf(second)), how: 'what was pushed since the first' },
    { what: 'push without a backup', value: times(without), how: `${rate(without, [alone])}; ${how}` },
    { what: 'push beside a backup', value: times(beside), how: rate(beside, backups) },
    {
      what: 'git push without and beside a backup',
      value: `${byGit(without)}, ${byGit(beside)}`,
      how: 'with what git itself takes to start',
    },
  ];
}

async function restoreFigures(
  stage: Stage,
  pusher: Pusher,
  { vault, before }: { vault: string; before: Span },
): Promise<Figure[]> {
  const verified = await timed(() => must(stage, 'backup', 'verify', vault));
  const restored = await restoreElsewhere(stage, vault);
  const answered = pusher.within(before);
  const kept = answered.filter(({ ref, oid }) => restored.refs.get(ref) === oid).length;
  return [
    { what: 'verify two backups', value: inMs(verified), how: 'every byte, git and SQLite' },
    {
      what: 'restore',
      value: inMs(restored.ms),
      how: `with ${answered.length} pushed branches; ${restored.doctor}`,
    },
    {
      what: 'pushes answered before the backup that are in it',
      value: `${kept} of ${answered.length}`,
      how: `refs of the restored repository, by object id; ${pusher.failed} pushes were not answered ok`,
    },
  ];
}

const lengthOf = ({ from, to }: Span): number => to - from;

function rate(pushes: readonly Push[], spans: readonly Span[]): string {
  const ms = spans.reduce((sum, span) => sum + lengthOf(span), 0);
  return `${((pushes.length * 1000) / ms).toFixed(1)} a second of ${pushesPerSecond}`;
}

function times(pushes: readonly Push[]): string {
  const took = pushes.map(({ tookMs }) => tookMs);
  return took.length === 0
    ? 'none was answered'
    : `${inMs(median(took))} (p95 ${inMs(quantile(took, 0.95))})`;
}

/** Has the forge record the branches that were put under it as files, and do all that follows, before the pushes begin. */
async function takeIn({ served }: Stage): Promise<void> {
  await served.stop();
  await served.restart();
  const pids = familyOf(served.pid);
  let before = computedMs(pids);
  for (let calm = 0; calm < 2;) {
    await pause(1000);
    const now = computedMs(pids);
    calm = now - before < calmMs ? calm + 1 : 0;
    before = now;
  }
}

type Pushable = { ref: string } & ({ oid: string; pack?: undefined } | MadeCommit);

/** A commit of its own for each push, beside each other on main. */
async function makePushes(stage: Stage): Promise<Pushable[]> {
  const { made } = stage;
  const tree = execFileSync('git', ['--git-dir', made.folder, 'cat-file', 'tree', `${made.main}^{tree}`]);
  const ground: Ground = { oid: made.main, tree };
  const forGit = await commitForGit(stage, maxPushes / gitEvery);
  return Array.from({ length: maxPushes }, (_unused, index) => {
    const ref = `refs/heads/live/${index}`;
    const oid = index % gitEvery === 0 ? forGit[index / gitEvery] : undefined;
    if (oid !== undefined) return { ref, oid };
    return { ref, ...makeCommit(ground, { name: `live-${index}`, seconds: 1_767_225_600 + index }) };
  });
}

/** Into the repository from which git pushes. */
async function commitForGit({ made, served }: Stage, count: number): Promise<string[]> {
  const commits = Array.from(
    { length: count },
    (_unused, index) =>
      `commit refs/live/${index}\nmark :${index + 1}\ncommitter A <a@example.org> ${1_767_225_600 + index} +0000\n` +
      `data 4\nlive\nfrom ${made.main}\nM 644 inline live/${index}.txt\ndata ${String(index).length}\n${index}\n\nget-mark :${index + 1}\n`,
  );
  const argv = ['git', '--git-dir', made.folder, 'fast-import', '--quiet'];
  const options = { cwd: served.folder, env: plainEnvironment(served.folder), timeoutMs };
  const { stdout } = await runProgram(argv, { ...options, input: commits.join('') });
  return stdout.trim().split('\n');
}

class Pusher {
  failed = 0;
  readonly #answered: Push[] = [];
  readonly #stage: Stage;
  readonly #pushes: readonly Pushable[];
  readonly #url: string;
  readonly #wire: WirePusher;
  #isOver = false;

  constructor(stage: Stage, pushes: readonly Pushable[]) {
    this.#stage = stage;
    this.#pushes = pushes;
    const target = stage.targets.find(({ isForge, transport }) => isForge && transport === 'HTTP');
    this.#url = target?.url('made') ?? '';
    this.#wire = new WirePusher(this.#url);
  }

  /** Starts a push every 50 ms, whether the ones before have ended or not, and waits for all of them at the end. */
  async run(): Promise<void> {
    const under = new Set<Promise<void>>();
    const start = performance.now();
    for (const [index, pushable] of this.#pushes.entries()) {
      await pause(Math.max(0, start + (index * 1000) / pushesPerSecond - performance.now()));
      while (under.size >= maxAtOnce) await Promise.race(under);
      if (this.#isOver) break;
      const push = this.#push(pushable);
      under.add(push);
      void push.finally(() => under.delete(push));
    }
    await Promise.all(under);
    this.#wire.close();
  }

  stop(): void {
    this.#isOver = true;
  }

  within({ from, to }: Span): Push[] {
    return this.#answered.filter(({ answeredAt }) => answeredAt > from && answeredAt < to);
  }

  async #push(pushable: Pushable): Promise<void> {
    const { ref, oid, pack } = pushable;
    try {
      const tookMs = await timed(() =>
        pack === undefined ? this.#pushByGit(ref, oid) : this.#wire.push(ref, { oid, pack }),
      );
      this.#answered.push({ ref, oid, isGit: pack === undefined, tookMs, answeredAt: performance.now() });
    } catch (error) {
      this.failed += 1;
      console.error(String(error));
    }
  }

  async #pushByGit(ref: string, oid: string): Promise<void> {
    const { made, served } = this.#stage;
    const argv = ['git', '--git-dir', made.folder, 'push', '--quiet', this.#url, `${oid}:${ref}`];
    await outputOf(argv, { cwd: served.folder, env: plainEnvironment(served.folder), timeoutMs });
  }
}

async function must({ served }: Stage, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await served.operate(...args);
  if (status !== 0) throw new Error(`pika-git ${args.join(' ')} ended with ${status}: ${stdout}${stderr}`);
  return stdout;
}

/** Beside the forge that goes on; answers where the refs stand there, and what doctor says of it. */
async function restoreElsewhere(
  { served }: Stage,
  vault: string,
): Promise<{ ms: number; refs: Map<string, string>; doctor: string }> {
  const place = join(served.folder, 'elsewhere');
  mkdirSync(place);
  const ms = await timed(async () => {
    const { status, stderr, stdout } = await operateOn(place, 'restore', vault);
    if (status !== 0) throw new Error(`The restore ended with ${status}: ${stdout}${stderr}`);
  });
  const { stdout } = await operateOn(place, 'doctor', '--json');
  const { findings } = JSON.parse(stdout) as { findings: { level: string; what: string }[] };
  const wrong = findings.filter(({ level }) => level !== 'ok').map(({ what }) => what);
  const listed = await outputOf(
    ['git', '--git-dir', join(place, 'data/repos/1.git'), 'show-ref', '--heads'],
    {
      cwd: place,
      env: plainEnvironment(place),
    },
  );
  const refs = new Map(listed.split('\n').map((line) => [line.slice(41), line.slice(0, 40)]));
  return {
    ms,
    refs,
    doctor: wrong.length === 0 ? 'doctor finds nothing wrong' : wrong.slice(0, 3).join('; '),
  };
}
