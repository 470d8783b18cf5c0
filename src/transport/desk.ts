// Where both transports ask: who may start which git service on what, and what the hooks of a push are told.
// A service in progress keeps the caller it was opened for, so a hook can never speak for somebody else.
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { recordAudit } from '../accounts/audit.ts';
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { parseRefUpdate, type RefUpdate } from '../git/push.ts';
import { ForgeError } from '../lib/errors.ts';
import { createRepo } from '../repos/create-repo.ts';
import { findRepo } from '../repos/find.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { mayCreateRepo, noSuchRepo, requireRight } from '../repos/rights.ts';
import type { GitService, Granted } from './model.ts';

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

export class Desk {
  readonly #forge: Forge;
  readonly #rules: PushRules;
  readonly #services = new Map<string, { repo: Repo; caller: Caller }>();
  #opening = 0;

  constructor(forge: Forge, rules: PushRules) {
    this.#forge = forge;
    this.#rules = rules;
  }

  /**
   * Grants a git service and what to start it with; `end` gives the place back. A push to a repository that is
   * not there creates it for those who may. Refuses like `requireRight`, and `unavailable` when too many run.
   */
  async open(wanted: WantedService): Promise<Granted> {
    const { maxGitProcesses } = this.#forge.config.limits;
    if (this.#services.size + this.#opening >= maxGitProcesses) {
      throw new ForgeError(
        'unavailable',
        `The forge serves ${maxGitProcesses} git clients already. Try again in a moment.`,
      );
    }
    this.#opening += 1;
    try {
      const repo = await this.#findOrCreate(wanted);
      return this.#grant(repo, wanted);
    } finally {
      this.#opening -= 1;
    }
  }

  /** Whether a push to this name would create a repository. */
  mayCreate({ caller, service, owner, name }: WantedService): boolean {
    return (
      service === 'git-receive-pack' &&
      findRepo(this.#forge, owner, name) === undefined &&
      mayCreateRepo(caller, owner)
    );
  }

  async #findOrCreate(wanted: WantedService): Promise<Repo> {
    const { caller, service, owner, name } = wanted;
    const repo = findRepo(this.#forge, owner, name);
    if (repo !== undefined) {
      const right = service === 'git-receive-pack' ? 'write' : 'read';
      requireRight(this.#forge, caller, { repo, right });
      return repo;
    }
    if (!this.mayCreate(wanted)) throw noSuchRepo(`${owner}/${name}`, caller);
    return createRepo(this.#forge, { owner, name, caller });
  }

  #grant(repo: Repo, { caller, service }: WantedService): Granted {
    const forge = this.#forge;
    const id = `${forge.clock.now().toString(36)}-${randomBytes(8).toString('hex')}`;
    this.#services.set(id, { repo, caller });
    const env: Record<string, string> =
      service === 'git-upload-pack'
        ? {}
        : {
            PIKA_PUSH_ID: id,
            PIKA_SPOOL: forge.config.paths.spool,
            PIKA_REPO_ID: String(repo.id),
            PIKA_ACTOR_ID: String(caller.account?.id ?? ''),
          };
    return { id, repoPath: repoPath(forge, repo.id), env };
  }

  /** Why the push is refused, a sentence per line; empty when it is allowed. Never throws. */
  async check(asked: PushQuestion): Promise<string[]> {
    const service = this.#services.get(asked.serviceId);
    if (service === undefined) return ['The push is not known to the forge any more. Push again.'];
    const { repo, caller } = service;
    const updates = asked.lines.map(parseRefUpdate).filter((update) => update !== undefined);
    const refusals = await this.#decide({ repo, caller, updates }, asked);
    recordAudit(this.#forge, caller, {
      action: refusals.length === 0 ? 'push.accept' : 'push.refuse',
      subject: fullName(repo),
      detail: { refs: updates.slice(0, maxAuditedRefs), refusals: refusals.slice(0, maxAuditedRefs) },
    });
    return refusals;
  }

  async #decide(
    push: { repo: Repo; caller: Caller; updates: RefUpdate[] },
    { lines, overflow, quarantine }: PushQuestion,
  ): Promise<string[]> {
    const { maxRefsPerPush } = this.#forge.config.limits;
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

  end(serviceId: string): void {
    this.#services.delete(serviceId);
  }
}
