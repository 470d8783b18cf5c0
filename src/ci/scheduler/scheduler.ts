// One pass: give back lost claims, give heads their runs, claim what there is room for, start it, return.
// A pass never waits for a lane.
import { setTimeout as delay } from 'node:timers/promises';
import type { Forge } from '../../forge/open.ts';
import { errorMessage } from '../../lib/errors.ts';
import { Loop, type LoopStatus } from '../../lib/loop.ts';
import { cancelSettled } from '../recovery/cancel.ts';
import { claimLanes, type ClaimOrder } from './claim.ts';
import { awayMinutes, type Executor } from '../lanes/executor.ts';
import { isHeldByAgent } from './claim-offered.ts';
import { finishAttempt } from './finish.ts';
import { submissionOf } from '../lanes/launch.ts';
import { Planner } from './planner.ts';
import { listLive, type LiveLane } from './queue.ts';
import { endOverdue, reapLane } from '../recovery/recover.ts';

/** A pass waits so long for git to plan new runs; what takes longer must not hold up the lanes that wait. */
const maxPlanMs = 250;

export interface Scheduler {
  wake(): void;
  /** One pass by hand, with everything that is to be planned; tests call it instead of waiting for a poll. */
  pass(): Promise<void>;
  status(): LoopStatus;
}

export interface SchedulerParts {
  forge: Forge;
  /** Undefined when no permitted sandbox works; then nothing is claimed. */
  executor: Executor | undefined;
  order: ClaimOrder;
}

export function createScheduler(parts: SchedulerParts): Scheduler & { start(): void; stop(): Promise<void> } {
  const { forge } = parts;
  const reaping = new Map<number, Promise<void>>();
  const planner = new Planner(forge, () => loop.wake());
  let isStopped = false;
  const pass = async (planMs?: number): Promise<void> => {
    endUnwanted(parts, reaping);
    cancelSettled(forge);
    await planner.plan(planMs);
    if (!isStopped) claimAndStart(parts);
  };
  const loop = new Loop({
    name: 'ci',
    pollMs: forge.config.ci.pollSeconds * 1000,
    log: forge.log,
    now: () => forge.clock.now(),
    runOnce: () => pass(maxPlanMs),
  });
  return {
    wake: () => loop.wake(),
    pass: () => pass(),
    status: () => loop.status(),
    start: () => loop.start(),
    stop: async () => {
      isStopped = true;
      await loop.stop();
      await planner.stop();
      await Promise.all(reaping.values());
    },
  };
}

/** Tells threads to end what is being cancelled, and takes back what no thread holds any more. */
function endUnwanted({ forge, executor, order }: SchedulerParts, reaping: Map<number, Promise<void>>): void {
  const now = forge.clock.now();
  const held = new Map((executor?.list() ?? []).map((lane) => [lane.attemptId, lane.token]));
  for (const lane of listLive(forge.db)) {
    if (reaping.has(lane.attemptId)) continue;
    // What an agent holds is not seen from here; its lease says whether it does.
    const isAway = isHeldByAgent(lane.owner);
    const isHeld = isAway || held.get(lane.attemptId) === lane.token;
    const isExpired = lane.leaseUntil !== null && lane.leaseUntil < now;
    const isOverdue = isHeld && !isExpired && dueEnd(forge, lane, isAway) < now;
    if (isExpired || !isHeld || isOverdue) {
      const why = isExpired ? 'its lease ran out without a heartbeat' : 'its thread is gone';
      reaping.set(
        lane.attemptId,
        reap({ forge, executor: isAway ? order.cluster : executor, lane, why, isOverdue }).finally(() =>
          reaping.delete(lane.attemptId),
        ),
      );
    } else if (lane.state !== 'cancelling') continue;
    else if (isAway) order.cluster?.cancel(lane.attemptId);
    else executor?.cancel(lane.attemptId, 'cancelled');
  }
}

/** A thread that still beats by then has not ended its lane and never will. */
const dueEnd = ({ config: { ci } }: Forge, lane: LiveLane, isAway: boolean): number => {
  const { graceSeconds, leaseSeconds } = ci;
  const besideSeconds = isAway ? awayMinutes * 60 : 0;
  return lane.startedAt + (lane.timeoutSeconds + besideSeconds + graceSeconds + leaseSeconds) * 1000;
};

async function reap(lost: {
  forge: Forge;
  executor: Pick<Executor, 'discard'> | undefined;
  lane: LiveLane;
  why: string;
  isOverdue: boolean;
}): Promise<void> {
  const { forge, executor, lane, why, isOverdue } = lost;
  try {
    if (executor !== undefined) await discardInTime(forge, executor, lane.attemptId);
    if (isOverdue) await endOverdue(forge, lane);
    else await reapLane(forge, lane, why);
  } catch (error) {
    forge.log.error({ err: error, attemptId: lane.attemptId }, 'a lost lane could not be taken back');
  }
}

/** A thread that is blocked in the kernel never ends; the lane's programs are then looked for without it. */
async function discardInTime(
  forge: Forge,
  executor: Pick<Executor, 'discard'>,
  attemptId: number,
): Promise<void> {
  const patience = new AbortController();
  const { signal } = patience;
  const isOver = delay(forge.config.ci.threadEndSeconds * 1000, undefined, { signal }).catch(() => undefined);
  try {
    await Promise.race([executor.discard(attemptId), isOver]);
  } finally {
    patience.abort();
  }
}

function claimAndStart({ forge, executor, order }: SchedulerParts): void {
  const held = executor?.held().length;
  for (const claim of claimLanes(forge, { ...order, held })) {
    try {
      if (executor === undefined) throw new Error('there is no executor');
      executor.submit(submissionOf(forge, claim));
    } catch (error) {
      finishAttempt(forge, claim, {
        state: 'failed',
        failureKind: 'infrastructure',
        message: errorMessage(error),
      });
    }
  }
}
