// Gives memory back when the forge has come to rest. What a time of work leaves behind is collected only as more is asked for,
// which at rest is never: after a start that was a sixth of all its memory.

const lookMs = 10_000;
/** A forge that uses more of a processor than this is at work, and V8 knows best when to collect. */
const maxRestShare = 0.02;
/** Less than this is not worth the pause. */
const worthBytes = 16 * 1024 * 1024;
/** A few pages now and then make no pause of each of them. */
const minBetweenMs = 60_000;

export interface RestParts {
  /** Looks through the whole heap, which takes a tenth of a second or two; undefined where Node was started without it. */
  collect: (() => void) | undefined;
  now: () => number;
  /** Processor time of the process so far. */
  usedMs: () => number;
  /** What the heap takes of the machine. */
  heapBytes: () => number;
}

const ownParts: RestParts = {
  collect:
    globalThis.gc && (() => globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })),
  now: () => performance.now(),
  usedMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  heapBytes: () => process.memoryUsage().heapTotal,
};

export class Rest {
  readonly #parts: RestParts;
  #timer: NodeJS.Timeout | undefined;
  #last: { at: number; usedMs: number };
  #collectedAt = -Infinity;
  /** What was left of the heap when it was last collected, or less since. */
  #leftBytes = 0;

  constructor(parts: RestParts = ownParts) {
    this.#parts = parts;
    this.#last = { at: parts.now(), usedMs: parts.usedMs() };
  }

  start(): void {
    if (this.#parts.collect === undefined) return;
    this.#timer = setInterval(() => this.look(), lookMs).unref();
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  /** Collects if the time since the last look was one of rest, and there is something to give back. */
  look(): void {
    const { collect, now, usedMs, heapBytes } = this.#parts;
    const before = this.#last;
    this.#last = { at: now(), usedMs: usedMs() };
    const share = (this.#last.usedMs - before.usedMs) / (this.#last.at - before.at);
    const heap = heapBytes();
    // V8 hands pages back some time after they are empty.
    this.#leftBytes = Math.min(this.#leftBytes, heap);
    if (share > maxRestShare || heap - this.#leftBytes < worthBytes) return;
    if (this.#last.at - this.#collectedAt < minBetweenMs) return;
    this.#collectedAt = this.#last.at;
    collect?.();
    this.#leftBytes = heapBytes();
  }
}
