// Takes secrets out of a stream of bytes, also where a secret is spread over several chunks. All patterns are looked
// for at once (Aho and Corasick), so what it costs does not depend on how many there are; and the state after a byte
// says how much of the end may be the beginning of a secret, so only that much is ever held back.
import { Automaton } from './pattern-automaton.ts';
import { secretPatterns } from './secret-patterns.ts';

const mark = Buffer.from('***');
const nothing = Buffer.alloc(0);

/** Bytes that are not shown; the mark for them may have been written when their beginning was released. */
interface Span {
  start: number;
  end: number;
  isAnnounced: boolean;
}

export class Mask {
  readonly #automaton: Automaton | undefined;
  #state = 0;
  #held: Buffer = nothing;
  // One of each for all chunks: a lane that prints gigabytes must not fill the memory faster than it is collected.
  #joined: Buffer = nothing;
  #shown: Buffer = nothing;
  /** Of the held bytes, in order and apart from each other. */
  #spans: Span[] = [];

  constructor(secrets: readonly string[]) {
    const patterns = secretPatterns(secrets);
    this.#automaton = patterns.length === 0 ? undefined : new Automaton(patterns);
  }

  /** What may be shown by now: valid until the next call, and as long as `chunk` is. */
  take(chunk: Buffer): Buffer {
    const automaton = this.#automaton;
    if (automaton === undefined || chunk.length === 0) return chunk;
    const held = this.#held.length;
    const bytes = held === 0 ? chunk : this.#join(chunk);
    const state = automaton.walk(bytes, { from: held, state: this.#state }, (end, length) => {
      addSpan(this.#spans, { start: end - length, end, isAnnounced: false });
    });
    this.#state = state;
    return this.#release(bytes, bytes.length - automaton.depth(state));
  }

  #join(chunk: Buffer): Buffer {
    const length = this.#held.length + chunk.length;
    if (this.#joined.length < length) this.#joined = Buffer.allocUnsafe(length);
    this.#held.copy(this.#joined);
    chunk.copy(this.#joined, this.#held.length);
    return this.#joined.subarray(0, length);
  }

  /** The rest, when nothing more comes; valid until the next call. */
  end(): Buffer {
    this.#state = 0;
    return this.#release(this.#held, this.#held.length);
  }

  /** Shows what lies before `safe` and holds the rest. */
  #release(bytes: Buffer, safe: number): Buffer {
    if (this.#spans.length === 0) return this.#keep(bytes, safe);
    // A mark is shorter than the shortest secret, so what is shown is never longer than what came.
    if (this.#shown.length < bytes.length) this.#shown = Buffer.allocUnsafe(bytes.length);
    const shown = this.#shown;
    let length = 0;
    let from = 0;
    for (const { start, end, isAnnounced } of this.#spans) {
      if (start >= safe) break;
      length += bytes.copy(shown, length, from, start);
      if (!isAnnounced) length += mark.copy(shown, length);
      from = end;
    }
    length += bytes.copy(shown, length, Math.min(from, safe), safe);
    this.#spans = this.#spans
      .filter(({ end }) => end > safe)
      .map(({ start, end, isAnnounced }) => ({
        start: Math.max(0, start - safe),
        end: end - safe,
        isAnnounced: isAnnounced || start < safe,
      }));
    this.#keep(bytes, safe);
    return shown.subarray(0, length);
  }

  /** Holds what lies behind `safe`; answers what lies before. */
  #keep(bytes: Buffer, safe: number): Buffer {
    // A copy: the chunk is its giver's again after this call.
    this.#held = safe === bytes.length ? nothing : Buffer.from(bytes.subarray(safe));
    return bytes.subarray(0, safe);
  }
}

/** The ends of spans only grow, so an overlap is always with the last ones. */
function addSpan(spans: Span[], span: Span): void {
  let { start, isAnnounced } = span;
  for (let last = spans.at(-1); last !== undefined && last.end > start; last = spans.at(-1)) {
    start = Math.min(start, last.start);
    isAnnounced ||= last.isAnnounced;
    spans.pop();
  }
  spans.push({ start, end: span.end, isAnnounced });
}
