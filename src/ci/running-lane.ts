// One lane's life inside its thread: checkout, program, output, and an end that is verified. Whatever ends
// it first (its exit, a limit, a stop, its lease) decides the result; later causes change nothing.
import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { makeCheckout } from './checkout.ts';
import type { LaneResult, StartMessage, StopCause } from './lane-message.ts';
import { LogFile } from './log-file.ts';
import { openOutput, type Output } from './output-pipe.ts';
import { lanePath, placesOf, sandboxArgv } from './sandbox.ts';
import { cookieName, killGroup, killSurvivors, terminate } from './survivors.ts';

type EndCause = StopCause | 'timeout' | 'idle_timeout';

interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface LaneSignals {
  output(logBytes: number): void;
  heartbeat(logBytes: number): void;
}

const drainMs = 2000;
const reportEveryMs = 100;

export class RunningLane {
  readonly #start: StartMessage;
  readonly #signals: LaneSignals;
  readonly #log: LogFile;
  readonly #beganAt = performance.now();
  readonly #ended = Promise.withResolvers<EndCause>();
  #cause: EndCause | undefined;
  #leaseTimer: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #reportTimer: NodeJS.Timeout | undefined;
  #lastOutputAt = performance.now();
  #toldOutput = false;

  constructor(start: StartMessage, signals: LaneSignals) {
    this.#start = start;
    this.#signals = signals;
    this.#log = new LogFile(start.logFolder, start.maxLogBytes);
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
    try {
      this.#log.note(
        `${start.title} · attempt ${start.attemptNumber} · commit ${start.commit.slice(0, 12)} · sandbox ${start.tier}`,
      );
      for (const note of start.notes) this.#log.note(note);
      return this.#close(await this.#execute());
    } catch (error) {
      this.#close({ outcome: 'failed', failureKind: 'infrastructure', message: String(error) });
      throw error;
    } finally {
      clearInterval(heartbeat);
      clearTimeout(timeout);
      for (const timer of [this.#leaseTimer, this.#idleTimer, this.#reportTimer]) clearTimeout(timer);
      rmSync(start.folder, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  async #execute(): Promise<LaneResult> {
    const start = this.#start;
    const places = placesOf(start);
    const { folder, commit, objects, searchPath, cookie } = start;
    const [output] = await Promise.all([
      openOutput(start.logFolder, searchPath),
      makeCheckout({ folder, commit, objects, shownObjects: places.objects, searchPath, cookie }),
    ]);
    try {
      if (this.#cause !== undefined) return resultOfCause(this.#cause, start);
      const child = this.#spawn(output);
      const exited = exitOf(child);
      this.#watchIdle();
      output.read((chunk) => this.#take(chunk));
      const first = await Promise.race([exited, this.#ended.promise]);
      const exit = typeof first === 'string' ? await this.#terminate(exited) : first;
      killGroup(child.pid);
      const survivors = await killSurvivors(start.cookie);
      await Promise.race([output.ended, delay(drainMs)]);
      if (survivors.length > 0) return unkillable(survivors.length);
      return this.#cause === undefined
        ? resultOfExit(exit)
        : { ...resultOfCause(this.#cause, start), ...codes(exit) };
    } finally {
      output.close();
    }
  }

  #spawn(output: Output): ChildProcess {
    const start = this.#start;
    const places = placesOf(start);
    const env = {
      PATH: lanePath(start.tier, start.searchPath),
      LANG: 'C.UTF-8',
      ...start.env,
      HOME: places.home,
      TMPDIR: places.temporary,
    };
    const command = typeof start.command === 'string' ? ['sh', '-euc', start.command] : start.command;
    const [program = '', ...args] = sandboxArgv({ ...start, env }, command);
    const child = spawn(program, args, {
      cwd: `${start.folder}/work`,
      detached: true,
      stdio: ['ignore', output.writeEnd, output.writeEnd],
      env: {
        ...(start.tier === 'bubblewrap' ? { PATH: start.searchPath } : env),
        [cookieName]: start.cookie,
      },
    });
    output.closeWriteEnd();
    return child;
  }

  /** Asks, waits out the grace, and leaves the killing to what follows. */
  async #terminate(exited: Promise<Exit>): Promise<Exit> {
    const start = this.#start;
    this.#log.note(`ending the lane: ${this.#cause ?? 'stopped'}`);
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
    this.#ended.resolve(cause);
  }

  #take(chunk: Buffer): void {
    this.#log.write(chunk);
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

  #close(result: LaneResult): LaneResult {
    const seconds = ((performance.now() - this.#beganAt) / 1000).toFixed(1);
    const how = result.failureKind ?? result.cause ?? result.outcome;
    const exit = result.exitCode === undefined ? (result.signal ?? '') : `exit ${result.exitCode}`;
    this.#log.note([how, exit, `after ${seconds} s`].filter(Boolean).join(' · '));
    this.#log.close();
    return result;
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

const codes = ({ code, signal }: Exit) => ({
  ...(code === null ? {} : { exitCode: code }),
  ...(signal === null ? {} : { signal }),
});

function resultOfExit(exit: Exit): LaneResult {
  if (exit.code === 0) return { outcome: 'success', exitCode: 0 };
  const how = exit.code === null ? `ended by ${exit.signal}` : `exit ${exit.code}`;
  return { outcome: 'failed', failureKind: 'test_failure', message: how, ...codes(exit) };
}

function resultOfCause(cause: EndCause, start: StartMessage): LaneResult {
  const span = (milliseconds: number) =>
    milliseconds < 60_000 ? `${milliseconds / 1000} s` : `${milliseconds / 60_000} min`;
  switch (cause) {
    case 'timeout':
      return { outcome: 'failed', failureKind: cause, message: `took longer than ${span(start.timeoutMs)}` };
    case 'idle_timeout':
      return { outcome: 'failed', failureKind: cause, message: `printed nothing for ${span(start.idleMs)}` };
    default:
      return { outcome: 'stopped', cause };
  }
}

const unkillable = (count: number): LaneResult => ({
  outcome: 'failed',
  failureKind: 'unkillable',
  message: `${count} of its programs could not be ended`,
});
