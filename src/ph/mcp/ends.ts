/** Keeps the beginning and the end of a text that may be of any length, and says how much it left out. */
export class Ends {
  readonly #maxHead: number;
  readonly #maxTail: number;
  #head = '';
  #tail = '';
  #dropped = 0;

  constructor(maxHead: number, maxTail: number) {
    this.#maxHead = maxHead;
    this.#maxTail = maxTail;
  }

  add(text: string): void {
    const room = this.#maxHead - this.#head.length;
    this.#head += text.slice(0, Math.max(0, room));
    this.#tail += text.slice(Math.max(0, room));
    // Cut now and then, not at every piece.
    if (this.#tail.length > 2 * this.#maxTail) this.#cut();
  }

  text(): string {
    this.#cut();
    if (this.#dropped === 0) return this.#head + this.#tail;
    return `${this.#head}\n… ${this.#dropped} characters are left out here …\n${this.#tail}`;
  }

  #cut(): void {
    const tooMuch = Math.max(0, this.#tail.length - this.#maxTail);
    this.#dropped += tooMuch;
    this.#tail = this.#tail.slice(tooMuch);
  }
}
