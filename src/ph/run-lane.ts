// Runs the program of one lane here, with the limits it has on the forge, and ends it for certain: whatever it left behind
// goes when it is over, as far as this machine lets its programs be found.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { FailureKind } from '../ci/model.ts';
import { cookieName, killSurvivors } from '../ci/lanes/survivors.ts';

const drainMs = 2000;

export interface LaneOrder {
  command: string | string[];
  /** The whole environment of the lane. */
  env: Record<string, string>;
  folder: string;
  timeoutSeconds: number;
  idleSeconds: number;
  /** How long a lane that was asked to end may take for it. */
  graceSeconds: number;
  /** False: with nothing but a loopback of its own. */
  network: boolean;
  output: NodeJS.WritableStream;
  /** Ends the lane as somebody wishes: it is asked first, and killed after the grace or when `hurried` says so. */
  interrupted: AbortSignal;
  hurried: AbortSignal;
}

export interface LaneEnd {
  state: 'success' | 'failed' | 'cancelled';
  exitCode: number | null;
  failureKind: FailureKind | null;
  message: string | null;
}

type Cause = 'timeout' | 'idle_timeout' | 'cancelled';

const isolate = ['--dev-bind', '/', '/', '--unshare-net', '--die-with-parent', '--'];

/** Whether this machine can take the network from a lane. */
export function canCutNetwork(): boolean {
  return spawnSync('bwrap', [...isolate, 'true'], { stdio: 'ignore' }).status === 0;
}

export async function runLane(order: LaneOrder): Promise<LaneEnd> {
  const command = typeof order.command === 'string' ? ['sh', '-euc', order.command] : order.command;
  const program = order.network ? command : ['bwrap', ...isolate, ...command];
  // Stands in the environment of all that it starts, so that none can hide after `setsid`.
  const cookie = `ph-${randomUUID()}.`;
  // One pipe for both outputs keeps their order; a program that is not found ends with 127, as on the forge.
  const child = spawn('sh', ['-c', 'exec "$@" 2>&1', 'lane', ...program], {
    cwd: order.folder,
    env: { ...order.env, [cookieName]: cookie },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const watch = new Watch(child, order);
  try {
    return await watch.end(cookie);
  } finally {
    watch.stop();
  }
}

class Watch {
  readonly #child: ChildProcess;
  readonly #order: LaneOrder;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #interrupt = (): void => this.#stop('cancelled');
  readonly #hurry = (): void => this.#kill('SIGKILL');
  #cause: Cause | undefined;
  #lastOutputAt = performance.now();

  constructor(child: ChildProcess, order: LaneOrder) {
    this.#child = child;
    this.#order = order;
    for (const stream of [child.stdout, child.stderr]) if (stream !== null) this.#forward(stream);
    const { interrupted, hurried, timeoutSeconds } = order;
    this.#timers.push(setTimeout(() => this.#stop('timeout'), timeoutSeconds * 1000));
    this.#watchIdle();
    if (interrupted.aborted) this.#interrupt();
    else interrupted.addEventListener('abort', this.#interrupt);
    hurried.addEventListener('abort', this.#hurry);
  }

  async end(cookie: string): Promise<LaneEnd> {
    const { promise, resolve, reject } = Promise.withResolvers<LaneEnd>();
    this.#child.on('error', (error) => reject(new Error(`sh could not be started: ${error.message}`)));
    this.#child.on('exit', (code, signal) => resolve(this.#endOf(code, signal)));
    const closed = new Promise((done) => this.#child.on('close', done));
    const ended = await promise;
    this.#kill('SIGKILL');
    const survivors = await killSurvivors(cookie);
    // What could not be found may hold the output open; the verdict does not wait for it.
    const drained = new AbortController();
    await Promise.race([
      closed,
      delay(drainMs, undefined, { signal: drained.signal }).catch(() => undefined),
    ]);
    drained.abort();
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.destroy();
    if (survivors.length === 0) return ended;
    const message = `${survivors.length} of its programs could not be ended`;
    return { ...ended, state: 'failed', failureKind: 'unkillable', message };
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#order.interrupted.removeEventListener('abort', this.#interrupt);
    this.#order.hurried.removeEventListener('abort', this.#hurry);
    this.#kill('SIGKILL');
  }

  #forward(stream: Readable): void {
    stream.on('data', (chunk: Buffer) => {
      this.#lastOutputAt = performance.now();
      if (this.#order.output.write(chunk)) return;
      stream.pause();
      this.#order.output.once('drain', () => stream.resume());
    });
  }

  #watchIdle(): void {
    const left = this.#lastOutputAt + this.#order.idleSeconds * 1000 - performance.now();
    if (left <= 0) this.#stop('idle_timeout');
    else this.#timers.push(setTimeout(() => this.#watchIdle(), left));
  }

  /** Asks, and kills after the grace. */
  #stop(cause: Cause): void {
    this.#cause ??= cause;
    this.#kill('SIGTERM');
    this.#timers.push(setTimeout(() => this.#kill('SIGKILL'), this.#order.graceSeconds * 1000));
  }

  #kill(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // Nothing of the group is left.
    }
  }

  #endOf(exitCode: number | null, signal: NodeJS.Signals | null): LaneEnd {
    const { timeoutSeconds, idleSeconds } = this.#order;
    switch (this.#cause) {
      case 'cancelled':
        return { state: 'cancelled', exitCode, failureKind: 'cancelled', message: 'interrupted' };
      case 'timeout':
        return {
          ...failed(exitCode),
          failureKind: 'timeout',
          message: `took longer than ${span(timeoutSeconds)}`,
        };
      case 'idle_timeout':
        return {
          ...failed(exitCode),
          failureKind: 'idle_timeout',
          message: `printed nothing for ${span(idleSeconds)}`,
        };
      case undefined:
    }
    if (exitCode === 0) return { state: 'success', exitCode, failureKind: null, message: null };
    const message = exitCode === null ? `ended by ${signal}` : `exit ${exitCode}`;
    return { ...failed(exitCode), failureKind: 'test_failure', message };
  }
}

const failed = (exitCode: number | null) => ({ state: 'failed' as const, exitCode });

const span = (seconds: number): string => (seconds < 60 ? `${seconds} s` : `${seconds / 60} min`);
