// Runs lanes on this machine, each in a thread of its own. One idle thread is kept ready, because starting
// one takes longer than a checkout.
import { Worker } from 'node:worker_threads';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Executor, LaneRef, Reports, Submission } from './executor.ts';
import {
  reportMessage,
  type LaneResult,
  type OrderMessage,
  type StopCause,
  type Tier,
} from './lane-message.ts';
import { killSurvivors } from './survivors.ts';

interface Entry {
  submission: Submission;
  thread: Worker;
  stopCause: StopCause | undefined;
}

export class LocalExecutor implements Executor {
  readonly #tier: Tier;
  readonly #reports: Reports;
  readonly #log: Log;
  readonly #lanes = new Map<number, Entry>();
  readonly #closing = new Set<Promise<unknown>>();
  #spare: Worker | undefined;
  #isStopping = false;

  constructor(options: { tier: Tier; reports: Reports; log: Log }) {
    this.#tier = options.tier;
    this.#reports = options.reports;
    this.#log = options.log;
  }

  /** Keeps a thread ready for the next lane. */
  warm(): void {
    if (!this.#isStopping) this.#spare ??= newThread();
  }

  submit(submission: Submission): void {
    const thread = this.#spare ?? newThread();
    this.#spare = undefined;
    const entry: Entry = { submission, thread, stopCause: undefined };
    this.#lanes.set(submission.attemptId, entry);
    thread.ref();
    thread.on('message', (message: unknown) => this.#hear(entry, message));
    thread.on('error', (error) => this.#lose(entry, errorMessage(error)));
    thread.on('exit', () => this.#lose(entry, 'the thread ended'));
    const { laneId: _lane, runId: _run, ...start } = submission;
    tell(thread, { type: 'start', tier: this.#tier, ...start });
    this.warm();
  }

  cancel(attemptId: number, cause: StopCause): void {
    const entry = this.#lanes.get(attemptId);
    if (entry === undefined || entry.stopCause !== undefined) return;
    entry.stopCause = cause;
    tell(entry.thread, { type: 'stop', cause });
  }

  probe(attemptId: number): 'running' | 'gone' {
    return this.#lanes.has(attemptId) ? 'running' : 'gone';
  }

  list(): LaneRef[] {
    return [...this.#lanes.values()].map(({ submission }) => refOf(submission));
  }

  /** Ends a thread that does not answer, without its help; resolves when it and its programs are gone. */
  async discard(attemptId: number): Promise<void> {
    const entry = this.#lanes.get(attemptId);
    if (entry === undefined) return;
    this.#lanes.delete(attemptId);
    await entry.thread.terminate();
    await killSurvivors(entry.submission.cookie);
  }

  /** Ends every lane with `requeue` and resolves when no thread is left. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const threads = [...this.#lanes.values()].map(({ thread }) => exitOf(thread));
    for (const attemptId of this.#lanes.keys()) this.cancel(attemptId, 'requeue');
    await Promise.all(threads);
    await Promise.all(this.#closing);
    await this.#spare?.terminate();
    this.#spare = undefined;
  }

  #hear(entry: Entry, message: unknown): void {
    const report = reportMessage.parse(message);
    const { submission } = entry;
    if (this.#lanes.get(submission.attemptId) !== entry) return;
    const lane = refOf(submission);
    if (report.type === 'finished') this.#finish(entry, report.logBytes, report.result);
    else if (report.type === 'output') this.#reports.output(lane, report.logBytes);
    else if (report.type === 'heartbeat') {
      if (this.#reports.heartbeat(lane, report.logBytes)) {
        tell(entry.thread, { type: 'lease', leaseMs: submission.leaseMs });
      } else this.cancel(submission.attemptId, 'lost');
    }
  }

  #finish(entry: Entry, logBytes: number, result: LaneResult): void {
    this.#lanes.delete(entry.submission.attemptId);
    this.#reports.finished(refOf(entry.submission), logBytes, result);
  }

  /** A thread that died without a word: its programs are ended first, then the lane is told to be lost. */
  #lose(entry: Entry, why: string): void {
    if (this.#lanes.get(entry.submission.attemptId) !== entry) return;
    const { attemptId, cookie } = entry.submission;
    this.#log.error({ attemptId, why }, 'a lane thread died');
    const closing = killSurvivors(cookie).then((survivors) => {
      if (this.#lanes.get(attemptId) !== entry) return;
      const failureKind = survivors.length > 0 ? 'unkillable' : 'infrastructure';
      this.#finish(entry, 0, { outcome: 'failed', failureKind, message: `the lane's thread died: ${why}` });
    });
    this.#closing.add(closing);
    void closing.finally(() => this.#closing.delete(closing));
  }
}

const refOf = ({ attemptId, laneId, runId, token }: Submission): LaneRef => ({
  attemptId,
  laneId,
  runId,
  token,
});

function tell(thread: Worker, order: OrderMessage): void {
  thread.postMessage(order, []);
}

function newThread(): Worker {
  // No environment and no arguments of the forge reach the thread, so none can reach a lane by mistake. Node must not
  // track the thread's descriptors: at its end it would close again those that a socket has closed, which by then
  // may be another thread's.
  const thread = new Worker(new URL('./lane-thread.ts', import.meta.url), {
    env: {},
    argv: [],
    name: 'lane',
    trackUnmanagedFds: false,
  });
  thread.unref();
  return thread;
}

function exitOf(thread: Worker): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  thread.on('exit', () => resolve());
  return promise;
}
