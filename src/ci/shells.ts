// Debug shells into the kept workspaces of failed attempts: who may open one, how long it lasts, and an end after which
// nothing of it lives. Who serves the client starts what is granted here, and tells when it is over; whatever it tells,
// a shell ends with its time, with the right of its user, and with the forge.
import { recordAudit } from '../accounts/audit.ts';
import { requireAccount } from '../accounts/guard.ts';
import type { Caller } from '../accounts/model.ts';
import { systemCaller } from '../accounts/system.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName, includesRight, type Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { findWorkspace, type Workspace, type WorkspaceWanted } from './find-workspace.ts';
import type { Tier } from './lane-message.ts';
import { cookiePrefix } from './launch.ts';
import { shellGreeting, shellProgram } from './shell-program.ts';
import { endShellRow, insertShell, listOpenShells, type ShellEnding } from './shell-store.ts';
import { killSurvivors } from './survivors.ts';

/** Between two looks at whether the user still may. */
const lookMs = 10_000;
/** After its time, for whoever serves it to say so. */
const overtimeMs = 10_000;
const againMs = 30_000;

export interface ShellWanted extends WorkspaceWanted {
  /** The client's TERM, when it has a terminal. */
  term?: string | undefined;
  /** Who the client is now; undefined when its key is not known any more. */
  lookAgain(): Caller | undefined;
}

export interface ShellGrant {
  id: string;
  argv: string[];
  env: Record<string, string>;
  folder: string;
  limitMs: number;
  greeting: string[];
}

interface OpenShell {
  id: number;
  caller: Caller;
  workspace: Workspace;
  cookie: string;
  endsBy: number;
  timers: NodeJS.Timeout[];
}

/** Among the ids of all that is served. */
const nameOf = (id: number): string => `shell-${id}`;

export class Shells {
  readonly #forge: Forge;
  readonly #tier: Tier | undefined;
  readonly #open = new Map<string, OpenShell>();
  /** By attempt: the ends that are not verified yet. */
  readonly #ending = new Map<number, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(forge: Forge, tier: Tier | undefined) {
    this.#forge = forge;
    this.#tier = tier;
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
    const isLate = this.#forge.clock.now() >= shell.endsBy;
    this.#close(shell, isLate ? 'time_limit' : 'left');
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
    const { caller } = wanted;
    const { attempt } = workspace;
    if (this.#stopping.signal.aborted) throw new ForgeError('unavailable', 'The forge is being stopped.');
    if (this.#open.size >= maxShells) {
      throw new ForgeError('unavailable', `${maxShells} shells are open already; wait for the end of one.`);
    }
    const limitMs = shellMinutes * 60_000;
    const openedAt = forge.clock.now();
    const endsBy = openedAt + limitMs;
    const id = forge.db.transaction(() => {
      const accountId = requireAccount(caller, 'write').id;
      const row = insertShell(forge.db, { attemptId: attempt.id, accountId, openedAt, endsBy });
      if (row === undefined) throw this.#taken(attempt.id);
      this.#record(caller, workspace, {
        action: 'shell.open',
        detail: { shell: row, minutes: shellMinutes },
      });
      return row;
    });
    const cookie = `${cookiePrefix(forge.config.paths.data)}${nameOf(id)}.`;
    const shell: OpenShell = { id, caller, workspace, cookie, endsBy, timers: [] };
    shell.timers = this.#watch(shell, { repo: workspace.repo, wanted, limitMs });
    const name = nameOf(id);
    this.#open.set(name, shell);
    this.#changed(workspace);
    const program = shellProgram(forge, { workspace, cookie, term: wanted.term });
    return {
      id: name,
      ...program,
      limitMs,
      greeting: shellGreeting(workspace, { minutes: shellMinutes, endsBy }),
    };
  }

  #watch(
    shell: OpenShell,
    { repo, wanted, limitMs }: { repo: Repo; wanted: ShellWanted; limitMs: number },
  ): NodeJS.Timeout[] {
    const look = () => {
      const now = wanted.lookAgain();
      const may = now !== undefined && includesRight(rightOn(this.#forge, now, repo), 'write');
      if (!may) this.#close(shell, 'right_lost');
    };
    return [
      setTimeout(() => this.#close(shell, 'time_limit'), limitMs + overtimeMs),
      setInterval(look, lookMs),
    ];
  }

  #close(shell: OpenShell, ending: ShellEnding): void {
    const { id, workspace, timers } = shell;
    if (!this.#open.delete(nameOf(id))) return;
    for (const timer of timers) clearInterval(timer);
    const attemptId = workspace.attempt.id;
    const ended = this.#killAndRecord(shell, ending).finally(() => this.#ending.delete(attemptId));
    this.#ending.set(attemptId, ended);
  }

  /** The row stays open, and so the workspace taken, as long as a program of the shell lives. */
  async #killAndRecord({ id, caller, workspace, cookie }: OpenShell, ending: ShellEnding): Promise<void> {
    const forge = this.#forge;
    for (;;) {
      const survivors = await killSurvivors(cookie);
      if (survivors.length === 0) break;
      forge.log.error(
        { shell: id, pids: survivors.map(({ pid }) => pid) },
        'programs of a shell cannot be ended',
      );
      // The next start of the forge looks again.
      if (this.#stopping.signal.aborted) return;
      await this.#pause();
    }
    const endedAt = forge.clock.now();
    forge.db.transaction(() => {
      if (!endShellRow(forge.db, { id, endedAt, ending })) return;
      this.#record(caller, workspace, { action: 'shell.end', detail: { shell: id, ending } });
    });
    this.#changed(workspace);
  }

  #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, againMs);
    const { signal } = this.#stopping;
    signal.addEventListener('abort', () => resolve(), { once: true });
    return promise.finally(() => clearTimeout(timer));
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

/** At start, when `recoverAtStart` has ended every program that an earlier forge left behind. */
export function endLeftShells(forge: Forge): void {
  const left = listOpenShells(forge.db);
  if (left.length === 0) return;
  const endedAt = forge.clock.now();
  forge.db.transaction(() => {
    for (const { id, accountName } of left) {
      endShellRow(forge.db, { id, endedAt, ending: 'forge_died' });
      const detail = { shell: id, ending: 'forge_died' };
      recordAudit(forge, systemCaller(forge), {
        action: 'shell.end',
        subject: `shell of ${accountName}`,
        detail,
      });
    }
  });
}
