// The runs of the landing queue, which belong to no branch: one for each commit that a target is to be moved to. What was
// green at the very same tree is not run again.
import type { Forge } from '../../forge/open.ts';
import { takeRunNumber } from '../../repos/take-number.ts';
import { getRun, listLanes } from '../find.ts';
import { satisfiesGate, type FailureKind, type Lane } from '../model.ts';
import { endQueuedOrMark } from '../recovery/cancel.ts';
import { queueAgain } from '../recovery/rerun.ts';
import { insertRun } from '../store.ts';
import { firstStateOf } from './create-run.ts';
import { recomputeRun, type Change } from './finish.ts';
import { findGreenRun } from './landing-store.ts';
import { insertLanes, planLanding, type Plan } from './plan-run.ts';
import { listUnfinishedOfRun } from './queue.ts';

export interface LandingCommit {
  repoId: number;
  /** The branch it would be merged into, without refs/heads/. */
  target: string;
  headOid: string;
  /** The commit it is built on, whose manifest says what is required. */
  baseOid: string;
  /** The names of the branches that it merges beyond its base. */
  branches: string[];
}

export type LandingVerdict =
  | { verdict: 'pending'; lanes: string[] }
  | { verdict: 'green' }
  /** `infrastructure`: nothing says that the commit is at fault. */
  | { verdict: 'red' | 'infrastructure'; lane: Lane | undefined; problem: string | undefined };

const machineFaults: readonly FailureKind[] = ['infrastructure', 'lost', 'unkillable'];

/** Reads what the commit asks for; writes nothing. */
export async function planLandingRun(forge: Forge, commit: LandingCommit): Promise<Plan> {
  const plan = await planLanding(forge, commit);
  const { repoId } = commit;
  const kept = new Map<string, string>();
  for (const lane of plan.lanes) {
    if (!plan.selected.has(lane.key)) continue;
    const number = findGreenRun(forge.db, { repoId, treeOid: plan.treeOid, lane });
    if (number !== undefined) kept.set(lane.key, `run ${number} was green with the same files`);
  }
  return { ...plan, kept };
}

/** The run of a landing commit, in the caller's transaction; the caller tells of it with `announceRun` afterwards. */
export function insertLandingRun(forge: Forge, commit: LandingCommit, plan: Plan): number {
  const { repoId, target, headOid, baseOid, branches } = commit;
  const runId = insertRun(forge.db, {
    repoId,
    number: takeRunNumber(forge, repoId),
    kind: 'landing',
    headOid,
    treeOid: plan.treeOid,
    baseOid,
    state: firstStateOf(plan),
    problem: plan.problem,
    policyOid: plan.policyOid,
    target,
    landingBranches: branches,
    now: forge.clock.now(),
  });
  insertLanes(forge, runId, plan);
  if (plan.lanes.length > 0) recomputeRun(forge, runId);
  return runId;
}

/** What a run says of its commit, by the newest attempt of every required lane; the others may go on. */
export function judgeLandingRun(forge: Forge, runId: number): LandingVerdict {
  const { problem } = getRun(forge, runId);
  if (problem !== undefined) return { verdict: 'red', lane: undefined, problem };
  const lanes = listLanes(forge, runId);
  const unmet = lanes.filter(({ required, attempt }) => required && !satisfiesGate(attempt));
  if (unmet.length === 0) return { verdict: 'green' };
  const unfinished = unmet.filter(isUnfinished);
  if (unfinished.length > 0) return { verdict: 'pending', lanes: unfinished.map(({ key }) => key) };
  const fault = unmet.find((lane) => !isMachineFault(lane, lanes)) ?? unmet.find(hasRun) ?? unmet[0];
  const isMachines = unmet.every((lane) => isMachineFault(lane, lanes));
  return { verdict: isMachines ? 'infrastructure' : 'red', lane: fault, problem: undefined };
}

const isUnfinished = ({ attempt }: Lane): boolean =>
  attempt.state === 'queued' || attempt.state === 'running' || attempt.state === 'cancelling';

const hasRun = ({ attempt }: Lane): boolean => attempt.state !== 'skipped';

/** A lane that was left out shares the fault of what it needed. */
function isMachineFault({ attempt, needs }: Lane, lanes: readonly Lane[]): boolean {
  if (attempt.state === 'failed') {
    return attempt.failureKind !== undefined && machineFaults.includes(attempt.failureKind);
  }
  if (attempt.skipCause !== 'dependency_failed') return false;
  const unmet = lanes.filter(({ key, attempt: own }) => needs.includes(key) && !satisfiesGate(own));
  return unmet.length > 0 && unmet.every((lane) => isMachineFault(lane, lanes));
}

/** Queues again what a machine failed, in the caller's transaction; the caller announces the changes. */
export function retryLandingRun(forge: Forge, runId: number): Change[] {
  const run = getRun(forge, runId);
  const lanes = listLanes(forge, runId);
  const failed = lanes.filter((lane) => lane.attempt.state === 'failed' && isMachineFault(lane, lanes));
  return failed.length === 0 ? [] : queueAgain(forge, { run, lanes, chosen: failed, by: undefined }).changes;
}

/** Ends what is left of a run that nobody waits for any more; in the caller's transaction, as `retryLandingRun`. */
export const cancelLandingRun = (forge: Forge, runId: number, message: string): Change[] =>
  endQueuedOrMark(forge, listUnfinishedOfRun(forge.db, runId), message);
