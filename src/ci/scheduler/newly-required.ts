// A target may require more of a branch after its run was planned: somebody gave it another lane. The run of the branch is
// not planned anew by that, because one change of a target would start CI for every open branch; the gate says what is
// missing, and whoever wants to land lets that run.
import type { Account } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { readObject } from '../../git/object-reader.ts';
import { findHead } from '../../git/refs.ts';
import { getBranch } from '../../branches/find.ts';
import { repoPath } from '../../repos/path.ts';
import { listLanes } from '../find.ts';
import { manifestPath } from '../manifest/manifest-refusal.ts';
import { satisfiesGate, type Lane, type Run } from '../model.ts';
import { updateRunPolicy } from '../store.ts';
import { announce, recomputeRun } from './finish.ts';
import { insertLanes, planForTarget, type Plan } from './plan-run.ts';

export interface NewlyRequired {
  /** The keys of lanes that the run does not have. */
  absent: string[];
  /** Lanes that it has, where the target did not ask for them, and that are not green. */
  optional: Lane[];
}

/** What the target requires at `targetOid` of the commit of a branch run, beyond what was required when it was planned. */
export async function newlyRequired(forge: Forge, run: Run, targetOid: string): Promise<NewlyRequired> {
  const plan = await planIfOther(forge, run, targetOid);
  if (plan === undefined) return { absent: [], optional: [] };
  const required = plan.lanes.filter((lane) => lane.required && plan.selected.has(lane.key));
  const lanes = new Map(listLanes(forge, run.id).map((lane) => [lane.key, lane]));
  return {
    absent: required.filter(({ key }) => !lanes.has(key)).map(({ key }) => key),
    optional: required.flatMap(({ key }) => {
      const lane = lanes.get(key);
      return lane === undefined || lane.required || satisfiesGate(lane.attempt) ? [] : [lane];
    }),
  };
}

/** Gives a branch run the lanes that its target requires by now, and answers how many those are. */
export async function addNewlyRequired(forge: Forge, run: Run, by: Account): Promise<number> {
  const { id, repoId, branchId } = run;
  if (branchId === undefined) return 0;
  const { target } = getBranch(forge, branchId);
  const targetOid = await findHead(forge.git, repoPath(forge, repoId), target);
  const plan = targetOid === undefined ? undefined : await planIfOther(forge, run, targetOid);
  if (plan === undefined || targetOid === undefined) return 0;
  const added = forge.db.transaction(() => {
    const known = new Set(listLanes(forge, id).map(({ key }) => key));
    const lanes = plan.lanes.filter(({ key }) => !known.has(key));
    const changes = insertLanes(forge, id, { ...plan, lanes }, { cause: 'rerun', requestedBy: by.id });
    if (changes.length > 0) recomputeRun(forge, id);
    updateRunPolicy(forge.db, { id, policyOid: targetOid });
    return changes;
  });
  announce(forge, added);
  return added.length;
}

/** Undefined where the manifest of the target is the same as when the run was planned, or nothing can be planned by it. */
async function planIfOther(forge: Forge, run: Run, targetOid: string): Promise<Plan | undefined> {
  const { repoId, headOid, baseOid, policyOid } = run;
  if (run.kind !== 'branch' || run.problem !== undefined || policyOid === targetOid) return undefined;
  const [before, now] = await Promise.all([
    manifestOid(forge, repoId, policyOid),
    manifestOid(forge, repoId, targetOid),
  ]);
  if (before === now || now === undefined) return undefined;
  const plan = await planForTarget(forge, { repoId, headOid, baseOid, targetOid });
  return plan.problem === undefined ? plan : undefined;
}

async function manifestOid(
  forge: Forge,
  repoId: number,
  commit: string | undefined,
): Promise<string | undefined> {
  if (commit === undefined) return undefined;
  const expression = `${commit}:${manifestPath}`;
  return (await readObject(forge.git, repoPath(forge, repoId), { expression, maxBytes: 0 }))?.oid;
}
