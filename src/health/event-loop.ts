// How long what is due has to wait for what the program does just then. The look is coarse on purpose: a finer one would wake
// an idle program a hundred times a second.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const resolutionMs = 200;
const windowMs = 60_000;
const nano = 1e6;

export interface EventLoopDelay {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

export class EventLoopWatch {
  readonly #histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  #since = performance.now();
  #before: EventLoopDelay | undefined;

  constructor() {
    this.#histogram.enable();
  }

  /** Of the last whole minute, or longer where nobody asked meanwhile; of the time since the start in its first minute. */
  read(): EventLoopDelay {
    if (performance.now() - this.#since < windowMs) return this.#before ?? this.#now();
    this.#before = this.#now();
    this.#since = performance.now();
    this.#histogram.reset();
    return this.#before;
  }

  stop(): void {
    this.#histogram.disable();
  }

  #now(): EventLoopDelay {
    const { count } = this.#histogram;
    // It counts the time between two looks, of which the resolution is meant.
    const late = (nanoseconds: number): number =>
      count === 0 ? 0 : Math.max(0, nanoseconds / nano - resolutionMs);
    return {
      p50Ms: late(this.#histogram.percentile(50)),
      p99Ms: late(this.#histogram.percentile(99)),
      maxMs: late(this.#histogram.max),
    };
  }
}
