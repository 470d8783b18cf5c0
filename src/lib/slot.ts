// A slot is a thing one holder may have. Verbs that need it ask for the hold as a parameter, so code
// that forgot the guard does not compile.

export interface Hold {
  readonly key: string;
  release(): void;
}

export class Slots {
  readonly #held = new Set<string>();

  /** Takes the slot named `key`, or answers undefined when somebody holds it (the caller refuses with `conflict`). */
  tryTake(key: string): Hold | undefined {
    if (this.#held.has(key)) return undefined;
    this.#held.add(key);
    return { key, release: () => void this.#held.delete(key) };
  }
}
