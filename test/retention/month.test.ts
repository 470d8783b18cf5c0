// A month of use in a clock of its own: what piles up stays within its limits, and what something needs stays.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { getBranch } from '../../src/branches/find.ts';
import { comparePins } from '../../src/branches/mend-pins.ts';
import { pinRef, type Branch } from '../../src/branches/model.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { Keeping } from '../../src/ci/lanes/keeping.ts';
import { listRefs } from '../../src/git/refs.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { openRetention } from '../../src/retention/open.ts';
import type { Repo } from '../../src/repos/model.ts';
import { pushBranch } from '../support/ci.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { commentOn, dayMs, makeRun, settle, type MadeRun } from './made-days.ts';

const days = Number(process.env['PIKA_RETENTION_DAYS'] ?? 30);
const maxLogBytes = 700;
const open = useForge({
  settings: {
    ci: { artifactDays: 4 },
    retention: { logDays: 10, maxRepoLogBytes: maxLogBytes, runDays: 14, keepRuns: 3, revisionDays: 5 },
  },
});

interface Made {
  branch: Branch;
  day: number;
  runs: MadeRun[];
  commented: number[];
}

interface World {
  it: TestForge;
  repo: Repo;
  made: Made[];
}

/** A push with its run; the next revision of a branch when it is there. */
async function push({ it, repo, made }: World, name: string, day: number): Promise<Made> {
  const branch = await pushBranch(it.forge, repo, { name, files: { f: `${name} ${day}` } });
  const known = made.find((each) => each.branch.id === branch.id);
  const run = makeRun(it, repo, { branch, tree: branch.headOid });
  if (known === undefined) {
    const fresh = { branch, day, runs: [run], commented: [] };
    made.push(fresh);
    return fresh;
  }
  known.branch = branch;
  known.runs.push(run);
  return known;
}

/** Each day a branch begins and one goes on; after some days each is settled, but for one that stays open all the time. */
async function live(world: World, day: number): Promise<void> {
  const fresh = await push(world, `work-${day}`, day);
  const older = world.made.find((each) => each.day === day - 1) ?? fresh;
  const again = await push(world, older.branch.name, day);
  if (day % 4 === 0) {
    commentOn(world.it, again.branch, 1);
    again.commented.push(1);
  }
  for (const each of world.made) {
    const isDue = each.day !== 0 && each.day === day - 3;
    if (isDue) await settle(world.it, each.branch, day % 2 === 0 ? 'merged' : 'closed');
  }
  await scanRepo(world.it.forge, world.repo, { pins: true });
}

async function expectWhatIsNeeded({ it, repo, made }: World): Promise<void> {
  const pins = await listRefs(it.forge.git, it.repoFolder(repo), ['refs/pika/heads/']);
  for (const { branch, runs, commented } of made) {
    const { state, number, revision } = getBranch(it.forge, branch.id);
    const wanted =
      state === 'open' ? Array.from({ length: revision }, (_, at) => at + 1) : [revision, ...commented];
    for (const each of wanted) expect(pins.has(pinRef(number, each)), `#${number} ${each}`).toBe(true);
    const newest = runs.at(-1);
    if (state !== 'open' || newest === undefined) continue;
    expect(readdirSync(newest.folder).sort()).toEqual(['artifacts', 'log']);
  }
  expect(await comparePins(it.forge, repo)).toEqual({ lost: [], dead: [], missing: [] });
}

function expectLimits({ it, made }: World): void {
  const needed = made.filter(({ branch }) => getBranch(it.forge, branch.id).state === 'open').length;
  const kept = made.flatMap(({ runs }) => runs).filter(({ folder }) => existsSync(join(folder, 'log')));
  expect(kept.length).toBeLessThanOrEqual(maxLogBytes / 100 + needed);
  const old = it.forge.clock.now() - 14 * dayMs;
  const runs = it.forge.db.all<{ n: number }>(
    `SELECT r.id AS n FROM runs r WHERE r.finished_at < :old AND r.number < (SELECT next_run FROM repos) - 3
        AND NOT EXISTS (SELECT 1 FROM branches b WHERE b.state = 'open' AND b.head_oid = r.head_oid)`,
    { old },
  );
  // The run of what landed last is needed still.
  expect(runs.length).toBeLessThanOrEqual(1);
  const rows = it.forge.db.get<{ n: number }>('SELECT count(*) AS n FROM lane_attempts')?.n;
  expect(readdirSync(it.forge.config.paths.lanes).length).toBeLessThanOrEqual(rows ?? 0);
}

test(
  'a month of use keeps sizes within their limits and removes nothing that is needed',
  { timeout: 240_000 },
  async () => {
    const clock = new SettableClock();
    const it = await open({ clock });
    const repo = await it.repo('demo/app', { files: { 'README.md': 'x' } });
    const world: World = { it, repo, made: [] };
    const retention = openRetention(it.forge, new Keeping(it.forge));
    const removed = new Map<string, number>();
    for (let day = 0; day < days; day += 1) {
      await live(world, day);
      clock.advance(dayMs);
      const answer = await retention.run();
      expect(answer.failed).toBe(0);
      for (const { kind, count } of answer.removed) removed.set(kind, (removed.get(kind) ?? 0) + count);
      expectLimits(world);
    }
    await expectWhatIsNeeded(world);
    await retention.stop();
    expect([...removed.keys()].sort()).toEqual(['artifacts', 'log', 'revision', 'run']);
  },
);
