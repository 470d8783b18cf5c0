// Brings the log to the forge while it grows: what is new in the file since the last time, in order, and again from
// where the forge says when an answer was lost.
import { open, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { logView } from '../agent-message.ts';
import { ClaimRefused, type ForgeLink } from './forge-link.ts';

const partBytes = 256 * 1024;
const gapStatus = 409;
const gapView = z.object({ error: z.object({ details: z.object({ size: z.number() }) }) });

export class LogShipment {
  readonly #link: ForgeLink;
  readonly #path: string;
  readonly #signal: AbortSignal;
  readonly #onLost: (error: unknown) => void;
  #sent = 0;
  #wanted = 0;
  #isRefused = false;
  #going: Promise<void> | undefined;

  /** `onLost` is told once why no more can be sent. */
  constructor(link: ForgeLink, log: { path: string; signal: AbortSignal; onLost: (error: unknown) => void }) {
    this.#link = link;
    this.#path = log.path;
    this.#signal = log.signal;
    this.#onLost = log.onLost;
  }

  /** The log has so many bytes now. */
  grew(bytes: number): void {
    this.#wanted = Math.max(this.#wanted, bytes);
    if (this.#isRefused) return;
    this.#going ??= this.#send()
      .catch((error: unknown) => {
        this.#isRefused = true;
        this.#onLost(error);
      })
      .finally(() => (this.#going = undefined));
  }

  /** Resolves when the forge has this much, or no more can be sent. */
  async finish(bytes: number): Promise<void> {
    while (this.#sent < bytes && !this.#isRefused && !this.#signal.aborted) {
      this.grew(bytes);
      await this.#going;
    }
  }

  async #send(): Promise<void> {
    const file = await open(this.#path, 'r');
    try {
      while (this.#sent < this.#wanted) await this.#sendPart(file);
    } finally {
      await file.close();
    }
  }

  async #sendPart(file: FileHandle): Promise<void> {
    const length = Math.min(partBytes, this.#wanted - this.#sent);
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await file.read(buffer, 0, length, this.#sent);
    const part = {
      query: { offset: String(this.#sent) },
      body: () => buffer.subarray(0, bytesRead),
      accept: [gapStatus],
      timeoutMs: 30_000,
      signal: this.#signal,
    };
    const answer = await this.#link.ask('log', part, async (response) => ({
      isKept: response.ok,
      body: await response.json(),
    }));
    this.#sent = answer.isKept ? logView.parse(answer.body).size : sizeOfGap(answer.body);
  }
}

/** A forge that lost its last bytes says from where it wants them again. */
function sizeOfGap(answer: unknown): number {
  const gap = gapView.safeParse(answer);
  if (!gap.success) throw new ClaimRefused(JSON.stringify(answer).slice(0, 1000));
  return gap.data.error.details.size;
}
