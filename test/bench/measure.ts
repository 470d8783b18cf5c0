/** One line of the table. Times are milliseconds unless the figure says otherwise. */
export interface Figure {
  what: string;
  value: string;
  how: string;
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = Math.min(sorted.length - 1, Math.max(0, Math.ceil(part * sorted.length) - 1));
  return sorted[at] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** How long one call takes. */
export async function timed(call: () => Promise<unknown> | void): Promise<number> {
  const start = performance.now();
  await call();
  return performance.now() - start;
}

/** How long each of `times` calls takes, one after the other. */
export async function timedEach(
  times: number,
  call: (turn: number) => Promise<unknown> | void,
): Promise<number[]> {
  const durations: number[] = [];
  for (let turn = 0; turn < times; turn += 1) durations.push(await timed(() => call(turn)));
  return durations;
}

export const inMs = (value: number): string => `${value < 10 ? value.toFixed(2) : Math.round(value)} ms`;

export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, value, how }) => `| ${what} | ${value} | ${how} |`);
  return ['| what | median | how |', '|---|---|---|', ...rows].join('\n');
}
