// Decides, for every queued lane in claim order, whether it is claimed now or why it waits. Pure, so that
// each rule can be tested without a clock or a thread.
import type { QueueReason } from './model.ts';
import type { LiveLane, QueuedLane } from './queue.ts';

export interface QueueFacts {
  /** In claim order. */
  queued: readonly QueuedLane[];
  live: readonly LiveLane[];
  /** How many lanes each target runs at once; a target without a number is unknown here. */
  places: ReadonlyMap<string, number>;
  now: number;
  /** Why no lane can run here at all. */
  unsatisfiable: string | undefined;
  /** Why nothing is claimed for now: somebody paused CI. */
  paused: string | undefined;
  /** Why a target takes no lane of a repository for now. */
  unhealthy: (target: string, repoId: number) => string | undefined;
  /** What a needed lane says: it lets the lane run, it still has to, or it never will. */
  needState: (runId: number, key: string) => 'met' | 'waits' | 'failed';
}

export type Decision =
  | { lane: QueuedLane; verdict: 'claim' }
  | { lane: QueuedLane; verdict: 'skip'; need: string }
  | { lane: QueuedLane; verdict: 'wait'; reason: QueueReason; detail: string };

type Verdict =
  | { verdict: 'skip'; need: string }
  | { verdict: 'wait'; reason: QueueReason; detail: string }
  | undefined;

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
    if (blocked !== undefined) return { lane, ...blocked };
    groups.take(lane);
    places.take(lane);
    return { lane, verdict: 'claim' };
  });
}

const wait = (reason: QueueReason, detail: string): Verdict => ({ verdict: 'wait', reason, detail });

function decideNeeds(lane: QueuedLane, facts: QueueFacts): Verdict {
  if (lane.needs.length === 0) return undefined;
  const states = lane.needs.map((need) => ({ need, state: facts.needState(lane.runId, need) }));
  const failed = states.find(({ state }) => state === 'failed');
  if (failed !== undefined) return { verdict: 'skip', need: failed.need };
  const waits = states.filter(({ state }) => state === 'waits').map(({ need }) => need);
  return waits.length === 0 ? undefined : wait('waiting_for_lane', `waits for ${waits.join(', ')}`);
}

/** Whether there is a place for it at all. */
function decideWhere({ target }: QueuedLane, { places, unsatisfiable }: QueueFacts): Verdict {
  if (unsatisfiable !== undefined) return wait('unsatisfiable', unsatisfiable);
  if (places.has(target)) return undefined;
  const known = [...places.keys()].join(', ');
  return wait(
    'unsatisfiable',
    `there is no target "${target}" here; name one of ${known} in .pika/lanes.toml, or let the operator add [ci.targets.${target}] to pika.toml`,
  );
}

/** Whether it may start now. */
function decideWhen({ notBefore, target, repoId }: QueuedLane, facts: QueueFacts): Verdict {
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

  decide({ group, repoId }: QueuedLane): Verdict {
    const holder = group === undefined ? undefined : this.#holders.get(group);
    if (holder === undefined) return undefined;
    // The lanes of a repository are nobody's business in another one.
    const shown =
      holder.repoId === repoId ? `${holder.key} of run ${holder.runNumber}` : 'a lane of another repository';
    return wait('blocked_by_group', `${group} is held by ${shown}`);
  }

  take(lane: QueuedLane): void {
    if (lane.group !== undefined) this.#holders.set(lane.group, lane);
  }
}

class FreePlaces {
  readonly #free = new Map<string, number>();
  readonly #places: ReadonlyMap<string, number>;

  constructor({ places, live }: QueueFacts) {
    this.#places = places;
    for (const [target, count] of places) this.#free.set(target, count);
    for (const { target } of live) this.#free.set(target, (this.#free.get(target) ?? 0) - 1);
  }

  decide({ target }: QueuedLane): Verdict {
    if ((this.#free.get(target) ?? 0) > 0) return undefined;
    const where = this.#places.size === 1 ? '' : ` on ${target}`;
    return wait('waiting_for_capacity', `all ${this.#places.get(target)} places for lanes${where} are taken`);
  }

  take({ target }: QueuedLane): void {
    this.#free.set(target, (this.#free.get(target) ?? 0) - 1);
  }
}

const rank = { landing: 0, branch: 1, nightly: 2 };

/** Lane-milliseconds used in the last day, by repository and by branch (`usageKey`) of one. */
export interface Usage {
  repos: ReadonlyMap<number, number>;
  branches: ReadonlyMap<string, number>;
}

/**
 * Claim order: landings before branches before nightlies, then the repository that used the least in the last day, in it
 * the branch that used the least, then age. One busy author cannot starve the others.
 */
export function orderQueue(queued: readonly QueuedLane[], usage: Usage): QueuedLane[] {
  const ranked = queued.map((lane) => ({
    lane,
    rank: rank[lane.kind],
    ofRepo: usage.repos.get(lane.repoId) ?? 0,
    ofBranch: usage.branches.get(usageKey(lane.repoId, lane.branchId ?? 0)) ?? 0,
  }));
  ranked.sort(
    (a, b) =>
      a.rank - b.rank ||
      a.ofRepo - b.ofRepo ||
      a.ofBranch - b.ofBranch ||
      a.lane.queuedAt - b.lane.queuedAt ||
      a.lane.attemptId - b.lane.attemptId,
  );
  return ranked.map(({ lane }) => lane);
}

export const usageKey = (repoId: number, branchId: number): string => `${repoId}/${branchId}`;
