// Which bytes of a content a request asks for (RFC 9110, section 14), and whether its reader has them already.
import { Transform } from 'node:stream';
import type { Exchange } from './place.ts';

export interface Range {
  start: number;
  /** The last byte. */
  end: number;
}

/** What is to be sent of a content of that tag; `answered` when the reader has it, or asks for what lies behind its end. */
export function agreeOn(
  exchange: Exchange,
  content: { tag: string; size: number },
): Range | 'answered' | undefined {
  const { request, response } = exchange;
  response.setHeader('ETag', `"${content.tag}"`);
  response.setHeader('Cache-Control', 'private, no-cache');
  if (request.fresh) {
    response.status(304).end();
    return 'answered';
  }
  const range = rangeOf(exchange, content.size);
  if (range !== 'beyond') return range;
  response.setHeader('Content-Range', `bytes */${content.size}`);
  response.status(416).end();
  return 'answered';
}

/** The one range that is asked for (RFC 9110); several, or what cannot be read, is the whole file. */
function rangeOf({ request, response }: Exchange, size: number): Range | 'beyond' | undefined {
  const condition = request.get('if-range');
  if (condition !== undefined && condition !== response.getHeader('ETag')) return undefined;
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(request.get('range') ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  return start >= size ? 'beyond' : { start, end };
}

/** Lets through the bytes of a range; `onStart` gets the first bytes of the file, whatever the range. */
export class Part extends Transform {
  readonly #range: Range;
  readonly #onStart: (first: Buffer) => void;
  #at = 0;
  #isBodyless = false;

  constructor(range: Range, onStart: (first: Buffer) => void) {
    super();
    this.#range = range;
    this.#onStart = onStart;
  }

  withoutBody(): void {
    this.#isBodyless = true;
  }

  override _transform(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.#at === 0) this.#onStart(chunk);
    const { start, end } = this.#range;
    const from = Math.max(0, start - this.#at);
    const to = Math.min(chunk.length, end + 1 - this.#at);
    this.#at += chunk.length;
    if (to > from && !this.#isBodyless) this.push(chunk.subarray(from, to));
    // Behind the range nothing is wanted of git any more.
    if (this.#at > end || this.#isBodyless) this.push(null);
    done();
  }
}
