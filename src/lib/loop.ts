// A loop is one background duty: it runs one pass at a time, when woken and as a backup on a timer.
// A pass that throws is logged and shown as failing; the loop and the process go on.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorMessage } from './errors.ts';
import { withLogContext } from './log-context.ts';
import type { Log } from './log.ts';

export const loopStates = ['idle', 'active', 'failing', 'disabled', 'stopped'] as const;
export type LoopState = (typeof loopStates)[number];

export interface LoopStatus {
  name: string;
  /** `failing` until a pass succeeds, also while one runs. */
  state: LoopState;
  /** Why it does nothing here, in a sentence; only of a disabled one. */
  disabled: string | undefined;
  lastSuccessAt: number | undefined;
  lastError: string | undefined;
  lastErrorAt: number | undefined;
  /** Passes that failed since the last one that did not. */
  failures: number;
  passes: number;
  /** How long the last pass took. */
  lastMs: number | undefined;
  /** When the pass that runs now began. */
  activeSince: number | undefined;
}

export interface LoopOptions {
  name: string;
  pollMs: number;
  log: Log;
  now: () => number;
  runOnce: () => Promise<void> | void;
  /** Why it has nothing to do on this forge, in a sentence; such a loop never starts. */
  disabled?: string | undefined;
}

export class Loop {
  readonly #options: LoopOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #wanted = false;
  #stopped = true;
  #lastSuccessAt: number | undefined;
  #lastError: string | undefined;
  #lastErrorAt: number | undefined;
  #lastMs: number | undefined;
  #activeSince: number | undefined;
  #failures = 0;
  #passes = 0;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#options.disabled !== undefined) return;
    this.#stopped = false;
    this.#timer = setInterval(() => this.wake(), this.#options.pollMs);
    this.#timer.unref();
    this.wake();
  }

  /** Ask for a pass. During a pass, exactly one more pass follows, however often it is asked for. */
  wake(): void {
    if (this.#stopped) return;
    this.#wanted = true;
    // Not the context of whoever woke it: a pass is nobody's request.
    this.#running ??= withLogContext({ loop: this.#options.name }, () => this.#drain());
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
    return {
      name: this.#options.name,
      state: this.#state(),
      disabled: this.#options.disabled,
      lastSuccessAt: this.#lastSuccessAt,
      lastError: this.#lastError,
      lastErrorAt: this.#lastErrorAt,
      failures: this.#failures,
      passes: this.#passes,
      lastMs: this.#lastMs,
      activeSince: this.#activeSince,
    };
  }

  #state(): LoopState {
    if (this.#options.disabled !== undefined) return 'disabled';
    if (this.#stopped) return 'stopped';
    if (this.#lastError !== undefined) return 'failing';
    return this.#running === undefined ? 'idle' : 'active';
  }

  async #drain(): Promise<void> {
    // Whoever woke the loop finishes first: the answer to a push must not wait for what the push sets going.
    await nextTurn();
    while (this.#wanted) {
      this.#wanted = false;
      await this.#pass();
    }
    this.#running = undefined;
  }

  async #pass(): Promise<void> {
    const { runOnce, now, log, name } = this.#options;
    const started = performance.now();
    this.#activeSince = now();
    this.#passes += 1;
    try {
      await runOnce();
      this.#lastSuccessAt = now();
      this.#lastError = undefined;
      this.#failures = 0;
    } catch (error) {
      this.#lastError = errorMessage(error);
      this.#lastErrorAt = now();
      this.#failures += 1;
      log.error({ err: error, loop: name }, 'a pass failed');
    } finally {
      this.#lastMs = performance.now() - started;
      this.#activeSince = undefined;
    }
  }
}
