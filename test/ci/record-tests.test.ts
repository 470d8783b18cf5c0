import { describe, expect, test, vi } from 'vitest';
import { failuresOf, historyOf, resultsOf, totalsOf } from '../../src/ci/tests/find-tests.ts';
import { cancelRun } from '../../src/ci/recovery/cancel.ts';
import { findRun } from '../../src/ci/find.ts';
import { useForge } from '../support/forge.ts';
import { told, ToldLanes } from '../support/told-tests.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const open = useForge();
const failed = { state: 'failed', message: 'expected 4 to be 3', output: 'at a.ts:1' } as const;

const historyIn = (lanes: ToldLanes, name = 'adds') =>
  historyOf(lanes.forge, { repoId: lanes.repo.id, laneKey: 'unit', suite: 'unit', name }, { limit: 50 });

describe('the results of tests', () => {
  test('are kept with the end of their lane: totals, what failed, and a line for each test', async () => {
    const lanes = await ToldLanes.open(open);
    await lanes.push(
      'work',
      told(
        { name: 'adds', durationMs: 5 },
        { name: 'rounds', ...failed, file: 'test/a.test.ts', line: 2, durationMs: 9 },
        { name: 'later', state: 'skipped', message: 'no database' },
        { name: 'breaks', state: 'error' },
      ),
    );
    const { attemptId } = lanes.newest.ref;
    expect(totalsOf(lanes.forge, attemptId)).toMatchObject({ passed: 1, failed: 1, errors: 1, skipped: 1 });
    expect(failuresOf(lanes.forge, attemptId, 10)).toMatchObject([
      { name: 'rounds', ...failed, file: 'test/a.test.ts', line: 2, flakyAt: null },
      { name: 'breaks', state: 'error' },
    ]);
    expect(failuresOf(lanes.forge, attemptId, 1)).toHaveLength(1);
    const all = resultsOf(lanes.forge, { attemptId, limit: 10, offset: 0 });
    expect(all.map(({ name }) => name)).toEqual(['rounds', 'breaks', 'adds', 'later']);
    expect(all.at(-1)).toMatchObject({ message: 'no database' });
  });

  test('are not kept for a claim that was lost', async () => {
    const lanes = await ToldLanes.open(open);
    const run = await lanes.push('work', told({}));
    await lanes.startAgain(run);
    const { ref } = lanes.newest;
    lanes.end(told({ name: 'ghost' }), {}, { ...lanes.newest, ref: { ...ref, token: ref.token - 1 } });
    expect(totalsOf(lanes.forge, ref.attemptId)).toBeUndefined();
    expect(historyIn(lanes, 'ghost')).toBeUndefined();
    lanes.end(told({}));
    lanes.end(told({ name: 'ghost' }));
    expect(historyIn(lanes)?.entries).toHaveLength(2);
    expect(historyIn(lanes, 'ghost')).toBeUndefined();
  });

  test('of a cancelled lane are shown and leave the history alone', async () => {
    const lanes = await ToldLanes.open(open);
    const { forge, repo, caller } = lanes;
    const run = await lanes.push('work', told({}));
    await lanes.startAgain(run);
    cancelRun(forge, { repo, run, caller });
    lanes.end(told({ ...failed }), { outcome: 'stopped', cause: 'cancelled' });
    expect(totalsOf(forge, lanes.newest.ref.attemptId)).toMatchObject({ failed: 1, isKept: false });
    expect(failuresOf(forge, lanes.newest.ref.attemptId, 5)).toHaveLength(1);
    expect(historyIn(lanes)?.entries.map(({ state }) => state)).toEqual(['passed']);
  });

  test('that cannot be kept do not hold up the verdict', async () => {
    const lanes = await ToldLanes.open(open);
    lanes.forge.db.exec('DROP TABLE test_results');
    const run = await lanes.push('work', told(failed));
    expect(findRun(lanes.forge, lanes.repo.id, run.number)).toMatchObject({ state: 'failed' });
    expect(totalsOf(lanes.forge, lanes.newest.ref.attemptId)).toBeUndefined();
  });
});

describe('a flaky test', () => {
  test('passed and failed in the same lane with the same files', async () => {
    const lanes = await ToldLanes.open(open);
    const run = await lanes.push('work', told({ ...failed }, { name: 'steady' }));
    const first = lanes.newest.ref.attemptId;
    expect(failuresOf(lanes.forge, first, 5)).toMatchObject([{ flakyAt: null }]);
    await lanes.rerun(run, told({}, { name: 'steady' }));
    expect(failuresOf(lanes.forge, first, 5)).toMatchObject([{ flakyAt: lanes.clock.now() }]);
    expect(historyIn(lanes)?.test.flakyAt).toBe(lanes.clock.now());
    expect(historyIn(lanes, 'steady')?.test.flakyAt).toBeNull();
  });

  test('is none when the files differ, or it was left out once', async () => {
    const lanes = await ToldLanes.open(open);
    await lanes.push('work', told({ ...failed }, { name: 'left out', state: 'skipped' }));
    const fixed = await lanes.push('work', told({}, { name: 'left out' }), { 'a.txt': 'fixed' });
    expect(historyIn(lanes)?.entries.map(({ state }) => state)).toEqual(['passed', 'failed']);
    await lanes.rerun(fixed, told({}, { name: 'left out', state: 'skipped' }));
    await lanes.rerun(fixed, told({}, { name: 'left out' }));
    expect(historyIn(lanes)?.test.flakyAt).toBeNull();
    expect(historyIn(lanes, 'left out')?.test.flakyAt).toBeNull();
  });

  test('is one that its runner had to try again, and no more after a month of peace', async () => {
    const lanes = await ToldLanes.open(open);
    await lanes.push('work', told({ flaky: true, message: 'timed out' }));
    expect(historyIn(lanes)?.test.flakyAt).toBe(lanes.clock.now());
    lanes.clock.advance(31 * 24 * 3600 * 1000);
    expect(historyIn(lanes)?.test.flakyAt).toBeNull();
  });

  test('is not made of two tests of the same name: they count as one, that ended as the worse of them', async () => {
    const lanes = await ToldLanes.open(open);
    const run = await lanes.push('work', told({ durationMs: 1 }, { ...failed, durationMs: 2 }));
    await lanes.rerun(run, told({ ...failed, durationMs: 2 }, { durationMs: 1 }));
    expect(historyIn(lanes)?.entries).toMatchObject([
      { state: 'failed', durationMs: 3 },
      { state: 'failed', durationMs: 3 },
    ]);
    expect(historyIn(lanes)?.test.flakyAt).toBeNull();
    expect(totalsOf(lanes.forge, lanes.newest.ref.attemptId)).toMatchObject({ passed: 1, failed: 1 });
  });
});

describe('the history of tests', () => {
  test('is that of one lane over all branches, and ends after so many attempts', async () => {
    const lanes = await ToldLanes.open(open, { maxTestHistory: 3 });
    await lanes.push('gone', told({ name: 'removed' }, failed));
    const gone = lanes.newest.ref.attemptId;
    for (const name of ['b1', 'b2', 'b3']) await lanes.push(name, told({}));
    const history = historyIn(lanes);
    expect(history?.entries.map(({ branchName }) => branchName)).toEqual(['b3', 'b2', 'b1']);
    expect(historyIn(lanes, 'removed')).toBeUndefined();
    expect(totalsOf(lanes.forge, gone)).toMatchObject({ passed: 1, failed: 1, isKept: false });
    expect(failuresOf(lanes.forge, gone, 5)).toHaveLength(1);
  });

  test('takes ten thousand tests of one attempt in one go', async () => {
    const lanes = await ToldLanes.open(open);
    const many = Array.from({ length: 10_000 }, (_, at) => ({ name: `test ${at}`, durationMs: at }));
    const run = await lanes.push('work', told(...many));
    await lanes.rerun(run, told(...many.map((one, at) => (at % 100 === 0 ? { ...one, ...failed } : one))));
    const { attemptId } = lanes.newest.ref;
    expect(totalsOf(lanes.forge, attemptId)).toMatchObject({ passed: 9900, failed: 100 });
    const failures = failuresOf(lanes.forge, attemptId, 200);
    expect(failures.filter(({ flakyAt }) => flakyAt !== null)).toHaveLength(100);
  });
});
