// Puts CI together: the sandbox that works here, the executor, and the scheduler's loop.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Forge } from '../forge/open.ts';
import { endLeftShells } from './end-left-shells.ts';
import type { Ending } from './finish.ts';
import { finishAttempt } from './finish.ts';
import type { LaneRef, MakeExecutor, Reports } from './executor.ts';
import type { LaneResult } from './lane-message.ts';
import { LocalExecutor } from './local-executor.ts';
import { extendLease, setLogBytes, stampFirstOutput } from './queue.ts';
import { recordTests } from './record-tests.ts';
import { recoverAtStart, returnToQueue } from './recover.ts';
import { chooseTier } from './sandbox.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';
import { Shells } from './shells.ts';

export interface Ci {
  scheduler: Scheduler;
  /** Into the kept workspaces of failed attempts. */
  shells: Shells;
  /** Whether lanes are kept from the forge's files. */
  isSandboxed(): boolean;
  /** How lanes run here, in a sentence for people. */
  tier(): string;
  start(): void;
  /** Ends every lane and puts it back into the queue; nothing of it lives afterwards. */
  stop(): Promise<void>;
}

const onThisMachine: MakeExecutor = (parts) => new LocalExecutor(parts);

/** Probes the sandbox and takes back what an earlier forge left behind; lanes run after `start`. */
export async function openCi(forge: Forge, makeExecutor: MakeExecutor = onThisMachine): Promise<Ci> {
  const { ci, paths, searchPath } = forge.config;
  const owner = `local-${randomBytes(6).toString('hex')}`;
  const [{ tier, finding }] = await Promise.all([
    chooseTier({
      wanted: ci.sandbox,
      allowUnsandboxed: ci.allowUnsandboxed,
      dataFolder: paths.data,
      scratch: join(paths.lanes, 'probe'),
      searchPath,
    }),
    recoverAtStart(forge, owner),
  ]);
  endLeftShells(forge);
  const shells = new Shells(forge, tier);
  const executor =
    tier === undefined ? undefined : makeExecutor({ tier, log: forge.log, reports: reportsTo(forge) });
  const unsatisfiable = tier === undefined ? finding : undefined;
  const scheduler = createScheduler({ forge, executor, order: { owner, sandbox: tier, unsatisfiable } });
  return {
    scheduler,
    shells,
    isSandboxed: () => tier === 'bubblewrap' || tier === undefined,
    tier: () => finding,
    start: () => {
      executor?.warm();
      scheduler.start();
    },
    stop: async () => {
      await scheduler.stop();
      await Promise.all([executor?.stop(), shells.stop()]);
    },
  };
}

function reportsTo(forge: Forge): Reports {
  return {
    heartbeat: ({ attemptId: id, token }, logBytes) => {
      const leaseUntil = forge.clock.now() + forge.config.ci.leaseSeconds * 1000;
      return extendLease(forge.db, { id, token, leaseUntil, logBytes });
    },
    output: ({ attemptId, laneId, runId, token }, bytes) => {
      forge.events.emit('lane-output', { attemptId, laneId, runId, bytes });
      stampFirstOutput(forge.db, { id: attemptId, token, now: forge.clock.now() });
    },
    finished: (lane, logBytes, result) => finished(forge, lane, { logBytes, result }),
  };
}

function finished(forge: Forge, lane: LaneRef, end: { logBytes: number; result: LaneResult }): void {
  const { result, logBytes } = end;
  setLogBytes(forge.db, { id: lane.attemptId, token: lane.token, logBytes });
  // Its programs are gone, so it may run again. A lane that was also cancelled is not requeued, and ends as cancelled.
  const why =
    result.cause === 'requeue' ? 'the forge was stopped while it ran' : 'its claim was not confirmed in time';
  const isUnfinished = result.cause === 'requeue' || result.cause === 'lost';
  if (isUnfinished && returnToQueue(forge, lane, why)) return;
  const ending = endingOf(result);
  const { tests } = result;
  const alongside = tests === undefined ? undefined : () => recordTests(forge, lane, tests);
  finishAttempt(forge, lane, { ...ending, alongside });
}

function endingOf({ outcome, exitCode, signal, failureKind, message }: LaneResult): Ending {
  if (outcome === 'stopped') return { state: 'cancelled', failureKind: 'cancelled', exitCode, signal };
  return { state: outcome, failureKind, exitCode, signal, message };
}
