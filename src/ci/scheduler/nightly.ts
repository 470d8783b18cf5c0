// Starts what is due. A nightly is a run of its own, at the tip of the default branch; one that was due several times
// while the forge was down, or while its last run had not ended, runs once.
import type { Forge } from '../../forge/open.ts';
import { listHeads } from '../../git/refs.ts';
import { getRepo } from '../../repos/find.ts';
import { repoPath } from '../../repos/path.ts';
import { takeRunNumber } from '../../repos/take-number.ts';
import { announceRun, firstStateOf } from './create-run.ts';
import { nextDue } from '../manifest/cron.ts';
import { recomputeRun } from './finish.ts';
import { deleteNightly, hasNightlyRun, saveNightly, type Nightly } from './nightly-store.ts';
import { insertLanes, planNightly, type Plan } from './plan-run.ts';
import { insertRun } from '../store.ts';

interface Start {
  repoId: number;
  /** Its id in the manifest. */
  nightly: string;
  /** The moment of its schedule, or when somebody asked for it; one run for each. */
  dueAt: number;
}

/** Starts a nightly that is due, and writes when it is due next. */
export async function startDue(forge: Forge, nightly: Nightly): Promise<void> {
  const { repoId, id, schedule, dueAt } = nightly;
  await startNightly(forge, { repoId, nightly: id, dueAt });
  const pauseMs = (forge.config.ci.minNightlyMinutes - 1) * 60_000;
  const next = nextDue(schedule, forge.clock.now() + pauseMs);
  if (next === undefined) deleteNightly(forge.db, nightly);
  else saveNightly(forge.db, { ...nightly, dueAt: next });
}

/**
 * Makes the run of a nightly at the tip of the default branch; its id. Undefined: the manifest there has no such nightly, or
 * the run of that moment exists. A manifest that cannot be read makes a failed run that says so.
 */
export async function startNightly(forge: Forge, start: Start): Promise<number | undefined> {
  const { repoId, nightly, dueAt } = start;
  const repo = getRepo(forge, repoId);
  const headOid = (await listHeads(forge.git, repoPath(forge, repoId))).get(repo.defaultBranch);
  if (headOid === undefined || hasNightlyRun(forge.db, { repoId, nightly, dueAt })) return undefined;
  const plan = await planNightly(forge, { repoId, headOid, id: nightly });
  if (plan === undefined) return undefined;
  const runId = forge.db.transaction(() => insertNightly(forge, start, { headOid, plan }));
  if (runId !== undefined) announceRun(forge, runId);
  return runId;
}

function insertNightly(
  forge: Forge,
  start: Start,
  { headOid, plan }: { headOid: string; plan: Plan },
): number | undefined {
  if (hasNightlyRun(forge.db, { ...start })) return undefined;
  const runId = insertRun(forge.db, {
    ...start,
    number: takeRunNumber(forge, start.repoId),
    kind: 'nightly',
    headOid,
    treeOid: plan.treeOid,
    state: firstStateOf(plan),
    problem: plan.problem,
    policyOid: plan.policyOid,
    now: forge.clock.now(),
  });
  insertLanes(forge, runId, plan, { cause: 'nightly' });
  if (plan.lanes.length > 0) recomputeRun(forge, runId);
  return runId;
}
