// One lane's life inside its thread: preparing, program, output, an end that is verified, and what it leaves behind.
// Whatever ends it first (its exit, a limit, a stop, its lease) decides the result; later causes change nothing.
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { removeTree } from '../../lib/remove-tree.ts';
import { countRefused, makeCgroup, removeCgroup } from './cgroup.ts';
import { makeCheckout } from './checkout.ts';
import { collectArtifacts, collectReports } from './collect.ts';
import { Kin } from './kin.ts';
import { restoreCaches, saveCaches } from './lane-caches.ts';
import type { CacheUse, LaneResult, StartMessage, StopCause } from './lane-message.ts';
import { codesOf, resultOfCause, resultOfExit, unkillable, type EndCause, type Exit } from './lane-result.ts';
import { findFullDisk, LimitWatch, type Excess } from './limit-watch.ts';
import { LogFile } from '../logs/log-file.ts';
import { Mask } from './mask.ts';
import { openOutput, type Output } from './output-pipe.ts';
import { placesOf } from './sandbox.ts';
import { startProgram } from './start-program.ts';
import { findSurvivors, killGroup, killSurvivors, terminate } from './survivors.ts';

export interface LaneSignals {
  output(logBytes: number): void;
  heartbeat(logBytes: number): void;
}

/** What a lane needs that runs on another machine than the forge. */
export interface LaneSupply {
  /** Brings the objects of the commit to where the start message says that they are. */
  commit(signal: AbortSignal): Promise<void>;
  /** Brings a cache to where it is looked for, when there is one. */
  cache(key: string, paths: readonly string[], signal: AbortSignal): Promise<void>;
}

interface Prepared {
  output: Output;
  caches: CacheUse[];
}

const drainMs = 2000;
const reportEveryMs = 100;
const fullDisk = 'the disk of the forge is full, so its log could not be written';

export class RunningLane {
  readonly #start: StartMessage;
  readonly #signals: LaneSignals;
  readonly #supply: LaneSupply | undefined;
  readonly #log: LogFile;
  readonly #mask: Mask;
  readonly #beganAt = performance.now();
  readonly #ended = Promise.withResolvers<EndCause>();
  readonly #stopping = new AbortController();
  #cause: EndCause | undefined;
  #excess: Excess | undefined;
  #leaseTimer: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #reportTimer: NodeJS.Timeout | undefined;
  #lastOutputAt = performance.now();
  #toldOutput = false;
  #cgroup: string | undefined;

  constructor(start: StartMessage, signals: LaneSignals, supply?: LaneSupply) {
    this.#start = start;
    this.#signals = signals;
    this.#supply = supply;
    this.#log = new LogFile(start.logFolder, start.maxLogBytes);
    this.#mask = new Mask(Object.values(start.secrets));
    this.extendLease(start.leaseMs);
  }

  get logBytes(): number {
    return this.#log.bytes;
  }

  stop(cause: StopCause): void {
    this.#end(cause);
  }

  /** A claim that is not confirmed in time may be given to somebody else: the lane ends before that. */
  extendLease(leaseMs: number): void {
    clearTimeout(this.#leaseTimer);
    const margin = Math.min(leaseMs / 4, this.#start.graceMs + 5000);
    this.#leaseTimer = setTimeout(() => this.#end('lost'), leaseMs - margin);
  }

  async run(): Promise<LaneResult> {
    const start = this.#start;
    const heartbeat = setInterval(() => this.#signals.heartbeat(this.#log.bytes), start.heartbeatMs);
    const timeout = setTimeout(() => this.#end('timeout'), start.timeoutMs);
    let result: LaneResult = { outcome: 'failed', failureKind: 'infrastructure' };
    try {
      this.#log.note(
        `${start.title} · attempt ${start.attemptNumber} · commit ${start.commit.slice(0, 12)} · sandbox ${start.tier}`,
      );
      for (const note of start.notes) this.#log.note(note);
      result = await this.#execute();
      if (this.#isKept(result)) result.keptFolder = start.folder;
      return result;
    } catch (error) {
      result.message = String(error);
      throw error;
    } finally {
      clearTimeout(timeout);
      for (const timer of [this.#idleTimer, this.#reportTimer]) clearTimeout(timer);
      this.#close(result);
      if (result.keptFolder === undefined) await removeTree(start.folder).catch(() => undefined);
      if (this.#cgroup !== undefined) await removeCgroup(this.#cgroup);
      clearInterval(heartbeat);
      clearTimeout(this.#leaseTimer);
    }
  }

  async #execute(): Promise<LaneResult> {
    const preparing = this.#prepare();
    const first = await Promise.race([preparing, this.#ended.promise]);
    if (typeof first === 'string') return await this.#abandon(preparing, first);
    const { output, caches } = first;
    try {
      const { result, survivors } = await this.#runProgram(output);
      if (survivors > 0) return unkillable(survivors);
      return result.outcome === 'stopped' ? result : { ...result, ...(await this.#collect(result, caches)) };
    } finally {
      output.close();
    }
  }

  /** The checkout and the caches, as the program will find them. */
  async #prepare(): Promise<Prepared> {
    const start = this.#start;
    const { folder, commit, objects, searchPath, cookie, maxTreeFiles } = start;
    const shownObjects = placesOf(start).objects;
    const opening = openOutput(start.logFolder, searchPath);
    try {
      await this.#supply?.commit(this.#stopping.signal);
      const checkout = { folder, commit, objects, shownObjects, searchPath, cookie, maxTreeFiles };
      await Promise.all([opening, makeCheckout(checkout)]);
      const caches = await restoreCaches(start, this.#context());
      return { output: await opening, caches };
    } catch (error) {
      (await opening).close();
      throw error;
    }
  }

  /** Ends what is being prepared: its programs have the cookie, and none is started after the signal. */
  async #abandon(preparing: Promise<Prepared>, cause: EndCause): Promise<LaneResult> {
    const result = resultOfCause(cause, this.#start, this.#excess);
    const settled = preparing.then(
      ({ output }) => output.close(),
      () => undefined,
    );
    const survivors = await killSurvivors(this.#start.cookie);
    if (survivors.length > 0) return unkillable(survivors.length);
    await settled;
    const late = await killSurvivors(this.#start.cookie);
    return late.length > 0 ? unkillable(late.length) : result;
  }

  async #runProgram(output: Output): Promise<{ result: LaneResult; survivors: number }> {
    const start = this.#start;
    this.#cgroup = this.#joinCgroup();
    const child = startProgram(start, output, this.#cgroup);
    const kin = this.#kinOf(child);
    const exited = exitOf(child);
    this.#lastOutputAt = performance.now();
    this.#watchIdle();
    output.read((chunk) => this.#take(chunk));
    const watch = this.#watch(kin);
    try {
      const first = await Promise.race([exited, this.#ended.promise]);
      const exit = typeof first === 'string' ? await this.#terminate(exited, kin) : first;
      if (kin === undefined) killGroup(child.pid);
      const survivors = await killSurvivors(start.cookie, { kin });
      await Promise.race([output.ended, delay(drainMs)]);
      const cause = this.#cause;
      const result =
        cause === undefined
          ? await this.#resultOf(exit)
          : { ...resultOfCause(cause, start, this.#excess), ...codesOf(exit) };
      return { result, survivors: survivors.length };
    } finally {
      watch.stop();
      this.#log.write(this.#mask.end());
      this.#noteRefused();
    }
  }

  /** A program that fails where no more can be written says nothing about its commit. */
  async #resultOf(exit: Exit): Promise<LaneResult> {
    const full = exit.code === 0 ? undefined : await findFullDisk(this.#start);
    return full === undefined ? resultOfExit(exit) : { outcome: 'failed', ...full, ...codesOf(exit) };
  }

  /** What the lane leaves for people and for later lanes. */
  async #collect(result: LaneResult, caches: readonly CacheUse[]): Promise<Partial<LaneResult>> {
    const start = this.#start;
    const context = this.#context();
    const collecting = { ...context, work: join(start.folder, 'work') };
    const reports = await collectReports(start, collecting);
    const artifacts = await collectArtifacts(start, collecting);
    const uses = result.outcome === 'success' ? await saveCaches(start, caches, context) : [...caches];
    return { reports, artifacts, caches: uses };
  }

  #context() {
    const { signal } = this.#stopping;
    const supply = this.#supply;
    return {
      signal,
      note: (text: string) => this.#log.note(text),
      bring: supply && ((key: string, paths: readonly string[]) => supply.cache(key, paths, signal)),
    };
  }

  #joinCgroup(): string | undefined {
    const { cgroups } = this.#start.bounds;
    const sandboxPrograms = 8;
    if (cgroups === undefined) return undefined;
    return makeCgroup(cgroups, this.#start.cookie, this.#start.maxPrograms + sandboxPrograms);
  }

  /** A namespace holds all programs of the lane together; without one, they are followed. */
  #kinOf({ pid: leader }: ChildProcess): Kin | undefined {
    if (this.#start.tier !== 'none' || leader === undefined) return undefined;
    return new Kin({ leader, folder: this.#start.folder, cgroup: this.#cgroup });
  }

  #watch(kin: Kin | undefined): LimitWatch {
    const { cookie, bounds } = this.#start;
    const isCounted = bounds.programs === 'counted';
    const countPrograms = () => {
      if (kin === undefined && !isCounted) return 0;
      const found = findSurvivors(cookie);
      const count = kin === undefined ? found.length : kin.look(found.map(({ pid }) => pid)).length;
      return isCounted ? count : 0;
    };
    const exceeded = (excess: Excess) => {
      this.#excess ??= excess;
      this.#end('excess');
    };
    return new LimitWatch({ ...this.#start, countPrograms, exceeded });
  }

  #noteRefused(): void {
    const count = this.#cgroup === undefined ? 0 : countRefused(this.#cgroup);
    if (count > 0) {
      this.#log.note(
        `${count} times a program could not be started: ${this.#start.maxPrograms} are the most`,
      );
    }
  }

  /** Asks, waits out the grace, and leaves the killing to what follows. */
  async #terminate(exited: Promise<Exit>, kin: Kin | undefined): Promise<Exit> {
    const start = this.#start;
    this.#log.note(`ending the lane: ${this.#excess?.message ?? this.#cause ?? 'stopped'}`);
    kin?.look(findSurvivors(start.cookie).map(({ pid }) => pid));
    terminate(start.cookie, start.tier !== 'none');
    const none: Exit = { code: null, signal: null };
    const grace = new AbortController();
    const exit = await Promise.race([
      exited,
      delay(start.graceMs, none, { signal: grace.signal }).catch(() => none),
    ]);
    grace.abort();
    return exit;
  }

  #end(cause: EndCause): void {
    if (this.#cause !== undefined) return;
    this.#cause = cause;
    this.#stopping.abort();
    this.#ended.resolve(cause);
  }

  #take(chunk: Buffer): void {
    this.#log.write(this.#mask.take(chunk));
    if (this.#log.isCutShort) {
      this.#excess ??= { failureKind: 'infrastructure', message: fullDisk };
      this.#end('excess');
    }
    this.#lastOutputAt = performance.now();
    if (!this.#toldOutput) {
      this.#toldOutput = true;
      this.#signals.output(this.#log.bytes);
      return;
    }
    this.#reportTimer ??= setTimeout(() => {
      this.#reportTimer = undefined;
      this.#signals.output(this.#log.bytes);
    }, reportEveryMs);
  }

  #watchIdle(): void {
    const left = this.#lastOutputAt + this.#start.idleMs - performance.now();
    if (left <= 0) this.#end('idle_timeout');
    else this.#idleTimer = setTimeout(() => this.#watchIdle(), left);
  }

  /** A file of an attempt that was given secrets may hold one of them, and nobody is shown those. */
  #isKept({ outcome, failureKind }: LaneResult): boolean {
    const { keepFolder, secrets } = this.#start;
    const isOwnFault =
      failureKind === 'test_failure' || failureKind === 'timeout' || failureKind === 'idle_timeout';
    const isFull = this.#excess !== undefined;
    return keepFolder && outcome === 'failed' && isOwnFault && !isFull && Object.keys(secrets).length === 0;
  }

  #close(result: LaneResult): void {
    const seconds = ((performance.now() - this.#beganAt) / 1000).toFixed(1);
    const how = result.failureKind ?? result.cause ?? result.outcome;
    const exit = result.exitCode === undefined ? (result.signal ?? '') : `exit ${result.exitCode}`;
    this.#log.note([how, exit, `after ${seconds} s`].filter(Boolean).join(' · '));
    this.#log.close();
  }
}

function exitOf(child: ChildProcess): Promise<Exit> {
  const { promise, resolve, reject } = Promise.withResolvers<Exit>();
  child.on('error', (error) => reject(new Error(`the command could not be started: ${error.message}`)));
  child.on('exit', (code, signal) => resolve({ code, signal }));
  // Nobody may be waiting yet when the program cannot be started.
  promise.catch(() => undefined);
  return promise;
}
