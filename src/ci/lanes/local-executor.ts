// Runs lanes on this machine, each in a thread of its own. While there is work idle threads are kept ready, because starting
// one takes longer than a checkout and the start of the sandbox together.
import { getCompileCacheDir } from 'node:module';
import { Worker } from 'node:worker_threads';
import { errorMessage } from '../../lib/errors.ts';
import { withLogContext } from '../../lib/log-context.ts';
import type { Log } from '../../lib/log.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import { cgroupOf, removeCgroup } from './cgroup.ts';
import type { Executor, ExecutorParts, LaneRef, Reports, Submission } from './executor.ts';
import {
  reportMessage,
  type Bounds,
  type LaneResult,
  type OrderMessage,
  type ReportMessage,
  type StopCause,
  type Tier,
} from './lane-message.ts';
import { Quarantine, type HeldPlace } from './quarantine.ts';
import { killSurvivors } from './survivors.ts';

const spareThreads = 2;
/** A ready thread holds much memory; after so long without a lane there is none. */
const restMs = 10 * 60_000;
const youngMebibytes = 8;

interface Entry {
  submission: Submission;
  thread: Worker;
  stopCause: StopCause | undefined;
}

export class LocalExecutor implements Executor {
  readonly #tier: Tier;
  readonly #bounds: Bounds;
  readonly #quarantine = new Quarantine();
  readonly #reports: Reports;
  readonly #log: Log;
  readonly #lanes = new Map<number, Entry>();
  readonly #closing = new Set<Promise<unknown>>();
  readonly #spares: Worker[] = [];
  #isStopping = false;
  #resting: NodeJS.Timeout | undefined;

  constructor(options: ExecutorParts) {
    this.#tier = options.tier;
    this.#bounds = options.bounds;
    for (const { cookie, attemptId } of options.left) this.#hold({ cookie, attemptId });
    this.#reports = options.reports;
    this.#log = options.log;
  }

  /** Makes threads ready for the next lanes, for a while. */
  warm(): void {
    clearTimeout(this.#resting);
    if (!this.#isStopping) this.#resting = setTimeout(() => this.#rest(), restMs).unref();
    while (!this.#isStopping && this.#spares.length < spareThreads) this.#spares.push(newThread());
  }

  submit(submission: Submission): void {
    const thread = this.#spares.shift() ?? newThread();
    const entry: Entry = { submission, thread, stopCause: undefined };
    this.#lanes.set(submission.attemptId, entry);
    thread.ref();
    const { attemptId, laneId, runId } = submission;
    thread.on('message', (message: unknown) =>
      withLogContext({ attemptId, laneId, runId }, () => this.#hear(entry, message)),
    );
    thread.on('error', (error) => this.#lose(entry, errorMessage(error)));
    thread.on('exit', () => this.#lose(entry, 'the thread ended'));
    const { laneId: _lane, runId: _run, ...start } = submission;
    tell(thread, { type: 'start', tier: this.#tier, bounds: this.#bounds, ...start });
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

  held(): HeldPlace[] {
    return this.#quarantine.list();
  }

  /** Ends a thread that does not answer, without its help; resolves when it and its programs are gone. */
  async discard(attemptId: number): Promise<void> {
    const entry = this.#lanes.get(attemptId);
    if (entry === undefined) return;
    this.#lanes.delete(attemptId);
    await entry.thread.terminate();
    const survivors = await killSurvivors(entry.submission.cookie);
    if (survivors.length > 0) this.#hold(entry.submission);
    await this.#clear(entry.submission);
  }

  /** Ends every lane with `requeue` and resolves when no thread is left. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#resting);
    this.#quarantine.stop();
    const threads = [...this.#lanes.values()].map(({ thread }) => exitOf(thread));
    for (const attemptId of this.#lanes.keys()) this.cancel(attemptId, 'requeue');
    await Promise.all(threads);
    await Promise.all(this.#closing);
    await Promise.all(this.#spares.splice(0).map((spare) => spare.terminate()));
  }

  /** The boundary to the threads: a report that cannot be kept is logged, and the next pass takes the lane back. */
  #hear(entry: Entry, message: unknown): void {
    if (this.#lanes.get(entry.submission.attemptId) !== entry) return;
    try {
      this.#keep(entry, reportMessage.parse(message));
    } catch (error) {
      this.#log.error({ err: error, attemptId: entry.submission.attemptId }, 'a report of a lane was lost');
    }
  }

  #keep(entry: Entry, report: ReportMessage): void {
    const { submission, thread } = entry;
    const lane = refOf(submission);
    switch (report.type) {
      case 'ready':
        return;
      case 'output':
        this.#reports.output(lane, report.logBytes);
        // Only now, so that the start of a thread does not slow the start of a lane.
        this.warm();
        return;
      case 'heartbeat':
        if (this.#reports.heartbeat(lane, report.logBytes)) {
          tell(thread, { type: 'lease', leaseMs: submission.leaseMs });
        } else this.cancel(submission.attemptId, 'lost');
        return;
      case 'finished':
        this.#finish(entry, report.logBytes, report.result);
    }
  }

  /** What the thread would have removed itself. */
  async #clear({ folder, cookie }: Submission): Promise<void> {
    const { cgroups } = this.#bounds;
    if (cgroups !== undefined) await removeCgroup(cgroupOf(cgroups, cookie));
    await removeTree(folder);
  }

  #hold({ cookie, attemptId }: Pick<Submission, 'cookie' | 'attemptId'>): void {
    this.#quarantine.add(cookie, { attemptId, since: Date.now() });
  }

  #finish(entry: Entry, logBytes: number, result: LaneResult): void {
    this.#lanes.delete(entry.submission.attemptId);
    if (result.failureKind === 'unkillable') this.#hold(entry.submission);
    this.#reports.finished(refOf(entry.submission), logBytes, result);
    this.warm();
  }

  #rest(): void {
    if (this.#lanes.size > 0) return this.warm();
    for (const spare of this.#spares.splice(0)) void spare.terminate();
  }

  /** A thread that died without a word: its programs are ended first, then the lane is told to be lost. */
  #lose(entry: Entry, why: string): void {
    if (this.#lanes.get(entry.submission.attemptId) !== entry) return;
    const { attemptId, cookie } = entry.submission;
    this.#log.error({ attemptId, why }, 'a lane thread died');
    const closing = killSurvivors(cookie).then(async (survivors) => {
      await this.#clear(entry.submission).catch(() => undefined);
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
  const cache = getCompileCacheDir();
  // Nothing of the forge's environment reaches the thread, so none of it can reach a lane by mistake. Node must not
  // track the thread's descriptors: at its end it would close again those that a socket has closed, which by then
  // may be another thread's.
  const thread = new Worker(new URL('./lane-thread.ts', import.meta.url), {
    env: cache === undefined ? {} : { NODE_COMPILE_CACHE: cache },
    argv: [],
    name: 'lane',
    trackUnmanagedFds: false,
    // What passes through a lane is short-lived: more room for it is only filled before it is looked through.
    resourceLimits: { maxYoungGenerationSizeMb: youngMebibytes },
  });
  thread.unref();
  return thread;
}

function exitOf(thread: Worker): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  thread.on('exit', () => resolve());
  return promise;
}
