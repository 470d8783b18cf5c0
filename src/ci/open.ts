// Puts CI together: the sandbox that works here, the executor, and the scheduler's loop.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Forge } from '../forge/open.ts';
import { issueAgentCredential, revokeAgentCredential } from './agents/agent-credential.ts';
import { AgentDesk } from './agents/agent-desk.ts';
import { agentProgram } from './agents/agent-program.ts';
import type { Ending } from './scheduler/finish.ts';
import { finishAttempt } from './scheduler/finish.ts';
import { endLeftShells } from './shells/end-left-shells.ts';
import type { LaneRef, MakeExecutor, Reports } from './lanes/executor.ts';
import type { LaneResult } from './lanes/lane-message.ts';
import { sweepCgroups } from './lanes/cgroup.ts';
import { Keeping } from './lanes/keeping.ts';
import { recordYield, settleYield } from './lanes/keep-yield.ts';
import { attemptOfCookie, cookiePrefix } from './lanes/launch.ts';
import { LocalExecutor } from './lanes/local-executor.ts';
import { chooseTier, describeBounds, findBounds } from './lanes/probe.ts';
import type { HeldPlace } from './lanes/quarantine.ts';
import { extendLease, setLogBytes, stampFirstOutput } from './scheduler/queue.ts';
import { SlurmExecutor } from './lanes/slurm/slurm-executor.ts';
import { recordTests } from './tests/record-tests.ts';
import { recoverAtStart, returnToQueue } from './recovery/recover.ts';
import { listCookies } from './lanes/survivors.ts';
import { createScheduler, type Scheduler } from './scheduler/scheduler.ts';
import { Shells } from './shells/shells.ts';

export interface Ci {
  scheduler: Scheduler;
  /** Lanes on clusters of Slurm. */
  cluster: SlurmExecutor;
  /** What programs that run lanes elsewhere ask. */
  agents: AgentDesk;
  /** Into the kept workspaces of failed attempts. */
  shells: Shells;
  /** Whether lanes are kept from the forge's files. */
  isSandboxed(): boolean;
  /** How lanes run here, in a sentence for people. */
  tier(): string;
  /** Removes what lanes left behind, when there is too much of it. */
  keeping: Keeping;
  /** Places that are lost for now to programs that could not be ended. */
  quarantined(): HeldPlace[];
  /** Work comes soon: makes ready what lanes need. */
  warm(): void;
  start(): void;
  /** Ends every lane and puts it back into the queue; nothing of it lives afterwards. */
  stop(): Promise<void>;
}

const onThisMachine: MakeExecutor = (parts) => new LocalExecutor(parts);

/** Probes the sandbox and takes back what an earlier forge left behind; lanes run after `start`. */
export async function openCi(forge: Forge, makeExecutor: MakeExecutor = onThisMachine): Promise<Ci> {
  const { ci, paths, searchPath } = forge.config;
  const owner = `local-${randomBytes(6).toString('hex')}`;
  const place = { dataFolder: paths.data, scratch: join(paths.lanes, 'probe'), searchPath };
  const [{ tier, finding }] = await Promise.all([
    chooseTier({ wanted: ci.sandbox, allowUnsandboxed: ci.allowUnsandboxed, ...place }),
    recoverAtStart(forge, owner),
  ]);
  const bounds = await findBounds(tier ?? 'none', place);
  const left = listCookies(cookiePrefix(paths.data)).map((cookie) => ({
    cookie,
    attemptId: attemptOfCookie(paths.data, cookie),
  }));
  if (bounds.cgroups !== undefined) sweepCgroups(bounds.cgroups, cookiePrefix(paths.data));
  const keeping = new Keeping(forge);
  endLeftShells(forge);
  const shells = new Shells(forge, { tier, bounds, left: (attemptId) => keeping.remeasure(attemptId) });
  const reports = reportsTo(forge, keeping);
  const agents = new AgentDesk(forge, reports);
  const executor =
    tier === undefined ? undefined : makeExecutor({ tier, bounds, log: forge.log, reports, left });
  const unsatisfiable = tier === undefined ? finding : undefined;
  const cluster = openCluster(forge, () => scheduler.wake());
  const order = { owner, sandbox: tier, unsatisfiable, cluster };
  const scheduler = createScheduler({ forge, executor, order });
  return {
    scheduler,
    cluster,
    agents,
    shells,
    isSandboxed: () => tier === 'bubblewrap' || tier === undefined,
    tier: () => (tier === undefined ? finding : `${finding} ${describeBounds(tier, bounds)}`),
    keeping,
    quarantined: () => executor?.held() ?? [],
    warm: () => executor?.warm(),
    start: () => {
      keeping.start();
      cluster.start();
      scheduler.start();
    },
    stop: async () => {
      await scheduler.stop();
      await Promise.all([executor?.stop(), cluster.stop(), shells.stop()]);
      agents.stop();
      await keeping.stop();
    },
  };
}

const openCluster = (forge: Forge, wakeScheduler: () => void): SlurmExecutor =>
  new SlurmExecutor(forge, {
    wakeScheduler,
    agents: {
      issueCredential: (attemptId) => issueAgentCredential(forge, attemptId),
      revokeCredential: (attemptId) => revokeAgentCredential(forge, attemptId),
      program: () => agentProgram(),
    },
  });

function reportsTo(forge: Forge, keeping: Keeping): Reports {
  return {
    heartbeat: ({ attemptId: id, token }, logBytes) => {
      const leaseUntil = forge.clock.now() + forge.config.ci.leaseSeconds * 1000;
      return extendLease(forge.db, { id, token, leaseUntil, logBytes });
    },
    output: ({ attemptId, laneId, runId, token }, bytes) => {
      forge.events.emit('lane-output', { attemptId, laneId, runId, bytes });
      stampFirstOutput(forge.db, { id: attemptId, token, now: forge.clock.now() });
    },
    finished: (lane, logBytes, result) => {
      const isKept = finished(forge, lane, { logBytes, result });
      keeping.follow(settleYield(forge, lane, { result, isKept }));
    },
  };
}

/** Whether what the lane left behind is kept: its claim still stood, and it ended for good. */
function finished(forge: Forge, lane: LaneRef, end: { logBytes: number; result: LaneResult }): boolean {
  const { result, logBytes } = end;
  setLogBytes(forge.db, { id: lane.attemptId, token: lane.token, logBytes });
  // Its programs are gone, so it may run again. A lane that was also cancelled is not requeued, and ends as cancelled.
  const why =
    result.cause === 'requeue'
      ? (result.message ?? 'the forge was stopped while it ran')
      : 'its claim was not confirmed in time';
  const isUnfinished = result.cause === 'requeue' || result.cause === 'lost';
  if (isUnfinished && returnToQueue(forge, lane, why)) return false;
  const alongside = () => {
    recordYield(forge, lane, result);
    if (result.tests !== undefined) recordTests(forge, lane, result.tests);
  };
  return finishAttempt(forge, lane, { ...endingOf(result), alongside });
}

function endingOf({ outcome, exitCode, signal, failureKind, message }: LaneResult): Ending {
  if (outcome === 'stopped') return { state: 'cancelled', failureKind: 'cancelled', exitCode, signal };
  return { state: outcome, failureKind, exitCode, signal, message };
}
