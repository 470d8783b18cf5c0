// "What it must show" of the design of CI, point by point: here what the scheduler promises. Points 4, 5 and 7 are in
// acceptance-lanes.test.ts, 6 in test/scenarios/ci-killed.test.ts; the figures of 1 and 8 in `npm run bench`.
import { describe, expect, test, vi } from 'vitest';
import { claimLanes } from '../../src/ci/scheduler/claim.ts';
import { createMissingRuns } from '../../src/ci/scheduler/create-run.ts';
import { getAttempt, listLanes } from '../../src/ci/find.ts';
import { finishAttempt } from '../../src/ci/scheduler/finish.ts';
import { openCi, type Ci } from '../../src/ci/open.ts';
import { connectReactions } from '../../src/reactions.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { LiveFeed } from '../../src/web/sse.ts';
import { laneOf, laneReaching, manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { useForge, type TestForge, type TestForgeOptions } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { notingPlans } from '../support/query-plans.ts';
import { ScriptedExecutor, type ScriptedLane } from '../support/scripted-executor.ts';

/** A loaded machine starts programs slowly. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// Nothing is polled: what starts, starts because of a fact.
const open = useForge({ settings: { ci: { concurrency: 2, graceSeconds: 1, pollSeconds: 3600 } } });
const lane = (id: string, more = ''): string => `id = "${id}"\ncommand = "true"\n${more}`;

/** A forge whose lanes run nothing, with the loops that the program has. */
async function openScripted(options: TestForgeOptions = {}) {
  const clock = new SettableClock();
  const testForge = await open({ clock, ...options });
  const { forge } = testForge;
  const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
  const lanes: ScriptedLane[] = [];
  const executors: ScriptedExecutor[] = [];
  const openNext = async (on = forge): Promise<Ci> => {
    const maker = ScriptedExecutor.maker(
      (executor) => executors.push(executor),
      (started) => lanes.push(started),
    );
    const ci = await openCi(on, maker);
    testForge.defer(() => ci.stop());
    return ci;
  };
  const end = (started: ScriptedLane) => executors.at(-1)!.end(started, { outcome: 'success', exitCode: 0 });
  return { testForge, forge, repo, clock, lanes, executors, openNext, end };
}

function connect({ forge }: TestForge, ci: Ci): void {
  const idle = { look: () => undefined, wake: () => undefined, ask: () => undefined };
  const parts = {
    branches: idle,
    tutorials: idle,
    reviews: idle,
    targets: idle,
    webhooks: idle,
    mirrors: idle,
    statuses: idle,
    inbox: idle,
    mail: idle,
    landings: idle,
  };
  const { scheduler } = ci;
  connectReactions(
    forge,
    { ...parts, ci: { wake: () => scheduler.wake(), warm: () => ci.warm() } },
    new LiveFeed(1),
  );
  ci.start();
}

describe('1. a pass', () => {
  test('claims a fast lane while a slow one runs, and the fast one ends first', async () => {
    const testForge = await open();
    const { forge } = testForge;
    const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
    const ci = await openCi(forge);
    testForge.defer(() => ci.stop());
    const slow = await pushBranch(forge, repo, {
      name: 'slow',
      files: manifest('id = "slow"\ncommand = "sleep 600"'),
    });
    await ci.scheduler.pass();
    const fast = await pushBranch(forge, repo, { name: 'fast', files: manifest(lane('fast')) });
    await ci.scheduler.pass();
    const ended = await laneReaching(forge, { run: runOfBranch(forge, fast), key: 'fast' });
    expect(ended.attempt.state).toBe('success');
    expect(laneOf(forge, runOfBranch(forge, slow), 'slow').attempt.state).toBe('running');
  });

  test('reads nothing that grows with the lanes and runs that have ended', async () => {
    const { forge, repo, openNext } = await openScripted();
    await pushBranch(forge, repo, {
      name: 'topic',
      files: manifest(...['a', 'b', 'c'].map((id) => lane(id, 'group = "g"')), lane('d', 'needs = ["a"]')),
    });
    const noted = notingPlans(forge);
    const ci = await openNext(noted.forge);
    // What is looked at every ten minutes is looked at by the first.
    await ci.scheduler.pass();
    noted.plans.clear();
    await pushBranch(forge, repo, { name: 'topic', files: { b: 'b' } });
    await ci.scheduler.pass();
    expect(noted.plans.size).toBeGreaterThan(5);
    // As long as the queue, the open branches or the nightlies; nothing that only ever grows.
    const bounded =
      /INDEX (?:lane_attempts_live|branches_open|slurm_jobs_current)|SCAN (?:ci_targets|ci_pause|json_each|CONSTANT)/;
    const scans = [...noted.plans].flatMap(([sql, steps]) =>
      steps.filter((step) => step.startsWith('SCAN') && !bounded.test(step)).map((step) => ({ sql, step })),
    );
    expect(scans).toEqual([]);
  });
});

describe('2. with two places', () => {
  test('a branch lane and a nightly lane take both, and the end of one starts the next without a poll', async () => {
    const { testForge, forge, repo, clock, lanes, openNext, end } = await openScripted();
    const nightly = '[[nightly]]\nid = "night"\nschedule = "0 3 * * *"\ncommand = "true"\n';
    const oid = await pushFiles(forge.git, {
      repo: testForge.repoFolder(repo),
      branch: 'main',
      files: { '.pika/lanes.toml': nightly },
    });
    const ci = await openNext();
    forge.events.emit('target-moved', { repoId: repo.id, oid });
    await ci.scheduler.pass();
    clock.advance(24 * 60 * 60 * 1000);
    await ci.scheduler.pass();
    await pushBranch(forge, repo, { name: 'first', files: manifest(lane('a')) });
    await ci.scheduler.pass();
    await pushBranch(forge, repo, { name: 'second', files: manifest(lane('b')) });
    await ci.scheduler.pass();
    expect(lanes.map(({ submission }) => submission.env['PIKA_LANE'])).toEqual(['night', 'a']);
    expect(claimLanes(forge, { owner: 'x', sandbox: 'none', unsatisfiable: undefined })).toEqual([]);

    connect(testForge, ci);
    // The pass with which the loop begins is over, so that nothing but the end of a lane can start another.
    await vi.waitFor(() => expect(ci.scheduler.status().state).toBe('idle'), { timeout: 20_000 });
    expect(lanes).toHaveLength(2);
    const started = forge.events.next('lane-changed', ({ state }) => state === 'running');
    end(lanes[0]!);
    await started;
    expect(lanes.map(({ submission }) => submission.env['PIKA_LANE'])).toEqual(['night', 'a', 'b']);
  });
});

describe('3. with the token before', () => {
  const words: Record<string, (stale: ScriptedLane, executor: ScriptedExecutor) => void> = {
    finish: (stale, executor) => executor.end(stale, { outcome: 'failed', failureKind: 'test_failure' }),
    'finish as lost': (stale, executor) => executor.end(stale, { outcome: 'stopped', cause: 'lost' }),
    heartbeat: ({ reports, ref }) => expect(reports.heartbeat(ref, 77)).toBe(false),
    log: ({ reports, ref }) => reports.output(ref, 77),
    artifact: (stale, executor) =>
      executor.end(stale, {
        outcome: 'success',
        artifacts: [{ path: 'out.txt', bytes: 3, sha256: 'a'.repeat(64) }],
      }),
    report: (stale, executor) =>
      executor.end(stale, {
        outcome: 'success',
        reports: [{ path: 'junit.xml', stored: '0' }],
        tests: {
          reports: [{ path: 'junit.xml', tests: 1 }],
          tests: [{ suite: 's', name: 'n', state: 'failed', flaky: false }],
        },
      }),
    cache: (stale, executor) =>
      executor.end(stale, {
        outcome: 'success',
        caches: [{ key: 'k', outcome: 'saved', bytes: 3, place: 'p' }],
      }),
  };

  test.each(Object.keys(words))('a stale %s is refused, and nothing has changed', async (word) => {
    const { forge, repo, lanes, executors, openNext } = await openScripted();
    const branch = await pushBranch(forge, repo, { name: 'topic', files: manifest(lane('a')) });
    await (await openNext()).scheduler.pass();
    // The forge dies; its thread does not know, and the lane is claimed again by the next one.
    await (await openNext()).scheduler.pass();
    const [stale, current] = lanes;
    expect(current!.ref).toEqual({ ...stale!.ref, token: stale!.ref.token + 1 });

    const before = everyRow(forge);
    words[word]!(stale!, executors[0]!);
    expect(everyRow(forge)).toEqual(before);
    executors[1]!.end(current!, { outcome: 'success', exitCode: 0 });
    expect(laneOf(forge, runOfBranch(forge, branch), 'a').attempt.state).toBe('success');
  });
});

/** Every row of every table. */
function everyRow(forge: TestForge['forge']): Record<string, unknown[]> {
  const tables = forge.db.all<{ name: string }>(
    `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`,
  );
  return Object.fromEntries(tables.map(({ name }) => [name, forge.db.all(`SELECT * FROM "${name}"`)]));
}

describe('8. in a row', () => {
  test('a hundred lanes are claimed and finished one at a time, each once and by its own token', async () => {
    const { forge, repo } = await openScripted({ settings: { ci: { concurrency: 1 } } });
    const ids = Array.from({ length: 50 }, (_, index) => `lane-${index}`);
    for (const name of ['one', 'two']) {
      await pushBranch(forge, repo, { name, files: manifest(...ids.map((id) => lane(id))) });
    }
    await createMissingRuns(forge);
    const seen = new Set<number>();
    for (let turn = 0; turn < 100; turn += 1) {
      const claims = claimLanes(forge, { owner: 'one', sandbox: 'none', unsatisfiable: undefined });
      expect(claims).toHaveLength(1);
      const [claim] = claims;
      expect(finishAttempt(forge, { ...claim!, token: claim!.token - 1 }, { state: 'failed' })).toBe(false);
      expect(finishAttempt(forge, claim!, { state: 'success', exitCode: 0 })).toBe(true);
      expect(getAttempt(forge, claim!.attemptId)).toMatchObject({ state: 'success', token: 1 });
      seen.add(claim!.attemptId);
    }
    expect(seen.size).toBe(100);
    expect(claimLanes(forge, { owner: 'one', sandbox: 'none', unsatisfiable: undefined })).toEqual([]);
  });
});

describe('9. what has not ended', () => {
  test('says why it waits and since when', async () => {
    const { forge, repo, clock, openNext } = await openScripted();
    const branch = await pushBranch(forge, repo, {
      name: 'topic',
      files: manifest(
        lane('a', 'group = "g"'),
        lane('b', 'group = "g"'),
        lane('c', 'needs = ["a"]'),
        lane('d'),
        lane('e'),
      ),
    });
    const ci = await openNext();
    const since = clock.now();
    await ci.scheduler.pass();
    clock.advance(5000);
    await ci.scheduler.pass();
    const told = listLanes(forge, runOfBranch(forge, branch).id).map(({ key, attempt }) => ({
      key,
      waits: attempt.reason,
      since: attempt.reasonSince ?? attempt.startedAt,
    }));
    expect(told).toEqual([
      { key: 'a', waits: undefined, since },
      { key: 'b', waits: 'blocked_by_group', since },
      { key: 'c', waits: 'waiting_for_lane', since },
      { key: 'd', waits: undefined, since },
      { key: 'e', waits: 'waiting_for_capacity', since },
    ]);
  });

  test.each(['running', 'cancelling'] as const)(
    'is not %s for ever, when the thread is silent and when it beats but never ends',
    async (state) => {
      const { forge, repo, clock, lanes, executors, openNext } = await openScripted();
      const branch = await pushBranch(forge, repo, {
        name: 'topic',
        files: manifest(lane('silent', 'timeout_minutes = 2'), lane('beats', 'timeout_minutes = 2')),
      });
      const ci = await openNext();
      await ci.scheduler.pass();
      const run = runOfBranch(forge, branch);
      if (state === 'cancelling') {
        forge.db.run(`UPDATE lane_attempts SET state = 'cancelling', message = 'cancelled by ada'`);
      }
      const beating = lanes.find(({ submission }) => submission.env['PIKA_LANE'] === 'beats')!;
      const { leaseSeconds, heartbeatSeconds } = forge.config.ci;
      const until = clock.now() + (2 * 60 + leaseSeconds + heartbeatSeconds) * 1000;
      const left = forge.events.next(
        'lane-changed',
        ({ laneId, state: now }) => laneId === beating.ref.laneId && now !== state,
      );
      const silentLeft = forge.events.next(
        'lane-changed',
        ({ laneId, state: now }) => laneId !== beating.ref.laneId && now !== state,
      );
      while (clock.now() <= until && executors[0]!.probe(beating.ref.attemptId) === 'running') {
        clock.advance(heartbeatSeconds * 1000);
        beating.reports.heartbeat(beating.ref, 1);
        await ci.scheduler.pass();
      }
      await silentLeft;
      expect(laneOf(forge, run, 'silent').attempt.token).toBeGreaterThanOrEqual(1);
      expect(clock.now()).toBeLessThanOrEqual(until + heartbeatSeconds * 1000);
      expect(executors[0]!.probe(beating.ref.attemptId)).toBe('gone');
      await left;
    },
  );
});
