// What was made lately and may be wanted again, up to a number of bytes; what was not asked for longest leaves first.

export class Recent<Value> {
  readonly #maxBytes: number;
  readonly #kept = new Map<string, { value: Value; bytes: number }>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  find(key: string): Value | undefined {
    const known = this.#kept.get(key);
    if (known === undefined) return undefined;
    // Back to the young end of the map; the old end is dropped first.
    this.#kept.delete(key);
    this.#kept.set(key, known);
    return known.value;
  }

  /** `bytes` is about how much memory the value takes. */
  keep(key: string, value: Value, bytes: number): void {
    this.drop(key);
    this.#kept.set(key, { value, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.drop(oldest);
    }
  }

  drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    this.#kept.delete(key);
  }
}
