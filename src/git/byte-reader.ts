// Lines and counted bytes out of a stream, as `git cat-file --batch` prints them by turns.
import type { Readable } from 'node:stream';
import { ForgeError } from '../lib/errors.ts';

export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** The next line without its newline. Throws when the stream ends before it. */
  async readLine(): Promise<string> {
    let line = this.takeLine();
    while (line === undefined) {
      this.#rest = Buffer.concat([this.#rest, await this.#nextChunk()]);
      line = this.takeLine();
    }
    return line;
  }

  /** As `readLine`, if all of it has arrived: waiting for each of many small answers costs more than they do. */
  takeLine(): string | undefined {
    const end = this.#rest.indexOf(10);
    if (end < 0) return undefined;
    const line = this.#rest.toString('utf8', 0, end);
    this.#rest = this.#rest.subarray(end + 1);
    return line;
  }

  /** As `readBytes`, if all of them have arrived. */
  takeBytes(count: number): Buffer | undefined {
    if (this.#rest.length < count) return undefined;
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }

  /** The next `count` bytes. Throws when the stream ends before them. */
  async readBytes(count: number): Promise<Buffer> {
    const parts = [this.#rest];
    let held = this.#rest.length;
    while (held < count) {
      const chunk = await this.#nextChunk();
      parts.push(chunk);
      held += chunk.length;
    }
    const all = parts.length === 1 ? this.#rest : Buffer.concat(parts);
    this.#rest = all.subarray(count);
    return all.subarray(0, count);
  }

  async #nextChunk(): Promise<Buffer> {
    const next = await this.#chunks.next();
    if (next.done) throw new ForgeError('internal', 'git ended while objects were being read; try again.');
    return next.value;
  }
}
