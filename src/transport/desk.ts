// Where both transports ask: who may start which git service on what, and what the hooks of a push are told.
// A service in progress keeps the caller it was opened for, so a hook can never speak for somebody else.
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { recordAudit } from '../accounts/audit.ts';
import { sharerOf, type Caller } from '../accounts/model.ts';
import { diskRoom, noRoomSentence, requireRoom } from '../forge/disk.ts';
import type { Forge } from '../forge/open.ts';
import { parseRefUpdate, type RefUpdate } from '../git/push.ts';
import { createRepo } from '../repos/create-repo.ts';
import { findRepo } from '../repos/find.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { mayCreateRepo, noSuchRepo, requireRight } from '../repos/rights.ts';
import { emptyRepo } from './empty-repo.ts';
import type { GitService, Granted, GrantedShell, WantedShell } from './model.ts';
import { Places, type Leave } from './places.ts';

const ringMs = 10_000;
const maxAuditedRefs = 20;

/** What the branches room decides and does for a push; handed in, because transport may not know that room. */
export interface PushRules {
  decide(
    forge: Forge,
    push: { repo: Repo; caller: Caller; updates: readonly RefUpdate[]; quarantine: string | undefined },
  ): Promise<string[]>;
  ingest(pushId: string): Promise<string[]>;
}

export interface ShellOrder extends WantedShell {
  caller: Caller;
  /** Who the client is at a later moment; undefined when its key is not known any more. */
  lookAgain: () => Caller | undefined;
}

/** What the CI room grants of debug shells; handed in for the same reason. */
export interface ShellRules {
  /** Refuses with a sentence for the user. The `id` is that of the shell. */
  open(wanted: ShellOrder, signal: AbortSignal): Promise<GrantedShell>;
  /** Why the forge has ended it, for its user. */
  farewell(id: string): string | undefined;
  /** The shell is over, or who served it is gone: nothing of it may live on. */
  end(id: string): void;
}

export interface WantedService {
  caller: Caller;
  service: GitService;
  owner: string;
  name: string;
}

export interface PushQuestion {
  serviceId: string;
  quarantine: string;
  lines: readonly string[];
  /** Whether the hook sent more than was kept. */
  overflow: boolean;
}

interface Service {
  /** Undefined while it is only shown as empty. */
  repo: Repo | undefined;
  caller: Caller;
  leave: Leave;
}

export class Desk {
  readonly #forge: Forge;
  readonly #rules: PushRules;
  readonly #shells: ShellRules;
  readonly #places: Places;
  readonly #services = new Map<string, Service>();

  constructor(forge: Forge, { pushes, shells }: { pushes: PushRules; shells: ShellRules }) {
    this.#forge = forge;
    this.#rules = pushes;
    this.#shells = shells;
    this.#places = new Places(forge.config.limits);
  }

  /**
   * Grants a git service and what to start it with, when a place is free; `end` gives the place back. A push to a
   * repository that is not there creates it for those who may. Refuses like `requireRight`, and like `Places.take`.
   */
  async open(wanted: WantedService, signal: AbortSignal): Promise<Granted> {
    const leave = await this.#place(wanted, signal);
    try {
      // Asked again: the right may have been taken away while the client waited.
      return this.#grant(await this.#findOrCreate(wanted), { wanted, leave });
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Grants the listing of refs that precedes a service. It changes nothing: a repository to be is shown as empty. */
  async openListing(wanted: WantedService, signal: AbortSignal): Promise<Granted> {
    if (!this.#mayCreate(wanted)) return this.open(wanted, signal);
    const path = await emptyRepo(this.#forge);
    const leave = await this.#place(wanted, signal);
    const id = this.#newId();
    this.#services.set(id, { repo: undefined, caller: wanted.caller, leave });
    return { id, repoPath: path, env: {} };
  }

  /** Grants a debug shell; `end` with its id ends it. */
  async openShell(wanted: ShellOrder, signal: AbortSignal): Promise<GrantedShell> {
    const granted = await this.#shells.open(wanted, signal);
    const { id } = granted;
    this.#services.set(id, { repo: undefined, caller: wanted.caller, leave: () => this.#shells.end(id) });
    return granted;
  }

  /** Git clients that are served, and that wait for a place. */
  clients(): { served: number; waiting: number } {
    return this.#places.count();
  }

  farewell(serviceId: string): string | null {
    return this.#shells.farewell(serviceId) ?? null;
  }

  #place(wanted: WantedService, signal: AbortSignal): Promise<Leave> {
    // Who may not is told so at once, and takes nobody's place in the queue.
    const repo = this.#find(wanted);
    // Before anything is sent: the pack of a push would take the room that those under way still need.
    if (wanted.service === 'git-receive-pack') requireRoom(this.#forge);
    return this.#places.take(
      {
        repo: repo === undefined ? `${wanted.owner}/${wanted.name}`.toLowerCase() : fullName(repo),
        client: sharerOf(wanted.caller),
      },
      signal,
    );
  }

  #mayCreate({ caller, service, owner, name }: WantedService): boolean {
    return (
      service === 'git-receive-pack' &&
      findRepo(this.#forge, owner, name) === undefined &&
      mayCreateRepo(caller, owner)
    );
  }

  /** The repository, if the caller may have the service; undefined when the push is to create it. */
  #find(wanted: WantedService): Repo | undefined {
    const { caller, service, owner, name } = wanted;
    const repo = findRepo(this.#forge, owner, name);
    if (repo !== undefined) {
      const right = service === 'git-receive-pack' ? 'write' : 'read';
      requireRight(this.#forge, caller, { repo, right });
    } else if (!this.#mayCreate(wanted)) throw noSuchRepo(`${owner}/${name}`, caller);
    return repo;
  }

  async #findOrCreate(wanted: WantedService): Promise<Repo> {
    const { caller, owner, name } = wanted;
    return this.#find(wanted) ?? createRepo(this.#forge, { owner, name, caller });
  }

  #newId(): string {
    return `${this.#forge.clock.now().toString(36)}-${randomBytes(8).toString('hex')}`;
  }

  #grant(repo: Repo, { wanted, leave }: { wanted: WantedService; leave: Leave }): Granted {
    const forge = this.#forge;
    const { caller, service } = wanted;
    const id = this.#newId();
    this.#services.set(id, { repo, caller, leave });
    if (service === 'git-receive-pack') forge.events.emit('push-begun', { repoId: repo.id });
    const env: Record<string, string> =
      service === 'git-upload-pack'
        ? {}
        : {
            PIKA_PUSH_ID: id,
            PIKA_SPOOL: forge.config.paths.spool,
            PIKA_REPO_ID: String(repo.id),
            PIKA_ACTOR_ID: String(caller.account?.id ?? ''),
            ...this.#roomForPack(),
          };
    return { id, repoPath: repoPath(forge, repo.id), env };
  }

  /** On a disk that is nearly full a pack may have what is free, and git refuses a larger one before it is written. */
  #roomForPack(): Record<string, string> {
    const { freeBytes, minFreeBytes } = diskRoom(this.#forge);
    const left = Math.max(1, freeBytes - minFreeBytes);
    return left >= this.#forge.config.limits.maxPushBytes ? {} : oneSetting('receive.maxInputSize', left);
  }

  /** Why the push is refused, a sentence per line; empty when it is allowed. Never throws. */
  async check(asked: PushQuestion): Promise<string[]> {
    const service = this.#services.get(asked.serviceId);
    if (service?.repo === undefined) return ['The push is not known to the forge any more. Push again.'];
    const { repo, caller } = service;
    const updates = asked.lines.map(parseRefUpdate).filter((update) => update !== undefined);
    const refusals = await this.#decide({ repo, caller, updates }, asked);
    const record = (): void =>
      recordAudit(this.#forge, caller, {
        action: refusals.length === 0 ? 'push.accept' : 'push.refuse',
        subject: fullName(repo),
        detail: { refs: updates.slice(0, maxAuditedRefs), refusals: refusals.slice(0, maxAuditedRefs) },
      });
    // What is accepted reaches the disk with the rows of the push.
    if (refusals.length === 0) this.#forge.db.relaxedTransaction(record);
    else record();
    return refusals;
  }

  async #decide(
    push: { repo: Repo; caller: Caller; updates: RefUpdate[] },
    { lines, overflow, quarantine }: PushQuestion,
  ): Promise<string[]> {
    const { maxRefsPerPush } = this.#forge.config.limits;
    // Asked again: others may have filled the disk while this push was sent.
    const room = diskRoom(this.#forge);
    if (room.isLow) return [noRoomSentence(room)];
    if (overflow) return [`At most ${maxRefsPerPush} refs are taken in one push. Push them in parts.`];
    if (push.updates.length !== lines.length) return ['The list of refs could not be read. Push again.'];
    try {
      return await this.#rules.decide(this.#forge, { ...push, quarantine: quarantine || undefined });
    } catch (error) {
      this.#forge.log.error({ err: error, repo: fullName(push.repo) }, 'a push could not be checked');
      return ['The forge could not check the push; nothing was changed. Its log says why.'];
    }
  }

  /** The push stands and its spool file is written; answers the lines to show. Never throws, never waits long. */
  async ring(serviceId: string): Promise<string[]> {
    const patience = new AbortController();
    try {
      return await Promise.race([
        this.#rules.ingest(serviceId),
        delay(ringMs, [], { signal: patience.signal, ref: false }),
      ]);
    } catch (error) {
      this.#forge.log.error({ err: error, push: serviceId }, 'a push could not be ingested at once');
      return [];
    } finally {
      patience.abort();
    }
  }

  /** What was refused before git saw it, for the record. */
  refuse(serviceId: string, sentence: string): null {
    const service = this.#services.get(serviceId);
    if (service?.repo === undefined) return null;
    recordAudit(this.#forge, service.caller, {
      action: 'push.refuse',
      subject: fullName(service.repo),
      detail: { refusals: [sentence] },
    });
    return null;
  }

  end(serviceId: string): void {
    this.#services.get(serviceId)?.leave();
    this.#services.delete(serviceId);
  }
}

/** A setting for one git alone (git-config(1), GIT_CONFIG_COUNT). */
const oneSetting = (name: string, value: number): Record<string, string> => ({
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: name,
  GIT_CONFIG_VALUE_0: String(value),
});
