// A file of lines that never grows beyond its limit: when it is full it becomes FILE.1, FILE.1 becomes FILE.2, and the oldest
// goes. What cannot be written to it, for the disk is full, goes to standard error: a log ends nothing.
import { closeSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

export interface RotatedFileOptions {
  path: string;
  maxBytes: number;
  /** How many older ones are kept beside it. */
  keepFiles: number;
}

export class RotatedFile {
  readonly #options: RotatedFileOptions;
  #fd: number | undefined;
  #bytes = 0;

  constructor(options: RotatedFileOptions) {
    this.#options = options;
  }

  /** Appends a line, which is on its way to the disk when this returns. */
  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    try {
      this.#open();
      if (this.#bytes > 0 && this.#bytes + bytes > this.#options.maxBytes) this.#rotate();
      writeSync(this.#open(), line);
      this.#bytes += bytes;
    } catch {
      this.#close();
      process.stderr.write(line);
    }
  }

  #open(): number {
    if (this.#fd === undefined) {
      this.#fd = openSync(this.#options.path, 'a', 0o600);
      this.#bytes = fstatSync(this.#fd).size;
    }
    return this.#fd;
  }

  #close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) closeSync(fd);
  }

  #rotate(): void {
    const { path, keepFiles } = this.#options;
    this.#close();
    if (keepFiles === 0) return void rmSync(path, { force: true });
    for (let number = keepFiles - 1; number >= 0; number -= 1) {
      const from = number === 0 ? path : `${path}.${number}`;
      try {
        renameSync(from, `${path}.${number + 1}`);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  }
}
