// Starts git through a small process (spawner-process.ts). The two share connections that were made beforehand: the
// forge keeps one end as git's standard stream, and the other end becomes a file of the git that is started.
import { fork, type ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { socketPath } from '../lib/socket-path.ts';

const entry = fileURLToPath(new URL('./spawner-process.ts', import.meta.url));
const spareEnds = 160;

export interface SpawnOrder {
  id: number;
  program: string;
  args: string[];
  cwd: string | undefined;
  env: Record<string, string>;
  /** Whether it leads a process group of its own. */
  detached: boolean;
  /** Whether its group is killed when the forge dies. */
  endsWithForge?: boolean;
  /** The connections that become its files 0, 1, 2 and so on. */
  ends: number[];
}

export type ToSpawner = { kind: 'open'; count: number } | { kind: 'spawn'; order: SpawnOrder };
export type FromSpawner =
  | { kind: 'started'; id: number; pid: number }
  | { kind: 'ended'; id: number; code: number | null; signal: NodeJS.Signals | null; error?: string };

/** What the callers of a git use of Node's ChildProcess, which is one. */
export interface RunningGit {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly stdio: readonly (Readable | Writable | null | undefined)[];
  /** Undefined until it was started, which `spawn` tells. */
  readonly pid?: number | undefined;
  readonly exitCode: number | null;
  readonly signalCode: NodeJS.Signals | null;
  kill(signal: NodeJS.Signals): boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'close', listener: (code: number | null) => void): unknown;
  on(event: 'spawn', listener: () => void): unknown;
}

class SpawnedGit extends EventEmitter implements RunningGit {
  readonly stdin: Socket;
  readonly stdout: Socket;
  readonly stderr: Socket;
  readonly stdio: readonly Socket[];
  pid: number | undefined;
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  readonly #isGroup: boolean;
  #openStreams = 2;
  #isEnded = false;
  #killedBy: NodeJS.Signals | undefined;

  constructor(ends: readonly [Socket, Socket, Socket, ...Socket[]], isGroup: boolean) {
    super();
    this.#isGroup = isGroup;
    this.stdio = ends;
    [this.stdin, this.stdout, this.stderr] = ends;
    for (const stream of [this.stdout, this.stderr]) {
      stream.once('close', () => {
        this.#openStreams -= 1;
        this.#closeWhenDone();
      });
    }
  }

  kill(signal: NodeJS.Signals): boolean {
    if (this.#isEnded) return false;
    this.#killedBy = signal;
    if (this.pid !== undefined) signalTo(this.pid, signal);
    return true;
  }

  started(pid: number): void {
    this.pid = pid;
    if (this.#killedBy !== undefined) signalTo(pid, this.#killedBy);
    this.emit('spawn');
  }

  ended(how: { code: number | null; signal: NodeJS.Signals | null; error?: string | undefined }): void {
    this.#isEnded = true;
    this.exitCode = how.code;
    this.signalCode = how.signal;
    this.stdin.destroy();
    // As Node's own does: what nobody reads any more, because its client has gone, must not keep the end from being told.
    for (const stream of [this.stdout, this.stderr]) if (stream.readable) stream.resume();
    if (how.error !== undefined) this.emit('error', new Error(how.error));
    this.#closeWhenDone();
  }

  /** The spawner is gone, and with it whoever would tell how this git ends. */
  abandon(): void {
    if (this.pid !== undefined) signalTo(this.#isGroup ? -this.pid : this.pid, 'SIGKILL');
    this.ended({ code: null, signal: 'SIGKILL' });
  }

  // What a git wrote last may still be on its way when its end is known.
  #closeWhenDone(): void {
    if (this.#isEnded && this.#openStreams === 0) this.emit('close', this.exitCode);
  }
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/** Holds the small process and the spare connections to it. */
export class Spawner {
  readonly #child: ChildProcess;
  readonly #server: Server;
  readonly #spare: { name: number; end: Socket }[] = [];
  readonly #running = new Map<number, SpawnedGit>();
  #lastEnd = 0;
  #lastId = 0;
  #isGone = false;

  private constructor(child: ChildProcess, server: Server, onLost: () => void) {
    this.#child = child;
    this.#server = server;
    server.on('connection', (end) => this.#keep(end));
    child.on('message', (message: FromSpawner) => this.#receive(message));
    child.on('error', () => this.#lose());
    child.on('exit', () => {
      this.#lose();
      onLost();
    });
    this.#tell({ kind: 'open', count: spareEnds });
  }

  /** Starts the process; `address` is the path of the socket both meet at. Rejects when it cannot be listened on. */
  static async open(
    address: string,
    options: { environment: Record<string, string>; onLost: () => void },
  ): Promise<Spawner> {
    rmSync(address, { force: true });
    const server = createServer();
    const listening = Promise.withResolvers<void>();
    server.once('error', listening.reject);
    server.listen(socketPath(address), () => listening.resolve());
    await listening.promise;
    const child = fork(entry, [address], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: options.environment,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    return new Spawner(child, server, options.onLost);
  }

  /** Starts a program with `ends` connections as its first files; undefined when it cannot be done at once. */
  spawn(order: Omit<SpawnOrder, 'id' | 'ends'>, ends: number): RunningGit | undefined {
    if (this.#isGone || this.#spare.length < ends) return undefined;
    const taken = this.#spare.splice(0, ends);
    const [stdin, stdout, stderr, ...more] = taken.map(({ end }) => end);
    if (stdin === undefined || stdout === undefined || stderr === undefined) return undefined;
    this.#lastId += 1;
    const id = this.#lastId;
    const git = new SpawnedGit([stdin, stdout, stderr, ...more], order.detached);
    this.#running.set(id, git);
    this.#tell({ kind: 'spawn', order: { ...order, id, ends: taken.map(({ name }) => name) } });
    this.#tell({ kind: 'open', count: ends });
    return git;
  }

  /** The id of the process, for the tests that kill it. */
  get processId(): number | undefined {
    return this.#child.pid;
  }

  /** Ends the process; what it started goes on without it. */
  close(): void {
    this.#child.removeAllListeners('exit');
    this.#lose();
    if (this.#child.connected) this.#child.disconnect();
  }

  /** Connections arrive in the order in which they were opened: one process opens them, one after the other. */
  #keep(end: Socket): void {
    end.on('error', () => undefined);
    this.#lastEnd += 1;
    this.#spare.push({ name: this.#lastEnd, end });
  }

  #receive(message: FromSpawner): void {
    const git = this.#running.get(message.id);
    if (message.kind === 'started') git?.started(message.pid);
    else {
      this.#running.delete(message.id);
      git?.ended(message);
    }
  }

  #lose(): void {
    this.#isGone = true;
    for (const { end } of this.#spare.splice(0)) end.destroy();
    for (const git of this.#running.values()) git.abandon();
    this.#running.clear();
    this.#server.close();
  }

  #tell(message: ToSpawner): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }
}
