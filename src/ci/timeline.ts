// Where the bars of a run's timeline lie, in percent of its width, so that the picture needs no script.
import type { Lane } from './model.ts';

export interface TimelineRow {
  lane: Lane;
  /** In percent of the whole: since when it waited, ran, and until when. */
  waitTo: number;
  barFrom: number;
  barWidth: number;
  /** Milliseconds it ran, or waited so far; undefined for a lane that was left out. */
  took: number | undefined;
}

export interface Timeline {
  rows: TimelineRow[];
  /** Marks of the axis in percent, with milliseconds since the begin. */
  marks: { at: number; elapsed: number }[];
}

const smallest = 0.5;

export function timelineOf(lanes: readonly Lane[], now: number): Timeline {
  const attempts = lanes.map((lane) => lane.attempt).filter((attempt) => attempt.state !== 'skipped');
  const begin = Math.min(...attempts.map((attempt) => attempt.queuedAt), now);
  const end = Math.max(...attempts.map((attempt) => attempt.finishedAt ?? now), begin + 1000);
  const place = (at: number) => Math.round(((at - begin) / (end - begin)) * 10_000) / 100;
  const rows = lanes.map((lane): TimelineRow => {
    const { startedAt, finishedAt, queuedAt, state } = lane.attempt;
    const until = finishedAt ?? now;
    if (state === 'skipped') return { lane, waitTo: 0, barFrom: 0, barWidth: 0, took: undefined };
    if (startedAt === undefined) {
      return { lane, waitTo: place(until), barFrom: 0, barWidth: 0, took: until - queuedAt };
    }
    const barFrom = place(startedAt);
    const barWidth = Math.max(smallest, place(until) - barFrom);
    return {
      lane,
      waitTo: barFrom,
      barFrom: Math.min(barFrom, 100 - barWidth),
      barWidth,
      took: until - startedAt,
    };
  });
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) => ({ at: part * 100, elapsed: part * (end - begin) }));
  return { rows, marks };
}
