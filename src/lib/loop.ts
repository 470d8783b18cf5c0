// A loop is one background duty: it runs one pass at a time, when woken and as a backup on a timer.
// A pass that throws is logged and shown as failing; the loop and the process go on.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorMessage } from './errors.ts';
import type { Log } from './log.ts';

export interface LoopStatus {
  name: string;
  state: 'idle' | 'active' | 'failing' | 'stopped';
  lastSuccessAt: number | undefined;
  lastError: string | undefined;
}

export interface LoopOptions {
  name: string;
  pollMs: number;
  log: Log;
  now: () => number;
  runOnce: () => Promise<void> | void;
}

export class Loop {
  readonly #options: LoopOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #wanted = false;
  #stopped = true;
  #lastSuccessAt: number | undefined;
  #lastError: string | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopped = false;
    this.#timer = setInterval(() => this.wake(), this.#options.pollMs);
    this.#timer.unref();
    this.wake();
  }

  /** Ask for a pass. During a pass, exactly one more pass follows, however often it is asked for. */
  wake(): void {
    if (this.#stopped) return;
    this.#wanted = true;
    this.#running ??= this.#drain();
  }

  /** Resolves when no pass is running or wanted. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wanted = false;
    clearInterval(this.#timer);
    await this.settled();
  }

  status(): LoopStatus {
    const state = this.#stopped ? 'stopped' : this.#running ? 'active' : this.#lastError ? 'failing' : 'idle';
    return {
      name: this.#options.name,
      state,
      lastSuccessAt: this.#lastSuccessAt,
      lastError: this.#lastError,
    };
  }

  async #drain(): Promise<void> {
    // Whoever woke the loop finishes first: the answer to a push must not wait for what the push sets going.
    await nextTurn();
    while (this.#wanted) {
      this.#wanted = false;
      try {
        await this.#options.runOnce();
        this.#lastSuccessAt = this.#options.now();
        this.#lastError = undefined;
      } catch (error) {
        this.#lastError = errorMessage(error);
        this.#options.log.error({ err: error, loop: this.#options.name }, 'a pass failed');
      }
    }
    this.#running = undefined;
  }
}
