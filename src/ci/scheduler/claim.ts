// Takes as many queued lanes as there are free places, in one transaction with the count of what runs, so
// that two passes can never take the same place. Also writes why every other lane waits.
import { diskRoom } from '../../forge/disk.ts';
import type { Forge } from '../../forge/open.ts';
import { announce, endAttempt, recomputeRun, type Change } from './finish.ts';
import { localTarget } from '../manifest/manifest.ts';
import { hasEnded, satisfiesGate, type QueueReason } from '../model.ts';
import { findPause } from './pause.ts';
import {
  claimAttempt,
  listLaneStates,
  listLive,
  listQueued,
  listUsage,
  setReason,
  type QueuedLane,
} from './queue.ts';
import { decideQueue, knownVerdicts, orderQueue, type Used } from './reasons.ts';
import type { QueueingExecutor } from '../lanes/executor.ts';
import { listOffered } from '../lanes/slurm/slurm-job-store.ts';
import { updateRunState } from '../store.ts';
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
  /** Takes the lanes of its targets without a claim. */
  cluster?: QueueingExecutor | undefined;
}

const day = 24 * 60 * 60 * 1000;

/** Claims and explains; the caller launches what is answered. */
export function claimLanes(forge: Forge, order: ClaimOrder): Claim[] {
  const { claims, changes } = forge.db.relaxedTransaction(() => decideAndClaim(forge, order));
  announce(forge, changes);
  return claims;
}

function decideAndClaim(forge: Forge, order: ClaimOrder): { claims: Claim[]; changes: Change[] } {
  const offered = order.cluster === undefined ? [] : listOffered(forge.db);
  const facts = {
    live: [...listLive(forge.db), ...offered],
    places: placesOf(forge, order.held ?? 0),
    now: forge.clock.now(),
    patienceMs: forge.config.ci.unsatisfiableMinutes * 60_000,
    unsatisfiable: (target: string) => (order.cluster?.takes(target) ? undefined : order.unsatisfiable),
    paused: pauseOf(forge),
    unhealthy: unhealthyOrSilent(forge, order.cluster),
  };
  const isOffered = new Set(offered.map(({ attemptId }) => attemptId));
  const waiting = listQueued(forge.db, knownVerdicts(facts)).filter(
    ({ attemptId }) => !isOffered.has(attemptId),
  );
  const queued = inClaimOrder(forge, waiting);
  const decisions = decideQueue({ ...facts, queued, needState: needStates(forge) });
  const claims: Claim[] = [];
  const changes: Change[] = [];
  for (const { lane, verdict } of decisions) {
    if (verdict.verdict === 'claim' && order.cluster?.takes(lane.target)) order.cluster.offer(lane);
    else if (verdict.verdict === 'claim') {
      const claim = takeClaim(forge, lane, order);
      if (claim !== undefined) claims.push(claim);
    } else if (verdict.verdict === 'skip') changes.push(...skipLane(forge, lane, verdict.need));
    else if (verdict.verdict === 'fail') changes.push(...endUnplaced(forge, lane, verdict.message));
    else if (lane.reason !== verdict.reason || lane.reasonDetail !== verdict.detail) {
      changes.push(explain(forge, lane, verdict));
    }
  }
  // What was ended may end its run, and what is claimed surely makes it run.
  const ended = changes.filter((change) => change.state !== 'queued');
  for (const runId of new Set(ended.map((change) => change.runId))) recomputeRun(forge, runId);
  for (const runId of new Set(claims.map((claim) => claim.runId))) {
    updateRunState(forge.db, { id: runId, state: 'running', finishedAt: undefined });
  }
  changes.push(...claims.map((claim) => ({ ...claim, state: 'running' as const })));
  return { claims, changes };
}

function unhealthyOrSilent(
  forge: Forge,
  cluster: QueueingExecutor | undefined,
): ReturnType<typeof unhealthyTargets> {
  const unhealthy = unhealthyTargets(forge);
  return (target, repoId) => unhealthy(target, repoId) ?? cluster?.trouble(target);
}

function placesOf({ config }: Forge, held: number): Map<string, number> {
  const { concurrency, targets } = config.ci;
  const named = Object.entries(targets).map(([name, target]) => [name, target.concurrency] as const);
  return new Map([[localTarget, Math.max(0, concurrency - held)], ...named]);
}

/** Why nothing is claimed anywhere for now. */
export function pauseOf(forge: Forge): string | undefined {
  const pause = findPause(forge);
  if (pause !== undefined) return `paused by ${pause.pausedBy ?? 'somebody'}: ${pause.reason}`;
  const { isLow } = diskRoom(forge);
  return isLow ? 'the disk of the forge is full; lanes start by themselves when there is room' : undefined;
}

function inClaimOrder(forge: Forge, queued: QueuedLane[]): QueuedLane[] {
  return queued.length < 2 ? queued : orderQueue(queued, usedLately(forge));
}

function usedLately(forge: Forge): (repoId: number, branchId: number) => Used {
  const now = forge.clock.now();
  const repos = new Map<number, Map<number, Used>>();
  const used = (repoId: number, branchId: number): Used => {
    let branches = repos.get(repoId);
    if (branches === undefined) repos.set(repoId, (branches = new Map<number, Used>()));
    let share = branches.get(branchId);
    if (share === undefined) branches.set(branchId, (share = { ofRepo: 0, ofBranch: 0 }));
    return share;
  };
  const rows = listUsage(forge.db, { since: now - day, now });
  const totals = new Map<number, number>();
  for (const { repoId, branchId, used: time } of rows) {
    used(repoId, branchId).ofBranch = time;
    totals.set(repoId, (totals.get(repoId) ?? 0) + time);
  }
  return (repoId, branchId) => {
    const share = used(repoId, branchId);
    share.ofRepo = totals.get(repoId) ?? 0;
    return share;
  };
}

function needStates(forge: Forge): (runId: number, key: string) => 'met' | 'waits' | 'failed' {
  const runs = new Map<number, Map<string, 'met' | 'waits' | 'failed'>>();
  return (runId, key) => {
    let lanes = runs.get(runId);
    if (lanes === undefined) {
      const states = listLaneStates(forge.db, runId).map(({ key, state, skipCause }) => {
        const ended = satisfiesGate({ state, skipCause: skipCause ?? undefined }) ? 'met' : 'failed';
        return [key, hasEnded(state) ? ended : 'waits'] as const;
      });
      runs.set(runId, (lanes = new Map(states)));
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

function skipLane(forge: Forge, { attemptId, laneId, runId }: QueuedLane, need: string): Change[] {
  const message = `needs ${need}, which did not succeed`;
  const ending = { state: 'skipped', skipCause: 'dependency_failed', message } as const;
  return endAttempt(forge, { attemptId, laneId, runId, token: undefined }, ending);
}

function endUnplaced(forge: Forge, { attemptId, laneId, runId }: QueuedLane, message: string): Change[] {
  const ending = { state: 'failed', failureKind: 'infrastructure', message } as const;
  return endAttempt(forge, { attemptId, laneId, runId, token: undefined }, ending);
}

function explain(
  forge: Forge,
  { attemptId, laneId, runId }: QueuedLane,
  { reason, detail }: { reason: QueueReason; detail: string },
): Change {
  setReason(forge.db, { id: attemptId, reason, detail, now: forge.clock.now() });
  return { runId, laneId, attemptId, state: 'queued' };
}
