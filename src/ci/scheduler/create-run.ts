// Gives the newest revision of an open branch its run, and takes the run before out of its way.
import { getBranch, getRevision } from '../../branches/find.ts';
import type { Branch, Revision } from '../../branches/model.ts';
import type { Forge } from '../../forge/open.ts';
import { takeRunNumber } from '../../repos/take-number.ts';
import { endQueuedOrMark } from '../recovery/cancel.ts';
import { getRun, runOf } from '../find.ts';
import { announce, recomputeRun, type Change } from './finish.ts';
import { insertLanes, planRun, type Plan } from './plan-run.ts';
import { listRevisionsWithoutRun, listSuperseded } from './queue.ts';
import { insertRun } from '../store.ts';

/** Makes the runs of all heads that have none. */
export async function createMissingRuns(forge: Forge): Promise<void> {
  for (const head of listRevisionsWithoutRun(forge.db)) await createRun(forge, head);
}

/** Nothing is written when the head has a run by then. */
export async function createRun(forge: Forge, wanted: { branchId: number; revision: number }): Promise<void> {
  const branch = getBranch(forge, wanted.branchId);
  const revision = getRevision(forge, wanted.branchId, wanted.revision);
  const plan = await planRun(forge, branch, revision);
  // What a power cut takes back is planned anew.
  const created = forge.db.relaxedTransaction(() => insertPlan(forge, { branch, revision, plan }));
  if (created === undefined) return;
  announceRun(forge, created.runId);
  announce(forge, created.changes);
}

/** Tells of a new run; of one that had nothing to run, its end as well. */
export function announceRun(forge: Forge, runId: number): void {
  const { repoId, branchId, state, finishedAt } = getRun(forge, runId);
  forge.events.emit('run-created', { repoId, branchId, runId });
  if (finishedAt !== undefined) forge.events.emit('run-finished', { repoId, branchId, runId, state });
}

/** A commit without a manifest has no lanes to hold it: success, shown as "no lanes". */
export const firstStateOf = (plan: Plan): 'success' | 'queued' | 'failed' =>
  plan.problem === undefined ? (plan.lanes.length === 0 ? 'success' : 'queued') : 'failed';

function insertPlan(
  forge: Forge,
  { branch, revision, plan }: { branch: Branch; revision: Revision; plan: Plan },
): { runId: number; changes: Change[] } | undefined {
  if (runOf(forge, { branchId: branch.id, revision: revision.number }) !== undefined) return undefined;
  const runId = insertRun(forge.db, {
    repoId: branch.repoId,
    number: takeRunNumber(forge, branch.repoId),
    kind: 'branch',
    branchId: branch.id,
    revision: revision.number,
    headOid: revision.headOid,
    treeOid: plan.treeOid,
    baseOid: revision.baseOid,
    state: firstStateOf(plan),
    problem: plan.problem,
    policyOid: plan.policyOid,
    now: forge.clock.now(),
  });
  insertLanes(forge, runId, plan);
  if (plan.lanes.length > 0) recomputeRun(forge, runId);
  return { runId, changes: cancelSuperseded(forge, { branch, revision, runId }) };
}

function cancelSuperseded(
  forge: Forge,
  { branch, revision, runId }: { branch: Branch; revision: Revision; runId: number },
): Change[] {
  const message = `superseded by run ${getRun(forge, runId).number}`;
  return endQueuedOrMark(forge, listSuperseded(forge.db, branch.id, revision.number), message);
}
