// What people do with the landing queue: join it, leave it, be first. The queue itself works in landings.ts.
import { recordAudit } from '../../accounts/audit.ts';
import { requireAccount } from '../../accounts/guard.ts';
import type { Account, Caller } from '../../accounts/model.ts';
import { getBranch } from '../../branches/find.ts';
import type { Branch } from '../../branches/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { fullName, type MergeMethod, type Repo } from '../../repos/model.ts';
import { requireRight } from '../../repos/rights.ts';
import { parsePolicy, readPolicy, type LandingPolicy } from '../policy/policy.ts';
import { endLanding, tellLandings } from './queue-change.ts';
import { weighGate, type Weighed } from './queue-gate.ts';
import type { LandingView } from './model.ts';
import { countLiveLandings, findLandingOfBranch, insertLanding, setPriority, type Landing } from './store.ts';
import { landingViewOf } from './queue-view.ts';

export interface EnqueueOrder {
  repo: Repo;
  branch: Branch;
  caller: Caller;
  /** The head the caller has seen and means; no other one lands. */
  expectedHead: string;
  method?: MergeMethod | undefined;
  message?: string | undefined;
  /** Above 0 it goes before the others, and needs the right `maintain`. */
  priority?: number | undefined;
}

/**
 * Lands the branch when its gate opens and the merged tree is tested green. Refuses with `conflict`: the branch moved, is
 * queued already, or is held by what only another push can change (`details.holds`); `limited` when the queue is full.
 */
export async function enqueueLanding(forge: Forge, order: EnqueueOrder): Promise<LandingView> {
  const { repo, caller, priority = 0 } = order;
  requireRight(forge, caller, { repo, right: priority > 0 ? 'maintain' : 'write' });
  const actor = requirePerson(requireAccount(caller, 'write'));
  const branch = getBranch(forge, order.branch.id);
  refuseQueued(forge, repo, branch);
  const { method, expectedHead: head } = order;
  const weighed = await weighGate(forge, { repo, branch, caller, head, method, moment: 'entering' });
  const targetOid = admit(branch, weighed);
  const policy = await policyOf(forge, repo, targetOid);
  forge.db.transaction(() => {
    refuseQueued(forge, repo, branch);
    insertEntry(forge, { ...order, branch, actor, weighed, policy });
    recordAudit(forge, caller, {
      action: 'landing.enqueue',
      subject: `${fullName(repo)}#${branch.number}`,
      detail: { head, target: branch.target, priority, method: method ?? null },
    });
  });
  return changed(forge, branch);
}

/** Takes the branch out of the queue. Refuses (`conflict`) when it is not in it, or is being landed this moment. */
export function cancelLanding(
  forge: Forge,
  order: { repo: Repo; branch: Branch; caller: Caller },
): LandingView {
  const { repo, branch, caller } = order;
  requireRight(forge, caller, { repo, right: 'write' });
  const actor = requireAccount(caller, 'write');
  const landing = requireLive(forge, branch);
  const ended = endLanding(forge, landing, {
    state: 'cancelled',
    cause: 'cancelled',
    message: `${actor.name} took it out of the queue.`,
    wayOut: 'Land it again when it is wanted.',
    by: actor.id,
  });
  if (!ended) throw beingLanded(branch);
  recordAudit(forge, caller, {
    action: 'landing.cancel',
    subject: `${fullName(repo)}#${branch.number}`,
    detail: { head: landing.headOid, target: landing.target },
  });
  return viewOf(forge, branch);
}

/** Puts the branch before all of a lower priority; what is tested already goes on. For maintainers. */
export function prioritizeLanding(
  forge: Forge,
  order: { repo: Repo; branch: Branch; caller: Caller; priority: number },
): LandingView {
  const { repo, branch, caller, priority } = order;
  requireRight(forge, caller, { repo, right: 'maintain' });
  requireAccount(caller, 'write');
  const landing = requireLive(forge, branch);
  forge.db.transaction(() => {
    if (!setPriority(forge.db, landing.id, priority)) throw beingLanded(branch);
    recordAudit(forge, caller, {
      action: 'landing.prioritize',
      subject: `${fullName(repo)}#${branch.number}`,
      detail: { from: landing.priority, to: priority },
    });
  });
  return changed(forge, branch);
}

/** A landing is made in somebody's name; a key of the repository has none. */
function requirePerson(account: Account): Account {
  if (account.kind !== 'system') return account;
  throw new ForgeError(
    'forbidden',
    'A branch is landed by a person or an agent with an account; sign in as one of them.',
  );
}

function refuseQueued(forge: Forge, repo: Repo, branch: Branch): void {
  const known = findLandingOfBranch(forge.db, branch.id);
  if (known?.endedAt === undefined && known !== undefined) {
    throw new ForgeError(
      'conflict',
      `Branch #${branch.number} is in the landing queue already (${known.state}). See it with: ph queue`,
    );
  }
  const most = forge.config.landing.maxEntriesPerRepo;
  if (countLiveLandings(forge.db, repo.id) < most) return;
  throw new ForgeError(
    'limited',
    `The landing queue of ${fullName(repo)} is full: it holds ${most} branches. Wait until one has landed.`,
  );
}

/** The target's commit, where it may enter; throws the refusal otherwise. */
function admit(branch: Branch, weighed: Weighed): string {
  if (weighed.outcome === 'refused') {
    const { hold, holds } = weighed;
    throw new ForgeError('conflict', `Not queued. ${hold.message} ${hold.wayOut}`, { details: { holds } });
  }
  const stale =
    weighed.outcome === 'held' ? weighed.holds.find(({ kind }) => kind === 'stale_head') : undefined;
  if (stale !== undefined) {
    throw new ForgeError('conflict', `${stale.message} Nothing was queued. ${stale.wayOut}`);
  }
  if (weighed.targetOid !== undefined) return weighed.targetOid;
  throw new ForgeError('conflict', `Not queued: the target ${branch.target} does not exist.`);
}

/** A policy that cannot be read holds the gate; until it can, the usual one says how the queue works. */
export async function policyOf(forge: Forge, repo: Repo, targetOid: string): Promise<LandingPolicy> {
  try {
    return await readPolicy(forge, repo, targetOid);
  } catch (error) {
    if (error instanceof ForgeError && error.code === 'invalid') return parsePolicy('');
    throw error;
  }
}

function insertEntry(
  forge: Forge,
  entry: EnqueueOrder & { actor: Account; weighed: Weighed; policy: LandingPolicy },
): void {
  const { repo, branch, caller, expectedHead, method, message, priority = 0, actor, weighed, policy } = entry;
  const now = forge.clock.now();
  const holds = weighed.outcome === 'held' ? weighed.holds : [];
  insertLanding(forge.db, {
    repoId: repo.id,
    branchId: branch.id,
    target: branch.target,
    headOid: expectedHead,
    revision: branch.revision,
    method,
    message,
    actorId: actor.id,
    credential: caller.credential,
    priority,
    state: holds.length > 0 ? 'waiting' : 'queued',
    reason: holds.length > 0 ? 'gate_held' : 'ready',
    holds,
    deadlineAt: now + policy.landing.maxWaitMinutes * 60_000,
    now,
  });
}

function requireLive(forge: Forge, branch: Branch): Landing {
  const landing = findLandingOfBranch(forge.db, branch.id);
  if (landing !== undefined && landing.endedAt === undefined) return landing;
  throw new ForgeError('conflict', `Branch #${branch.number} is not in the landing queue.`);
}

const beingLanded = (branch: Branch): ForgeError =>
  new ForgeError(
    'conflict',
    `Branch #${branch.number} is being landed this moment; it is too late for that.`,
  );

function changed(forge: Forge, branch: Branch): LandingView {
  tellLandings(forge, [{ repoId: branch.repoId, branchId: branch.id }]);
  return viewOf(forge, branch);
}

function viewOf(forge: Forge, branch: Branch): LandingView {
  const landing = findLandingOfBranch(forge.db, branch.id);
  if (landing === undefined) throw new ForgeError('not_found', 'There is no such entry of the queue.');
  return landingViewOf(forge, landing);
}
