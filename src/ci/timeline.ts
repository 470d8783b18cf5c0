// Where the bars of a run's timeline lie, in percent of its width, so that the picture needs no script. Lanes of one
// matrix share a row that unfolds; what failed comes first; times in which nothing waited or ran are left out, so
// that a rerun of the next day does not press everything else into a line.
import { hasEnded, type AttemptState, type Lane } from './model.ts';

export interface TimelineBar {
  /** In percent of the whole: since and until when it waited, since when and how long it ran. */
  waitFrom: number;
  waitTo: number;
  barFrom: number;
  barWidth: number;
  /** Milliseconds it ran, or waited so far; undefined for a lane that was left out. */
  took: number | undefined;
}

export interface TimelineRow extends TimelineBar {
  kind: 'lane';
  lane: Lane;
  state: AttemptState;
}

/** The lanes of one matrix. */
export interface TimelineGroup extends TimelineBar {
  kind: 'matrix';
  key: string;
  /** That of its most urgent lane. */
  state: AttemptState;
  counts: { state: AttemptState; count: number }[];
  isOpen: boolean;
  rows: TimelineRow[];
}

export interface Timeline {
  entries: (TimelineRow | TimelineGroup)[];
  /** Marks of the axis in percent, with the time since the begin as `4:26`; empty when it would lie below that of now. */
  marks: { at: number; label: string }[];
  /** The same of this moment; undefined when everything has ended. */
  now: { at: number; label: string } | undefined;
  /** Where time is left out, in percent, with how much of it. */
  breaks: { at: number; elapsed: number }[];
}

/** What needs somebody comes first. */
export const urgency: readonly AttemptState[] = [
  'failed',
  'cancelling',
  'running',
  'queued',
  'cancelled',
  'success',
  'skipped',
];
const smallest = 0.5;
const maxMarks = 6;
const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];
/** A shorter time without anything is no break. */
const minBreakMs = 60_000;

export function timelineOf(lanes: readonly Lane[], now: number): Timeline {
  const scale = scaleOf(lanes, now);
  const rows = lanes.map((lane) => rowOf(lane, { scale, now })).sort(byUrgency);
  const entries: Timeline['entries'] = [];
  const seen = new Set<string>();
  for (const row of rows) {
    const key = matrixOf(row.lane);
    const members = rows.filter(({ lane }) => key !== undefined && matrixOf(lane) === key);
    if (key === undefined || members.length < 2) entries.push(row);
    else if (!seen.has(key)) entries.push(groupOf(key, members));
    if (key !== undefined) seen.add(key);
  }
  return { entries, marks: scale.marks, now: scale.now, breaks: scale.breaks };
}

/** The id under which a lane of a matrix stands in the manifest; an id holds no dot. */
const matrixOf = ({ key, extras }: Lane): string | undefined =>
  extras.matrix === undefined ? undefined : key.split('.')[0];

const byUrgency = (one: TimelineRow, other: TimelineRow): number =>
  urgency.indexOf(one.state) - urgency.indexOf(other.state);

export function countStates(lanes: readonly Lane[]): { state: AttemptState; count: number }[] {
  return urgency
    .map((state) => ({ state, count: lanes.filter((lane) => lane.attempt.state === state).length }))
    .filter(({ count }) => count > 0);
}

function groupOf(key: string, rows: TimelineRow[]): TimelineGroup {
  const state = rows[0]?.state ?? 'skipped';
  const shown = rows.filter(({ barWidth }) => barWidth > 0);
  const barFrom = Math.min(...shown.map((row) => row.barFrom), 100);
  const barTo = Math.max(...shown.map((row) => row.barFrom + row.barWidth), barFrom);
  const times = rows.map(({ took }) => took).filter((took) => took !== undefined);
  return {
    kind: 'matrix',
    key,
    state,
    counts: countStates(rows.map(({ lane }) => lane)),
    isOpen: rows.some((row) => row.state === 'failed' || row.state === 'cancelling'),
    rows,
    waitFrom: Math.min(...rows.filter(({ waitTo }) => waitTo > 0).map((row) => row.waitFrom), 100),
    waitTo: shown.length > 0 ? barFrom : Math.max(...rows.map(({ waitTo }) => waitTo)),
    barFrom: shown.length > 0 ? barFrom : 0,
    barWidth: barTo - barFrom,
    took: times.length > 0 ? Math.max(...times) : undefined,
  };
}

interface Scale {
  place: (at: number) => number;
  marks: Timeline['marks'];
  now: Timeline['now'];
  breaks: Timeline['breaks'];
}

function rowOf(lane: Lane, { scale, now }: { scale: Scale; now: number }): TimelineRow {
  const { startedAt, finishedAt, queuedAt, state } = lane.attempt;
  const row = { kind: 'lane', lane, state } as const;
  const until = finishedAt ?? now;
  const none = { waitFrom: 0, waitTo: 0, barFrom: 0, barWidth: 0 };
  if (state === 'skipped') return { ...row, ...none, took: undefined };
  const waitFrom = scale.place(queuedAt);
  if (startedAt === undefined) {
    return { ...row, ...none, waitFrom, waitTo: scale.place(until), took: until - queuedAt };
  }
  const waitTo = scale.place(startedAt);
  const barWidth = round(Math.max(smallest, scale.place(until) - waitTo));
  const barFrom = Math.min(waitTo, 100 - barWidth);
  return { ...row, waitFrom, waitTo, barFrom, barWidth, took: until - startedAt };
}

function scaleOf(lanes: readonly Lane[], now: number): Scale {
  const attempts = lanes.map((lane) => lane.attempt).filter(({ state }) => state !== 'skipped');
  const busy = busyTimes(
    attempts.map(({ queuedAt, finishedAt }) => ({ from: queuedAt, to: finishedAt ?? now })),
    now,
  );
  const isLive = attempts.some(({ state }) => !hasEnded(state));
  const active = Math.max(
    1000,
    busy.reduce((sum, { from, to }) => sum + to - from, 0),
  );
  const step = 1000 * (steps.find((seconds) => active / 1000 / seconds <= maxMarks) ?? active / 1000);
  // While it runs the axis goes on to the next mark, so that "now" does not lie on its edge.
  const whole = isLive ? Math.ceil((active + 1) / step) * step : active;
  const percent = (elapsed: number) => round((elapsed / whole) * 100);
  const marks = Array.from({ length: Math.floor(whole / step) + 1 }, (_, count) => count * step);
  let before = 0;
  const breaks = busy.flatMap(({ from, to }, place) => {
    before += to - from;
    const next = busy[place + 1];
    return next === undefined ? [] : [{ at: percent(before), elapsed: next.from - to }];
  });
  return {
    place: (at) => percent(elapsedAt(busy, at)),
    marks: marks.map((elapsed) => {
      const at = percent(elapsed);
      return { at, label: isLive && isCovered(at, percent(active)) ? '' : labelOf(elapsed) };
    }),
    now: isLive ? { at: percent(active), label: labelOf(active) } : undefined,
    breaks,
  };
}

/** The labels at both ends lie beside their marks, towards the middle, and so take more room. */
const isCovered = (mark: number, now: number): boolean =>
  Math.abs(mark - now) < (mark < 4 || mark > 96 ? 24 : 16);

/** Every mark of an axis in the same form, unlike a duration that stands alone. */
function labelOf(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = two(seconds % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

interface Span {
  from: number;
  to: number;
}

/** The times in which anything waited or ran, joined where they touch or nearly do. */
function busyTimes(spans: readonly Span[], now: number): Span[] {
  const busy: Span[] = [];
  for (const { from, to } of [...spans].sort((one, other) => one.from - other.from)) {
    const last = busy.at(-1);
    if (last !== undefined && from - last.to < minBreakMs) last.to = Math.max(last.to, to);
    else busy.push({ from, to: Math.max(from, to) });
  }
  return busy.length > 0 ? busy : [{ from: now, to: now }];
}

function elapsedAt(busy: readonly Span[], at: number): number {
  let elapsed = 0;
  for (const { from, to } of busy) {
    if (at <= to) return elapsed + Math.max(0, at - from);
    elapsed += to - from;
  }
  return elapsed;
}

const round = (percent: number): number => Math.round(percent * 100) / 100;
