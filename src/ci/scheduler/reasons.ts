// Decides, for every queued lane in claim order, whether it is claimed now or why it waits. Pure, so that
// each rule can be tested without a clock or a thread.
import type { QueueReason } from '../model.ts';
import type { LiveLane, QueuedLane, Told } from './queue.ts';

export interface QueueFacts {
  /** In claim order. */
  queued: readonly QueuedLane[];
  live: readonly LiveLane[];
  /** How many lanes each target runs at once; a target without a number is unknown here. */
  places: ReadonlyMap<string, number>;
  now: number;
  /** How long a lane waits for a target that does not exist. */
  patienceMs: number;
  /** Why no lane of a target can run here at all. */
  unsatisfiable: (target: string) => string | undefined;
  /** Why nothing is claimed for now: somebody paused CI. */
  paused: string | undefined;
  /** Why a target takes no lane of a repository, or of some repository, for now. */
  unhealthy: (target: string, repoId?: number) => string | undefined;
  /** What a needed lane says: it lets the lane run, it still has to, or it never will. */
  needState: (runId: number, key: string) => 'met' | 'waits' | 'failed';
}

export type Verdict =
  | { verdict: 'claim' }
  | { verdict: 'skip'; need: string }
  | { verdict: 'fail'; message: string }
  | { verdict: 'wait'; reason: QueueReason; detail: string };

export interface Decision {
  lane: QueuedLane;
  verdict: Verdict;
}

/** A decision for every queued lane; on each target at most as many are claimed as it has free places. */
export function decideQueue(facts: QueueFacts): Decision[] {
  const groups = new HeldGroups(facts.live);
  const places = new FreePlaces(facts);
  return facts.queued.map((lane) => {
    const blocked =
      decideNeeds(lane, facts) ??
      decideWhere(lane, facts) ??
      decideWhen(lane, facts) ??
      groups.decide(lane) ??
      places.decide(lane);
    if (blocked !== undefined) return { lane, verdict: blocked };
    groups.take(lane);
    places.take(lane);
    return { lane, verdict: claim };
  });
}

/** What a lane that needs nothing and is in no group is told before anything of it is known; it need not be looked at again. */
export function knownVerdicts(facts: Omit<QueueFacts, 'queued' | 'needState'>): Told[] {
  const places = new FreePlaces(facts);
  const { paused } = facts;
  return [...facts.places.keys()].flatMap((target): Told[] => {
    const unsatisfiable = facts.unsatisfiable(target);
    if (unsatisfiable !== undefined) return [{ target, reason: 'unsatisfiable', detail: unsatisfiable }];
    if (paused !== undefined) return [{ target, reason: 'paused', detail: paused }];
    const full = facts.unhealthy(target) === undefined ? places.full(target) : undefined;
    return full === undefined ? [] : [{ target, reason: 'waiting_for_capacity', detail: full }];
  });
}

const claim: Verdict = { verdict: 'claim' };

const wait = (reason: QueueReason, detail: string) => ({ verdict: 'wait' as const, reason, detail });

function decideNeeds(lane: QueuedLane, facts: QueueFacts): Verdict | undefined {
  if (lane.needs === '[]') return undefined;
  const states = (JSON.parse(lane.needs) as string[]).map((need) => ({
    need,
    state: facts.needState(lane.runId, need),
  }));
  const failed = states.find(({ state }) => state === 'failed');
  if (failed !== undefined) return { verdict: 'skip', need: failed.need };
  const waits = states.filter(({ state }) => state === 'waits').map(({ need }) => need);
  return waits.length === 0 ? undefined : wait('waiting_for_lane', `waits for ${waits.join(', ')}`);
}

/** Whether there is a place for it at all. What there will never be one for must not hold its run for ever. */
function decideWhere(lane: QueuedLane, facts: QueueFacts): Verdict | undefined {
  const { places, now, patienceMs } = facts;
  const { target, reason, reasonDetail, reasonSince } = lane;
  const unsatisfiable = facts.unsatisfiable(target);
  if (unsatisfiable !== undefined) return wait('unsatisfiable', unsatisfiable);
  if (places.has(target)) return undefined;
  const known = [...places.keys()].join(', ');
  const detail = `there is no target "${target}" here; name one of ${known} in .pika/lanes.toml, or let the operator add [ci.targets.${target}] to pika.toml`;
  const hasWaited = reason === 'unsatisfiable' && reasonDetail === detail && now - reasonSince >= patienceMs;
  return hasWaited ? { verdict: 'fail', message: detail } : wait('unsatisfiable', detail);
}

/** Whether it may start now. */
function decideWhen({ notBefore, target, repoId }: QueuedLane, facts: QueueFacts): Verdict | undefined {
  if (facts.paused !== undefined) return wait('paused', facts.paused);
  if (notBefore !== null && notBefore > facts.now) {
    const at = new Date(notBefore).toISOString().slice(11, 19);
    return wait('retry_backoff', `tried again at ${at} UTC`);
  }
  const detail = facts.unhealthy(target, repoId);
  return detail === undefined ? undefined : wait('target_unhealthy', detail);
}

/** A group is held across all repositories, for the machine or the account behind it is one. */
class HeldGroups {
  readonly #holders = new Map<string, { key: string; runNumber: number; repoId: number }>();

  constructor(live: readonly LiveLane[]) {
    for (const { group, ...lane } of live) if (group !== null) this.#holders.set(group, lane);
  }

  decide({ group, repoId }: QueuedLane): Verdict | undefined {
    const holder = group === null ? undefined : this.#holders.get(group);
    if (holder === undefined) return undefined;
    // The lanes of a repository are nobody's business in another one.
    const shown =
      holder.repoId === repoId ? `${holder.key} of run ${holder.runNumber}` : 'a lane of another repository';
    return wait('blocked_by_group', `${group} is held by ${shown}`);
  }

  take(lane: QueuedLane): void {
    if (lane.group !== null) this.#holders.set(lane.group, lane);
  }
}

class FreePlaces {
  readonly #free = new Map<string, number>();
  /** What a lane is told that finds its target full; one for all of them. */
  readonly #full = new Map<string, Verdict & { verdict: 'wait' }>();

  constructor({ places, live }: Pick<QueueFacts, 'places' | 'live'>) {
    for (const [target, count] of places) {
      const where = places.size === 1 ? '' : ` on ${target}`;
      this.#free.set(target, count);
      this.#full.set(target, wait('waiting_for_capacity', `all ${count} places for lanes${where} are taken`));
    }
    for (const { target } of live) this.#free.set(target, (this.#free.get(target) ?? 0) - 1);
  }

  decide({ target }: QueuedLane): Verdict | undefined {
    return (this.#free.get(target) ?? 0) > 0 ? undefined : this.#full.get(target);
  }

  /** The words for a target that has no free place. */
  full(target: string): string | undefined {
    return (this.#free.get(target) ?? 0) > 0 ? undefined : this.#full.get(target)?.detail;
  }

  take({ target }: QueuedLane): void {
    this.#free.set(target, (this.#free.get(target) ?? 0) - 1);
  }
}

/** Lane-milliseconds of the last day: of a repository, and of one branch of it. */
export interface Used {
  ofRepo: number;
  ofBranch: number;
}

/**
 * Claim order: landings before branches before nightlies, then the repository that used the least in the last day, in it
 * the branch that used the least, then age. One busy author cannot starve the others. `used` answers one object for
 * each branch (0: none), so that the queue is sorted by branches and not by lanes, which are a thousand times as many.
 */
export function orderQueue(
  queued: readonly QueuedLane[],
  used: (repoId: number, branchId: number) => Used,
): QueuedLane[] {
  const shares = {
    landing: new Map<Used, Share>(),
    branch: new Map<Used, Share>(),
    nightly: new Map<Used, Share>(),
  };
  for (const lane of queued) {
    const of = used(lane.repoId, lane.branchId ?? 0);
    const share = shares[lane.kind].get(of);
    if (share === undefined) shares[lane.kind].set(of, { ...of, lanes: [lane] });
    else share.lanes.push(lane);
  }
  return [shares.landing, shares.branch, shares.nightly].flatMap((kind) => inFairOrder([...kind.values()]));
}

interface Share extends Used {
  /** Oldest first, as they came. */
  lanes: QueuedLane[];
}

function inFairOrder(shares: Share[]): QueuedLane[] {
  shares.sort((a, b) => a.ofRepo - b.ofRepo || a.ofBranch - b.ofBranch);
  return shares.flatMap((share, at) => {
    const isSame = (other: Share | undefined) =>
      other?.ofRepo === share.ofRepo && other.ofBranch === share.ofBranch;
    if (isSame(shares[at - 1])) return [];
    if (!isSame(shares[at + 1])) return share.lanes;
    // Between branches that used the same, most often nothing, age decides.
    return shares
      .filter(isSame)
      .flatMap(({ lanes }) => lanes)
      .sort((a, b) => a.queuedAt - b.queuedAt || a.attemptId - b.attemptId);
  });
}
