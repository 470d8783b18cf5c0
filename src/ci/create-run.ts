// Gives every newest revision of an open branch its run, from the manifest at that commit. A bad manifest
// or a broken repository makes a failed run that says so, and never stops the pass.
import { getBranch, getRevision } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { readBlob, treeOf } from '../git/objects.ts';
import { ForgeError, errorMessage } from '../lib/errors.ts';
import { repoPath } from '../repos/path.ts';
import { takeRunNumber } from '../repos/take-number.ts';
import { endQueuedOrMark } from './cancel.ts';
import { announce, recomputeRun, type Change } from './finish.ts';
import { manifestPath } from './manifest-refusal.ts';
import { readLanes, type LaneSpec } from './manifest.ts';
import { listRevisionsWithoutRun, listSuperseded } from './queue.ts';
import { changedPaths, selectLanes } from './selection.ts';
import { getRun, runOf } from './find.ts';
import { insertAttempt, insertLane, insertRun } from './store.ts';

/** What a commit's manifest asks for; `problem` when it could not be read. */
interface Plan {
  treeOid: string;
  lanes: LaneSpec[];
  selected: ReadonlySet<string>;
  problem: string | undefined;
}

const unknownTree = '0'.repeat(40);

export async function createMissingRuns(forge: Forge): Promise<void> {
  for (const { branchId, revision } of listRevisionsWithoutRun(forge.db)) {
    await createRun(forge, { branchId, revision });
  }
}

async function createRun(forge: Forge, wanted: { branchId: number; revision: number }): Promise<void> {
  const branch = getBranch(forge, wanted.branchId);
  const revision = getRevision(forge, wanted.branchId, wanted.revision);
  const plan = await planRun(forge, branch, revision);
  const created = forge.db.transaction(() => insertPlan(forge, { branch, revision, plan }));
  if (created === undefined) return;
  const { repoId, id: branchId } = branch;
  forge.events.emit('run-created', { repoId, branchId, runId: created.runId });
  announce(forge, created.changes);
  const run = getRun(forge, created.runId);
  if (run.finishedAt !== undefined) {
    forge.events.emit('run-finished', { repoId, branchId, runId: run.id, state: run.state });
  }
}

async function planRun(forge: Forge, branch: Branch, revision: Revision): Promise<Plan> {
  const repo = repoPath(forge, branch.repoId);
  const { headOid, baseOid } = revision;
  const empty = { lanes: [], selected: new Set<string>() };
  let treeOid = unknownTree;
  try {
    treeOid = await treeOf(forge.git, repo, headOid);
    const lanes = await lanesAt(forge, repo, headOid);
    const isFiltered = lanes.some((lane) => lane.paths !== undefined);
    const changed = isFiltered
      ? await changedPaths(forge.git, { repo, base: baseOid, head: headOid })
      : undefined;
    return { treeOid, lanes, selected: selectLanes(lanes, changed), problem: undefined };
  } catch (error) {
    if (error instanceof ForgeError) return { ...empty, treeOid, problem: error.message };
    forge.log.error({ err: error, branchId: branch.id, head: headOid }, 'a run could not be planned');
    return {
      ...empty,
      treeOid,
      problem: `The commit ${headOid.slice(0, 8)} could not be read: ${errorMessage(error)}`,
    };
  }
}

async function lanesAt(forge: Forge, repo: string, oid: string): Promise<LaneSpec[]> {
  const { ci } = forge.config;
  const blob = await readBlob(forge.git, repo, `${oid}:${manifestPath}`, ci.maxManifestBytes);
  return blob === undefined ? [] : readLanes(blob.toString('utf8'), ci);
}

function insertPlan(
  forge: Forge,
  { branch, revision, plan }: { branch: Branch; revision: Revision; plan: Plan },
): { runId: number; changes: Change[] } | undefined {
  const now = forge.clock.now();
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
    // A commit without a manifest has no lanes to hold it: success, shown as "no lanes".
    state: plan.problem === undefined ? (plan.lanes.length === 0 ? 'success' : 'queued') : 'failed',
    problem: plan.problem,
    now,
  });
  for (const [position, lane] of plan.lanes.entries()) {
    const laneId = insertLane(forge.db, runId, position, lane);
    const skipped = { message: `no change touches ${lane.paths?.join(', ') ?? ''}` };
    insertAttempt(forge.db, { laneId, now, ...(plan.selected.has(lane.key) ? {} : { skipped }) });
  }
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
