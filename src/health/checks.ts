// Runs the checks behind /readyz. However often somebody asks, a check runs at most every few seconds and never twice at a
// time, and one that hangs is a check that fails.
import { errorMessage } from '../lib/errors.ts';
import type { Check, CheckName } from './model.ts';

/** Answers why it fails, in a sentence; undefined when all is well. A throw is a failure, too. */
export type Probe = () => Promise<string | undefined> | string | undefined;

export interface ProbeRow {
  name: CheckName;
  probe: Probe;
  /** What was found out is good for so long. */
  freshMs: number;
}

interface Asked {
  at: number;
  answer: Promise<string | undefined>;
}

export class Checks {
  readonly #rows: readonly ProbeRow[];
  readonly #timeoutMs: number;
  readonly #asked = new Map<CheckName, Asked>();

  constructor(rows: readonly ProbeRow[], timeoutMs: number) {
    this.#rows = rows;
    this.#timeoutMs = timeoutMs;
  }

  /** In the order of the rows. */
  look(): Promise<Check[]> {
    return Promise.all(this.#rows.map(async (row) => ({ name: row.name, fault: await this.#ask(row) })));
  }

  #ask({ name, probe, freshMs }: ProbeRow): Promise<string | undefined> {
    const before = this.#asked.get(name);
    if (before !== undefined && performance.now() - before.at < freshMs) return before.answer;
    const asked = { at: performance.now(), answer: inTime(probe, this.#timeoutMs) };
    this.#asked.set(name, asked);
    return asked.answer;
  }
}

async function inTime(probe: Probe, timeoutMs: number): Promise<string | undefined> {
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(
    () => late.resolve(`There was no answer within ${timeoutMs / 1000} seconds.`),
    timeoutMs,
  );
  try {
    return await Promise.race([Promise.resolve().then(probe), late.promise]);
  } catch (error) {
    return errorMessage(error);
  } finally {
    clearTimeout(timer);
  }
}
