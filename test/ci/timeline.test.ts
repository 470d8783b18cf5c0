import { describe, expect, test } from 'vitest';
import { plainExtras, type Attempt, type Lane } from '../../src/ci/model.ts';
import { timelineOf, type TimelineRow } from '../../src/ci/timeline.ts';

const second = 1000;

/** A lane whose attempt was queued, started and ended at these seconds. */
function lane(key: string, state: Attempt['state'], times: [number, number?, number?] = [0]): Lane {
  const [queuedAt, startedAt, finishedAt] = times.map((at) => (at === undefined ? at : at * second));
  const matrix = key.includes('.') ? { matrix: { node: key.split('.')[1] ?? '' } } : {};
  const attempt = { id: 1, number: 1, state, queuedAt, startedAt, finishedAt } as Attempt;
  return {
    id: 1,
    key,
    title: key,
    needs: [],
    extras: { ...plainExtras, ...matrix },
    attempt,
  } as unknown as Lane;
}

const keys = (timeline: ReturnType<typeof timelineOf>) =>
  timeline.entries.map((entry) => (entry.kind === 'lane' ? entry.lane.key : `${entry.key}*`));
const row = (timeline: ReturnType<typeof timelineOf>, key: string) =>
  timeline.entries.find((entry): entry is TimelineRow => entry.kind === 'lane' && entry.lane.key === key);

describe('the timeline of a run', () => {
  test('shows what failed first, then what runs and waits, and what was left out at the end', () => {
    const timeline = timelineOf(
      [
        lane('fine', 'success', [0, 0, 10]),
        lane('left', 'skipped'),
        lane('waits', 'queued'),
        lane('bad', 'failed', [0, 0, 5]),
        lane('runs', 'running', [0, 1]),
      ],
      20 * second,
    );
    expect(keys(timeline)).toEqual(['bad', 'runs', 'waits', 'fine', 'left']);
  });

  test('places waiting and running in percent of the whole time', () => {
    const timeline = timelineOf(
      [lane('a', 'success', [0, 10, 40]), lane('b', 'success', [0, 0, 20])],
      99_000,
    );
    expect(row(timeline, 'a')).toMatchObject({ waitTo: 25, barFrom: 25, barWidth: 75, took: 30 * second });
    expect(row(timeline, 'b')).toMatchObject({ barFrom: 0, barWidth: 50 });
    const rerun = timelineOf([lane('a', 'success', [20, 30, 40]), lane('b', 'success', [0, 0, 20])], 99_000);
    expect(row(rerun, 'a')).toMatchObject({ waitFrom: 50, waitTo: 75, barFrom: 75, barWidth: 25 });
    expect(timeline.marks.map(({ label }) => label)).toEqual(['0:00', '0:10', '0:20', '0:30', '0:40']);
    expect(timeline.now).toBeUndefined();
  });

  test('has the moment in it while something runs, with room behind', () => {
    const timeline = timelineOf([lane('a', 'running', [0, 0])], 40 * second);
    expect(timeline.now).toEqual({ at: 80, label: '0:40' });
    // The label of the last mark would lie below that of now.
    expect(timeline.marks.slice(-2)).toEqual([
      { at: 80, label: '' },
      { at: 100, label: '' },
    ]);
    const early = timelineOf([lane('a', 'running', [0, 0])], second);
    expect(early.now).toEqual({ at: 50, label: '0:01' });
    expect(early.marks.map(({ label }) => label)).toEqual(['0:00', '', '0:02']);
  });

  test('folds the lanes of a matrix into one row, open when one of them failed', () => {
    const lanes = [
      lane('unit.22', 'success', [0, 0, 10]),
      lane('lint', 'success', [0, 0, 5]),
      lane('unit.24', 'failed', [0, 10, 20]),
      lane('one.x', 'success', [0, 0, 5]),
    ];
    const timeline = timelineOf(lanes, 99_000);
    expect(keys(timeline)).toEqual(['unit*', 'lint', 'one.x']);
    expect(timeline.entries[0]).toMatchObject({
      state: 'failed',
      isOpen: true,
      barFrom: 0,
      barWidth: 100,
      counts: [
        { state: 'failed', count: 1 },
        { state: 'success', count: 1 },
      ],
    });
    const fine = timelineOf(
      [lane('unit.22', 'success', [0, 0, 1]), lane('unit.24', 'running', [0, 0])],
      5000,
    );
    expect(fine.entries[0]).toMatchObject({ kind: 'matrix', state: 'running', isOpen: false });
  });

  test('leaves out the day between a run and the rerun of one of its lanes', () => {
    const day = 86_400;
    const timeline = timelineOf(
      [lane('a', 'success', [0, 0, 100]), lane('b', 'success', [day, day, day + 100])],
      (day + 500) * second,
    );
    expect(timeline.breaks).toEqual([{ at: 50, elapsed: (day - 100) * second }]);
    expect(row(timeline, 'a')).toMatchObject({ barFrom: 0, barWidth: 50 });
    expect(row(timeline, 'b')).toMatchObject({ barFrom: 50, barWidth: 50 });
  });

  test('stands without lanes, and with lanes that were all left out', () => {
    expect(timelineOf([], 1000)).toMatchObject({ entries: [], breaks: [] });
    expect(keys(timelineOf([lane('left', 'skipped')], 1000))).toEqual(['left']);
  });
});
