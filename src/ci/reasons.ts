// Decides, for every queued lane in claim order, whether it is claimed now or why it waits. Pure, so that
// each rule can be tested without a clock or a thread.
import type { QueueReason } from './model.ts';
import type { LiveLane, QueuedLane } from './queue.ts';

export interface QueueFacts {
  /** In claim order. */
  queued: readonly QueuedLane[];
  live: readonly LiveLane[];
  concurrency: number;
  /** Why no lane can run here at all. */
  unsatisfiable: string | undefined;
  /** What a needed lane says: it lets the lane run, it still has to, or it never will. */
  needState: (runId: number, key: string) => 'met' | 'waits' | 'failed';
}

export type Decision =
  | { lane: QueuedLane; verdict: 'claim' }
  | { lane: QueuedLane; verdict: 'skip'; need: string }
  | { lane: QueuedLane; verdict: 'wait'; reason: QueueReason; detail: string };

/** A decision for every queued lane; at most `concurrency − live` of them are claims. */
export function decideQueue(facts: QueueFacts): Decision[] {
  let free = Math.max(0, facts.concurrency - facts.live.length);
  const heldGroups = new Map<string, string>();
  for (const { group, key, runNumber } of facts.live) {
    if (group !== null) heldGroups.set(group, `${key} of run ${runNumber}`);
  }
  const full = `all ${facts.concurrency} places for lanes are taken`;
  return facts.queued.map((lane) => {
    const blocked = decideNeeds(lane, facts) ?? decideGroup(lane, heldGroups);
    if (blocked !== undefined) return blocked;
    if (facts.unsatisfiable !== undefined) {
      return { lane, verdict: 'wait', reason: 'unsatisfiable', detail: facts.unsatisfiable };
    }
    if (free === 0) return { lane, verdict: 'wait', reason: 'waiting_for_capacity', detail: full };
    free -= 1;
    if (lane.group !== undefined) heldGroups.set(lane.group, `${lane.key} of run ${lane.runNumber}`);
    return { lane, verdict: 'claim' };
  });
}

function decideNeeds(lane: QueuedLane, facts: QueueFacts): Decision | undefined {
  const states = lane.needs.map((need) => ({ need, state: facts.needState(lane.runId, need) }));
  const failed = states.find(({ state }) => state === 'failed');
  if (failed !== undefined) return { lane, verdict: 'skip', need: failed.need };
  const waits = states.filter(({ state }) => state === 'waits').map(({ need }) => need);
  if (waits.length === 0) return undefined;
  return { lane, verdict: 'wait', reason: 'waiting_for_lane', detail: `waits for ${waits.join(', ')}` };
}

function decideGroup(lane: QueuedLane, held: ReadonlyMap<string, string>): Decision | undefined {
  const holder = lane.group === undefined ? undefined : held.get(lane.group);
  if (holder === undefined) return undefined;
  return { lane, verdict: 'wait', reason: 'blocked_by_group', detail: `${lane.group} is held by ${holder}` };
}

const rank = { landing: 0, branch: 1, nightly: 2 };

/**
 * Claim order: landings before branches before nightlies, then the repository and branch that used the least in the last
 * day, then age. One busy author cannot starve the others.
 */
export function orderQueue(queued: readonly QueuedLane[], usage: ReadonlyMap<string, number>): QueuedLane[] {
  const used = (lane: QueuedLane) => usage.get(usageKey(lane.repoId, lane.branchId ?? 0)) ?? 0;
  return [...queued].sort(
    (a, b) =>
      rank[a.kind] - rank[b.kind] ||
      used(a) - used(b) ||
      a.queuedAt - b.queuedAt ||
      a.attemptId - b.attemptId,
  );
}

export const usageKey = (repoId: number, branchId: number): string => `${repoId}/${branchId}`;
