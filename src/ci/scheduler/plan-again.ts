import { getBranch, getRevision } from '../../branches/find.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { announceRun, firstStateOf } from './create-run.ts';
import { getRun } from '../find.ts';
import { recomputeRun } from './finish.ts';
import type { Run } from '../model.ts';
import { insertLanes, planNightly, planRun, type Plan } from './plan-run.ts';
import { updateRunPlan } from '../store.ts';

/**
 * Plans a run again that could not be planned. The run keeps its number, and gets the lanes of its commit, or the
 * problem that there still is. Refuses (`conflict`) a run that has a plan.
 */
export async function planAgain(forge: Forge, run: Run): Promise<void> {
  refusePlanned(run);
  const plan = await planOf(forge, run);
  forge.db.transaction(() => {
    refusePlanned(getRun(forge, run.id));
    const state = firstStateOf(plan);
    updateRunPlan(forge.db, { ...plan, id: run.id, state, now: forge.clock.now() });
    insertLanes(forge, run.id, plan, { cause: run.nightly === undefined ? 'rerun' : 'nightly' });
    if (plan.lanes.length > 0) recomputeRun(forge, run.id);
  });
  announceRun(forge, run.id);
}

function refusePlanned(run: Run): void {
  if (run.problem !== undefined) return;
  throw new ForgeError('conflict', `Run ${run.number} has its lanes; rerun them instead.`);
}

async function planOf(forge: Forge, run: Run): Promise<Plan> {
  const { repoId, headOid, branchId, revision, nightly } = run;
  if (nightly !== undefined) {
    const plan = await planNightly(forge, { repoId, headOid, id: nightly });
    if (plan !== undefined) return plan;
    throw new ForgeError('conflict', `The manifest at ${headOid.slice(0, 8)} has no nightly "${nightly}".`);
  }
  if (branchId === undefined || revision === undefined) {
    throw new ForgeError(
      'conflict',
      `Run ${run.number} belongs to no branch; there is nothing to plan it from.`,
    );
  }
  return planRun(forge, getBranch(forge, branchId), getRevision(forge, branchId, revision));
}
