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
    let end = this.#rest.indexOf(10);
    while (end < 0) {
      this.#rest = Buffer.concat([this.#rest, await this.#nextChunk()]);
      end = this.#rest.indexOf(10);
    }
    const line = this.#rest.toString('utf8', 0, end);
    this.#rest = this.#rest.subarray(end + 1);
    return line;
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
