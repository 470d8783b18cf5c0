// How long the claim of a lane surely holds, by a clock that only goes forward. It counts from the moment a request was
// sent: the forge counts from later, so it never gives the lane to somebody else before this ends.
export class Lease {
  #until: number;
  #isLost = false;
  readonly #ended = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(leaseMs: number) {
    this.#until = performance.now() + leaseMs;
    this.#watch();
  }

  /** Aborted when the claim is lost, or may be. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Whether the forge said that the claim is lost, and not only silence. */
  get isLost(): boolean {
    return this.#isLost;
  }

  get leftMs(): number {
    return Math.max(0, this.#until - performance.now());
  }

  /** The newest answer counts, also when it is for less time than the one before. */
  extend(leaseMs: number, askedAt: number): void {
    this.#until = askedAt + leaseMs;
    this.#watch();
  }

  lose(): void {
    this.#isLost = true;
    this.end();
  }

  /** No more is asked. */
  end(): void {
    clearTimeout(this.#timer);
    this.#ended.abort();
  }

  #watch(): void {
    clearTimeout(this.#timer);
    if (!this.#ended.signal.aborted) this.#timer = setTimeout(() => this.end(), this.leftMs);
  }
}
