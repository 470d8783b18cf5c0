// A backup of a forge into which twenty pushes go every second, and the forge that is brought back from it: how long both
// take, what the pushes feel of it, and whether every push that was answered before is there.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { outputOf, runProgram } from '../support/run-program.ts';
import { operateOn } from '../support/serve.ts';
import { plainEnvironment } from './made-repo.ts';
import { inMs, median, quantile, timed, type Figure } from './measure.ts';
import { openStage, type Stage } from './targets.ts';

const pushesPerSecond = 20;
/** A machine that does not keep up gets no more than so many at once. */
const maxAtOnce = 12;
const aloneMs = 5000;
const maxPushes = 4000;
const timeoutMs = 600_000;

interface Push {
  ref: string;
  oid: string;
  /** By `performance.now()`, when the client had its answer. */
  answeredAt: number;
  tookMs: number;
}

export async function measureBackup(): Promise<Figure[]> {
  const stage = await openStage({ name: 'backup', commits: 4000, files: 800, branches: 300 });
  try {
    const pusher = new Pusher(stage, await makeCommits(stage));
    const pushing = pusher.run();
    await pause(aloneMs);
    const vault = join(stage.served.folder, 'vault');
    const backup = (): Promise<number> => timed(() => must(stage, 'backup', vault, '--json'));
    const firstBegan = performance.now();
    const first = await backup();
    const secondBegan = performance.now();
    const second = await backup();
    const ended = performance.now();
    pusher.stop();
    await pushing;
    const alone = pusher.pushes.filter(({ answeredAt }) => answeredAt < firstBegan);
    const beside = pusher.pushes.filter(({ answeredAt }) => answeredAt > firstBegan && answeredAt < ended);
    const before = pusher.pushes.filter(({ answeredAt }) => answeredAt < secondBegan);
    const verified = await timed(() => must(stage, 'backup', 'verify', vault));
    const restored = await restoreElsewhere(stage, vault);
    const kept = before.filter(({ ref, oid }) => restored.refs.get(ref) === oid).length;
    const rate = (beside.length / (ended - firstBegan)) * 1000;
    const size = `${stage.made.objects.toLocaleString('en')} objects, ${Math.round(stage.made.packBytes / 1e6)} MB`;
    const times = (pushes: readonly Push[]): string => {
      const took = pushes.map(({ tookMs }) => tookMs);
      return took.length === 0
        ? 'none was answered'
        : `${inMs(median(took))} (p95 ${inMs(quantile(took, 0.95))})`;
    };
    const perSecond = `${rate.toFixed(1)} pushes a second meanwhile`;
    return [
      { what: 'first backup', value: inMs(first), how: `${size}; ${perSecond}` },
      { what: 'second backup', value: inMs(second), how: 'what was pushed since the first' },
      { what: 'push without a backup', value: times(alone), how: `${alone.length} pushes over HTTP` },
      { what: 'push beside a backup', value: times(beside), how: `${beside.length} pushes over HTTP` },
      { what: 'verify two backups', value: inMs(verified), how: 'every byte, git and SQLite' },
      {
        what: 'restore',
        value: inMs(restored.ms),
        how: `with ${before.length} pushed branches; ${restored.doctor}`,
      },
      {
        what: 'pushes answered before the backup that are in it',
        value: `${kept} of ${before.length}`,
        how: `refs of the restored repository, by object id; ${pusher.failed} pushes were not answered ok`,
      },
    ];
  } finally {
    await stage.dispose();
  }
}

/** A commit of its own for each push, beside each other on main. */
async function makeCommits({ made, served }: Stage): Promise<string[]> {
  const commits = Array.from(
    { length: maxPushes },
    (_, index) =>
      `commit refs/live/${index}\nmark :${index + 1}\ncommitter A <a@example.org> ${1_767_225_600 + index} +0000\n` +
      `data 4\nlive\nfrom ${made.main}\nM 644 inline live/${index}.txt\ndata ${String(index).length}\n${index}\n\nget-mark :${index + 1}\n`,
  );
  const argv = ['git', '--git-dir', made.folder, 'fast-import', '--quiet'];
  const options = { cwd: served.folder, env: plainEnvironment(served.folder), timeoutMs };
  const { stdout } = await runProgram(argv, { ...options, input: commits.join('') });
  return stdout.trim().split('\n');
}

class Pusher {
  readonly pushes: Push[] = [];
  failed = 0;
  readonly #stage: Stage;
  readonly #oids: string[];
  #isOver = false;

  constructor(stage: Stage, oids: string[]) {
    this.#stage = stage;
    this.#oids = oids;
  }

  /** Starts a push every 50 ms, mostly whether the ones before have ended or not, and waits for all of them at the end. */
  async run(): Promise<void> {
    const under = new Set<Promise<void>>();
    const start = performance.now();
    for (const [index, oid] of this.#oids.entries()) {
      await pause(Math.max(0, start + (index * 1000) / pushesPerSecond - performance.now()));
      if (this.#isOver) break;
      while (under.size >= maxAtOnce) await Promise.race(under);
      const push = this.#push(`refs/heads/live/${index}`, oid);
      under.add(push);
      void push.finally(() => under.delete(push));
    }
    await Promise.all(under);
  }

  stop(): void {
    this.#isOver = true;
  }

  async #push(ref: string, oid: string): Promise<void> {
    const { made, served, targets } = this.#stage;
    const url = targets.find(({ isForge, transport }) => isForge && transport === 'HTTP')?.url('made') ?? '';
    const argv = ['git', '--git-dir', made.folder, 'push', '--quiet', url, `${oid}:${ref}`];
    const env = plainEnvironment(served.folder);
    let isAnswered = false;
    const tookMs = await timed(async () => {
      const { status } = await runProgram(argv, { cwd: served.folder, env, timeoutMs });
      isAnswered = status === 0;
    });
    if (isAnswered) this.pushes.push({ ref, oid, tookMs, answeredAt: performance.now() });
    else this.failed += 1;
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
