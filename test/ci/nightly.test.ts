import { describe, expect, test } from 'vitest';
import { findRunRow } from '../../src/ci/store.ts';
import { findSchedule, listNightlies } from '../../src/ci/scheduler/nightly-store.ts';
import { startNightly } from '../../src/ci/scheduler/nightly.ts';
import { Planner } from '../../src/ci/scheduler/planner.ts';
import { pushBranch } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles, type Files } from '../support/push-files.ts';
import { laneText, StagedQueue } from '../support/staged-queue.ts';

const open = useForge();
const hour = 3_600_000;
const nightly = (id: string, schedule: string, more = '') =>
  `[[nightly]]\nid = "${id}"\nschedule = "${schedule}"\ncommand = "true"\n${more}\n`;
const file = (...parts: string[]): Files => ({ '.pika/lanes.toml': parts.join('\n') });

/** The clock stands at midnight; `commit` moves main, as something that lands does. */
async function openNights(files: Files) {
  const queue = await StagedQueue.open(open);
  const { forge, testForge, repo, clock } = queue;
  const planner = new Planner(forge);
  testForge.defer(() => planner.stop());
  const commit = async (more: Files): Promise<void> => {
    const oid = await pushFiles(forge.git, {
      repo: testForge.repoFolder(repo),
      branch: 'main',
      files: more,
    });
    forge.events.emit('target-moved', { repoId: repo.id, oid });
    await planner.plan();
  };
  await commit(files);
  const due = () =>
    listNightlies(forge.db, repo.id).map(
      ({ id, dueAt }) => `${id} ${new Date(dueAt).toISOString().slice(5, 16)}`,
    );
  const runs = () =>
    forge.db
      .all<{ id: number }>('SELECT id FROM runs ORDER BY id')
      .flatMap(({ id }) => findRunRow(forge.db, { id }) ?? []);
  const advance = async (hours: number): Promise<void> => {
    clock.advance(hours * hour);
    await planner.plan();
  };
  return { queue, forge, repo, planner, commit, due, runs, advance };
}

describe('a nightly', () => {
  test('is due as its schedule says in UTC, and makes a run of its own at the tip of the default branch', async () => {
    const { queue, due, runs, advance } = await openNights(
      file(nightly('soak', '0 3 * * *', 'matrix = { node = ["22", "24"] }'), nightly('weekly', '30 4 * * 1')),
    );
    expect(due()).toEqual(['soak 01-01T03:00', 'weekly 01-05T04:30']);
    await advance(2.9);
    expect(runs()).toEqual([]);
    await advance(0.1);
    expect(runs()).toMatchObject([
      {
        kind: 'nightly',
        nightly: 'soak',
        branchId: undefined,
        dueAt: Date.UTC(2026, 0, 1, 3),
        state: 'queued',
      },
    ]);
    expect(due()).toEqual(['soak 01-02T03:00', 'weekly 01-05T04:30']);
    const [run] = runs();
    expect(queue.states(run!)).toEqual(['soak.22 queued ready', 'soak.24 queued ready']);
    expect(queue.lane(run!, 'soak.22').attempt.cause).toBe('nightly');
    await advance(0);
    expect(runs()).toHaveLength(1);
  });

  test('waits for its last run, and runs once for all the times it missed', async () => {
    const { queue, due, runs, advance } = await openNights(file(nightly('soak', '0 * * * *')));
    await advance(1);
    const claim = queue.start('soak');
    await advance(5);
    expect(runs()).toHaveLength(1);
    queue.end(claim, { state: 'success' });
    await advance(0);
    expect(runs().map(({ dueAt }) => new Date(dueAt ?? 0).getUTCHours())).toEqual([1, 2]);
    expect(due()).toEqual(['soak 01-01T07:00']);
  });

  test('runs at most every few minutes, whatever its schedule says', async () => {
    const { queue, due, advance } = await openNights(file(nightly('soak', '* * * * *')));
    expect(due()).toEqual(['soak 01-01T00:01']);
    await advance(1 / 60);
    expect(due()).toEqual(['soak 01-01T00:06']);
    queue.end(queue.start('soak'), { state: 'success' });
    await advance(4 / 60);
    expect(due()).toEqual(['soak 01-01T00:06']);
  });

  test('runs after the lanes of branches', async () => {
    const { queue, runs, advance } = await openNights(file(nightly('soak', '0 3 * * *')));
    await advance(3);
    queue.forge.config.ci.concurrency = 1;
    const run = await queue.push('work', [laneText('unit')]);
    expect(queue.claim().map(({ runId }) => runId)).toEqual([run.id]);
    expect(queue.states(runs()[0]!)).toEqual(['soak queued waiting_for_capacity']);
  });

  test('keeps its time when another commit leaves its schedule alone, moves when it is changed, and goes when it is taken out', async () => {
    const { commit, due } = await openNights(file(nightly('a', '0 3 * * *'), nightly('b', '0 4 * * *')));
    await commit(file(nightly('a', '0 3 * * *', 'title = "A"'), nightly('b', '0 5 * * *')));
    expect(due()).toEqual(['a 01-01T03:00', 'b 01-01T05:00']);
    await commit(file(nightly('b', '0 5 * * *')));
    expect(due()).toEqual(['b 01-01T05:00']);
    await commit({ '.pika/lanes.toml': null });
    expect(due()).toEqual([]);
  });

  test('of a manifest that became malformed makes a failed run that says so', async () => {
    const { forge, repo, commit, runs, advance } = await openNights(file(nightly('soak', '0 3 * * *')));
    await commit(file('[[nightly]]\nid = "soak"\nschedule = "at night"\ncommand = "true"\n'));
    expect(findSchedule(forge.db, repo.id)?.problem).toMatch(/line 3: schedule of nightly number 1/);
    await advance(3);
    expect(runs()).toMatchObject([{ state: 'failed', problem: expect.stringContaining('line 3: schedule') }]);
  });

  test('is read from the default branch alone', async () => {
    const { forge, repo, planner, due } = await openNights({ 'a.txt': 'a' });
    await pushBranch(forge, repo, { name: 'work', files: file(nightly('soak', '0 3 * * *')) });
    await planner.plan();
    expect(due()).toEqual([]);
  });

  test('may be started by hand, once for each moment', async () => {
    const { forge, repo, runs, due } = await openNights(file(nightly('soak', '0 3 * * *')));
    const start = { repoId: repo.id, nightly: 'soak', dueAt: forge.clock.now() };
    expect(await startNightly(forge, start)).toBe(runs()[0]?.id);
    expect(await startNightly(forge, start)).toBeUndefined();
    expect(await startNightly(forge, { ...start, nightly: 'moon' })).toBeUndefined();
    expect(runs()).toHaveLength(1);
    expect(due()).toEqual(['soak 01-01T03:00']);
  });
});
