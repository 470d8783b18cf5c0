// Debug shells into the kept workspaces of failed attempts: who may open one, how long it lasts, and an end after which
// nothing of it lives. Who serves the client starts what is granted here, and tells when it is over; whatever it tells,
// a shell ends with its time, with the right of its user, and with the forge.
import { recordAudit } from '../../accounts/audit.ts';
import { requireAccount } from '../../accounts/guard.ts';
import type { Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { fullName, includesRight } from '../../repos/model.ts';
import { rightOn } from '../../repos/rights.ts';
import { findWorkspace, type Workspace, type WorkspaceWanted } from './find-workspace.ts';
import type { Bounds, Tier } from '../lanes/lane-message.ts';
import { cookiePrefix } from '../lanes/launch.ts';
import { ShellLimits } from './shell-limits.ts';
import { shellGreeting, shellProgram } from './shell-program.ts';
import { endShellRow, insertShell, listOpenShells, type ShellEnding } from './shell-store.ts';

/** Between two looks at whether the user still may. */
const lookMs = 10_000;
/** After its time, for whoever serves it to say so. */
const overtimeMs = 10_000;
const againMs = 30_000;
/** As long as whoever serves an ended shell has not said that it is over, something of it may yet be started. */
const overMs = 500;

export interface ShellWanted extends WorkspaceWanted {
  /** The client's TERM, when it has a terminal. */
  term?: string | undefined;
  /** Who the client is now; undefined when its key is not known any more. */
  lookAgain: () => Caller | undefined;
}

export interface ShellGrant {
  id: string;
  argv: string[];
  env: Record<string, string>;
  folder: string;
  limitMs: number;
  greeting: string[];
}

/** The sandbox and the limits of lanes, and who is told of the attempt that nobody has a shell in any more. */
export interface ShellParts {
  tier: Tier | undefined;
  bounds: Bounds;
  left: (attemptId: number) => void;
}

interface OpenShell {
  id: number;
  caller: Caller;
  lookAgain: ShellWanted['lookAgain'];
  workspace: Workspace;
  cookie: string;
  limits: ShellLimits;
  endsBy: number;
  timers: NodeJS.Timeout[];
  /** Resolved when whoever served it says that it is over, after which nothing of it is started any more. */
  over: PromiseWithResolvers<void>;
  /** What ended it, once it is being ended. */
  ending: ShellEnding | undefined;
  /** Which limit it went over. */
  excess?: string;
}

/** Among the ids of all that is served. */
const nameOf = (id: number): string => `shell-${id}`;

export class Shells {
  readonly #forge: Forge;
  readonly #tier: Tier | undefined;
  readonly #bounds: Bounds;
  readonly #left: (attemptId: number) => void;
  readonly #open = new Map<string, OpenShell>();
  /** By attempt: the ends that are not verified yet. */
  readonly #ending = new Map<number, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(forge: Forge, parts: ShellParts) {
    this.#forge = forge;
    this.#tier = parts.tier;
    this.#bounds = parts.bounds;
    this.#left = parts.left;
  }

  /**
   * Grants a shell, with the sandbox to start it in. Refuses like `findWorkspace`; with `conflict` when another one is open in the
   * attempt, with `unavailable` when too many are open on the forge.
   */
  async open(wanted: ShellWanted, signal: AbortSignal): Promise<ShellGrant> {
    const found = findWorkspace(this.#forge, wanted, this.#tier);
    // Who has just left one and comes back is not refused for what is still being ended.
    await this.#ending.get(found.attempt.id);
    signal.throwIfAborted();
    return this.#grant(wanted, findWorkspace(this.#forge, wanted, this.#tier));
  }

  /** Ends a shell, if it is open; `stop` and a later `open` wait until nothing of it lives. */
  end(id: string): void {
    const shell = this.#open.get(id);
    if (shell === undefined) return;
    shell.over.resolve();
    this.#close(shell, this.#forge.clock.now() >= shell.endsBy ? 'time_limit' : 'left');
  }

  /** Why the forge has ended a shell, for its user; undefined when it did not. */
  farewell(id: string): string | undefined {
    const shell = this.#open.get(id);
    if (shell?.ending === 'over_limit')
      return `this shell ${shell.excess ?? 'took too much'}, and was ended.`;
    if (shell?.ending === 'right_lost') return 'this shell was ended: you may not write here any more.';
    if (shell?.ending === 'stopped') return `this shell was ended from the page of its lane.`;
    return undefined;
  }

  /** Ends the shell that is open in an attempt, for somebody who may; false when there is none. */
  endIn(attemptId: number, by: Caller): boolean {
    const shell = [...this.#open.values()].find(({ workspace }) => workspace.attempt.id === attemptId);
    if (shell === undefined) return false;
    this.#record(by, shell.workspace, { action: 'shell.stop', detail: { shell: shell.id } });
    this.#close(shell, 'stopped');
    return true;
  }

  /** Ends every shell; resolves when nothing of them lives. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const shell of this.#open.values()) this.#close(shell, 'forge_stopped');
    await Promise.all(this.#ending.values());
  }

  #grant(wanted: ShellWanted, workspace: Workspace): ShellGrant {
    const forge = this.#forge;
    const { shellMinutes, maxShells } = forge.config.ci;
    if (this.#stopping.signal.aborted) throw new ForgeError('unavailable', 'The forge is being stopped.');
    if (this.#open.size >= maxShells) {
      throw new ForgeError('unavailable', `${maxShells} shells are open already; wait for the end of one.`);
    }
    const limitMs = shellMinutes * 60_000;
    const endsBy = forge.clock.now() + limitMs;
    const id = this.#insert(wanted.caller, workspace, { endsBy, minutes: shellMinutes });
    let shell: OpenShell | undefined;
    try {
      shell = this.#confine(id, { wanted, workspace, endsBy });
      shell.timers = this.#watch(shell, limitMs);
      this.#open.set(nameOf(id), shell);
      this.#changed(workspace);
      return {
        id: nameOf(id),
        ...shellProgram(forge, { ...shell, term: wanted.term }),
        limitMs,
        greeting: shellGreeting(workspace, { minutes: shellMinutes, endsBy }),
      };
    } catch (error) {
      for (const timer of shell?.timers ?? []) clearInterval(timer);
      void shell?.limits.kill();
      this.#open.delete(nameOf(id));
      endShellRow(forge.db, { id, endedAt: forge.clock.now(), ending: 'left' });
      throw error;
    }
  }

  #insert(
    caller: Caller,
    workspace: Workspace,
    { endsBy, minutes }: { endsBy: number; minutes: number },
  ): number {
    const { db, clock } = this.#forge;
    const attemptId = workspace.attempt.id;
    return db.transaction(() => {
      const accountId = requireAccount(caller, 'write').id;
      const id = insertShell(db, { attemptId, accountId, openedAt: clock.now(), endsBy });
      if (id === undefined) throw this.#taken(attemptId);
      this.#record(caller, workspace, { action: 'shell.open', detail: { shell: id, minutes } });
      return id;
    });
  }

  #confine(
    id: number,
    { wanted, workspace, endsBy }: { wanted: ShellWanted; workspace: Workspace; endsBy: number },
  ): OpenShell {
    const cookie = `${cookiePrefix(this.#forge.config.paths.data)}${nameOf(id)}.`;
    const { tier, folder } = workspace;
    const exceeded = (message: string) => this.#exceed(nameOf(id), message);
    return {
      id,
      caller: wanted.caller,
      lookAgain: wanted.lookAgain,
      workspace,
      cookie,
      limits: new ShellLimits(this.#forge, { tier, bounds: this.#bounds, cookie, folder, exceeded }),
      endsBy,
      timers: [],
      over: Promise.withResolvers<void>(),
      ending: undefined,
    };
  }

  /** Ends the shells of those who may not write any more. */
  look(): void {
    for (const shell of this.#open.values()) {
      const now = shell.lookAgain();
      const may =
        now !== undefined && includesRight(rightOn(this.#forge, now, shell.workspace.repo), 'write');
      if (!may) this.#close(shell, 'right_lost');
    }
  }

  #watch(shell: OpenShell, limitMs: number): NodeJS.Timeout[] {
    return [
      setTimeout(() => this.#close(shell, 'time_limit'), limitMs + overtimeMs),
      setInterval(() => this.look(), lookMs),
    ];
  }

  #exceed(name: string, message: string): void {
    const shell = this.#open.get(name);
    if (shell === undefined) return;
    this.#record(shell.caller, shell.workspace, {
      action: 'shell.limit',
      detail: { shell: shell.id, message },
    });
    shell.excess = message;
    this.#close(shell, 'over_limit');
  }

  #close(shell: OpenShell, ending: ShellEnding): void {
    if (shell.ending !== undefined) return;
    shell.ending = ending;
    for (const timer of shell.timers) clearInterval(timer);
    const name = nameOf(shell.id);
    const ended = this.#killAndRecord(shell, ending).finally(() => {
      this.#open.delete(name);
      this.#ending.delete(shell.workspace.attempt.id);
    });
    this.#ending.set(shell.workspace.attempt.id, ended);
  }

  /** The row stays open, and so the workspace taken, as long as a program of the shell lives or may be started. */
  async #killAndRecord(shell: OpenShell, ending: ShellEnding): Promise<void> {
    const { id, caller, workspace, limits, over } = shell;
    const forge = this.#forge;
    const { signal } = this.#stopping;
    let isOver = false;
    void over.promise.then(() => (isOver = true));
    for (;;) {
      const isLast = isOver || signal.aborted;
      const survivors = await limits.kill();
      if (survivors.length === 0 && isLast) break;
      if (survivors.length === 0) await this.#pause(overMs, over.promise);
      else {
        const pids = survivors.map(({ pid }) => pid);
        forge.log.error({ shell: id, pids }, 'programs of a shell cannot be ended');
        // The next start of the forge looks again.
        if (signal.aborted) return;
        await this.#pause(againMs);
      }
    }
    limits.release();
    const endedAt = forge.clock.now();
    forge.db.transaction(() => {
      if (!endShellRow(forge.db, { id, endedAt, ending })) return;
      this.#record(caller, workspace, { action: 'shell.end', detail: { shell: id, ending } });
    });
    this.#changed(workspace);
    this.#left(workspace.attempt.id);
  }

  /** Waits so long, or until `early`, or until the forge is stopped. */
  async #pause(milliseconds: number, early?: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    void early?.then(resolve);
    this.#stopping.signal.addEventListener('abort', () => resolve(), { once: true });
    if (this.#stopping.signal.aborted) resolve();
    await promise;
    clearTimeout(timer);
  }

  #taken(attemptId: number): ForgeError {
    const open = listOpenShells(this.#forge.db).find((shell) => shell.attemptId === attemptId);
    const who = open === undefined ? 'Somebody' : open.accountName;
    const until =
      open === undefined ? '' : `, until ${new Date(open.endsBy).toISOString().slice(11, 16)} UTC at most`;
    return new ForgeError('conflict', `${who} has a shell open in this workspace${until}. Only one may be.`);
  }

  #record(
    caller: Caller,
    { repo, run, lane, attempt }: Workspace,
    entry: { action: string; detail: Record<string, unknown> },
  ): void {
    recordAudit(this.#forge, caller, {
      action: entry.action,
      subject: `${fullName(repo)} run ${run.number}`,
      detail: { lane: lane.key, attempt: attempt.number, ...entry.detail },
    });
  }

  #changed({ run, lane, attempt }: Workspace): void {
    const { id: runId, repoId, branchId } = run;
    const { id: attemptId, state } = attempt;
    this.#forge.events.emit('lane-changed', { repoId, branchId, runId, laneId: lane.id, attemptId, state });
  }
}
