// Takes as many queued lanes as there are free places, in one transaction with the count of what runs, so
// that two passes can never take the same place. Also writes why every other lane waits.
import type { Forge } from '../forge/open.ts';
import { listLanes } from './find.ts';
import { announce, endAttempt, recomputeRun, type Change } from './finish.ts';
import { localTarget } from './manifest.ts';
import { hasEnded, satisfiesGate } from './model.ts';
import { findPause } from './pause.ts';
import { claimAttempt, listLive, listQueued, listUsage, setReason, type QueuedLane } from './queue.ts';
import { decideQueue, orderQueue, usageKey, type Decision } from './reasons.ts';
import { unhealthyTargets } from './target-health.ts';

export interface Claim {
  attemptId: number;
  laneId: number;
  runId: number;
  token: number;
}

export interface ClaimOrder {
  owner: string;
  /** The sandbox tier the lanes will run in; undefined: none may be used, nothing is claimed. */
  sandbox: string | undefined;
  unsatisfiable: string | undefined;
  /** Places of the local target that are lost for now, to programs that could not be ended. */
  held?: number | undefined;
}

const day = 24 * 60 * 60 * 1000;

/** Claims and explains; the caller launches what is answered. */
export function claimLanes(forge: Forge, order: ClaimOrder): Claim[] {
  const { claims, changes } = forge.db.transaction(() => decideAndClaim(forge, order));
  announce(forge, changes);
  return claims;
}

function decideAndClaim(forge: Forge, order: ClaimOrder): { claims: Claim[]; changes: Change[] } {
  const live = listLive(forge.db);
  const queued = inClaimOrder(forge, listQueued(forge.db));
  const decisions = decideQueue({
    queued,
    live,
    places: placesOf(forge, order.held ?? 0),
    now: forge.clock.now(),
    unsatisfiable: order.unsatisfiable,
    paused: pauseOf(forge),
    unhealthy: unhealthyTargets(forge),
    needState: needStates(forge),
  });
  const claims: Claim[] = [];
  const changes: Change[] = [];
  for (const decision of decisions) {
    if (decision.verdict === 'claim') {
      const claim = takeClaim(forge, decision.lane, order);
      if (claim !== undefined) claims.push(claim);
    } else changes.push(...writeDecision(forge, decision));
  }
  changes.push(...claims.map((claim) => ({ ...claim, state: 'running' as const })));
  const touched = changes.filter((change) => change.state !== 'queued');
  for (const runId of new Set(touched.map((change) => change.runId))) recomputeRun(forge, runId);
  return { claims, changes };
}

function placesOf({ config }: Forge, held: number): Map<string, number> {
  const { concurrency, targets } = config.ci;
  const named = Object.entries(targets).map(([name, target]) => [name, target.concurrency] as const);
  return new Map([[localTarget, Math.max(0, concurrency - held)], ...named]);
}

function pauseOf(forge: Forge): string | undefined {
  const pause = findPause(forge);
  return pause && `paused by ${pause.pausedBy ?? 'somebody'}: ${pause.reason}`;
}

function inClaimOrder(forge: Forge, queued: QueuedLane[]): QueuedLane[] {
  if (queued.length < 2) return queued;
  const now = forge.clock.now();
  const repos = new Map<number, number>();
  const branches = new Map<string, number>();
  for (const { repoId, branchId, used } of listUsage(forge.db, { since: now - day, now })) {
    repos.set(repoId, (repos.get(repoId) ?? 0) + used);
    branches.set(usageKey(repoId, branchId), used);
  }
  return orderQueue(queued, { repos, branches });
}

function needStates(forge: Forge): (runId: number, key: string) => 'met' | 'waits' | 'failed' {
  const runs = new Map<number, Map<string, 'met' | 'waits' | 'failed'>>();
  return (runId, key) => {
    let lanes = runs.get(runId);
    if (lanes === undefined) {
      const states = listLanes(forge, runId).map(({ key, attempt }) => {
        const ended = satisfiesGate(attempt) ? ('met' as const) : ('failed' as const);
        return [key, hasEnded(attempt.state) ? ended : ('waits' as const)] as const;
      });
      lanes = new Map(states);
      runs.set(runId, lanes);
    }
    return lanes.get(key) ?? 'failed';
  };
}

function takeClaim(forge: Forge, lane: QueuedLane, { owner, sandbox }: ClaimOrder): Claim | undefined {
  if (sandbox === undefined) return undefined;
  const { attemptId, laneId, runId } = lane;
  const now = forge.clock.now();
  const leaseUntil = now + forge.config.ci.leaseSeconds * 1000;
  const token = claimAttempt(forge.db, { id: attemptId, owner, now, leaseUntil, sandbox });
  return token === undefined ? undefined : { attemptId, laneId, runId, token };
}

function writeDecision(forge: Forge, decision: Exclude<Decision, { verdict: 'claim' }>): Change[] {
  const { lane } = decision;
  const { attemptId, laneId, runId } = lane;
  if (decision.verdict === 'skip') {
    const message = `needs ${decision.need}, which did not succeed`;
    const ending = { state: 'skipped', skipCause: 'dependency_failed', message } as const;
    return endAttempt(forge, { attemptId, laneId, runId, token: undefined }, ending);
  }
  const { reason, detail } = decision;
  if (lane.reason === reason && lane.reasonDetail === detail) return [];
  setReason(forge.db, { id: attemptId, reason, detail, now: forge.clock.now() });
  return [{ runId, laneId, attemptId, state: 'queued' }];
}
