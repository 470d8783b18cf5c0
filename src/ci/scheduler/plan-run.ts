// Reads what a commit asks for: its tree, its manifest, and what the target branch says about it. A bad manifest
// or a broken repository is a plan with a problem, and never stops the pass.
import type { Branch, Revision } from '../../branches/model.ts';
import type { Forge } from '../../forge/open.ts';
import { readBlob, treeOf } from '../../git/objects.ts';
import { findHead } from '../../git/refs.ts';
import { ForgeError, errorMessage } from '../../lib/errors.ts';
import { repoPath } from '../../repos/path.ts';
import { changedPaths } from '../manifest/changed-paths.ts';
import { readManifest, type LaneSpec, type Manifest } from '../manifest/manifest.ts';
import { manifestPath } from '../manifest/manifest-refusal.ts';
import type { AttemptCause } from '../model.ts';
import { applyPolicy } from '../manifest/policy.ts';
import { selectLanes } from '../manifest/selection.ts';
import { insertAttempt, type NewAttempt } from '../attempt-store.ts';
import type { Change } from './finish.ts';
import { countLanes, insertLane } from '../store.ts';

/** What a commit's manifest asks for; `problem` when it could not be read. */
export interface Plan {
  treeOid: string;
  lanes: LaneSpec[];
  /** The keys of the lanes that run; the others are left out by their path filter. */
  selected: ReadonlySet<string>;
  problem: string | undefined;
  /** The commit of the target branch whose manifest said what is required; undefined: there is none. */
  policyOid: string | undefined;
  /** By the key of a lane that is green already at the same tree: where. It does not run again. */
  kept?: ReadonlyMap<string, string>;
}

const unknownTree = '0'.repeat(40);

export function planRun(forge: Forge, branch: Branch, { headOid, baseOid }: Revision): Promise<Plan> {
  const { repoId, target } = branch;
  return planAgainst(forge, { repoId, headOid, baseOid }, async (path) =>
    policyAt(forge, path, await findHead(forge.git, path, target)),
  );
}

/** As `planRun`, for a target that stands, or stood, at a commit. */
export const planForTarget = (
  forge: Forge,
  commits: { repoId: number; headOid: string; baseOid: string | undefined; targetOid: string },
): Promise<Plan> => planAgainst(forge, commits, (path) => policyAt(forge, path, commits.targetOid));

/** What a commit that the target is to be moved to asks for; `baseOid` is what it is built on, and says what is required. */
export const planLanding = (
  forge: Forge,
  commits: { repoId: number; headOid: string; baseOid: string },
): Promise<Plan> => planForTarget(forge, { ...commits, targetOid: commits.baseOid });

function planAgainst(
  forge: Forge,
  commits: { repoId: number; headOid: string; baseOid: string | undefined },
  policyIn: (path: string) => ReturnType<typeof policyAt>,
): Promise<Plan> {
  const { headOid, baseOid } = commits;
  return orProblem(forge, commits, async (path) => {
    const [own, policy] = await allOf(manifestAt(forge, path, headOid), policyIn(path));
    const required = policy?.manifest?.lanes;
    const lanes = applyPolicy(own?.lanes ?? [], required);
    const isFiltered = [...lanes, ...(required ?? [])].some((lane) => lane.paths !== undefined);
    const changed = isFiltered
      ? await changedPaths(forge.git, { repo: path, base: baseOid, head: headOid })
      : undefined;
    // By the paths of either side: a lane is left out only when the target would leave it out too.
    const selected = new Set([...selectLanes(lanes, changed), ...selectLanes(required ?? [], changed)]);
    return { lanes, selected, policyOid: policy?.oid };
  });
}

/** The lanes of one nightly at a commit of the default branch, which is its own target; undefined when it has none. */
export async function planNightly(
  forge: Forge,
  wanted: { repoId: number; headOid: string; id: string },
): Promise<Plan | undefined> {
  const { headOid, id } = wanted;
  let isKnown = true;
  const plan = await orProblem(forge, wanted, async (path) => {
    const manifest = await manifestAt(forge, path, headOid);
    const nightly = manifest?.nightlies.find((one) => one.id === id);
    isKnown = nightly !== undefined;
    const lanes = nightly?.lanes ?? [];
    return { lanes, selected: selectLanes(lanes, undefined), policyOid: headOid };
  });
  return isKnown ? plan : undefined;
}

/** Gives a run the lanes of its plan behind those it has, each with its first attempt; part of the caller's transaction. */
export function insertLanes(
  forge: Forge,
  runId: number,
  plan: Plan,
  origin: { cause?: AttemptCause; requestedBy?: number } = {},
): Change[] {
  const now = forge.clock.now();
  const first = countLanes(forge.db, runId);
  return plan.lanes.map((lane, index): Change => {
    const laneId = insertLane(forge.db, runId, first + index, lane);
    const ended = endedAtOnce(plan, lane);
    const made = { laneId, now, cause: 'push' as const, ...origin };
    const attemptId = insertAttempt(forge.db, { ...made, ...(ended === undefined ? {} : { ended }) });
    return { runId, laneId, attemptId, state: ended?.state ?? 'queued' };
  });
}

function endedAtOnce(plan: Plan, { key, paths }: LaneSpec): NewAttempt['ended'] {
  if (!plan.selected.has(key)) {
    return { state: 'skipped', message: `no change touches ${paths?.join(', ') ?? ''}` };
  }
  const where = plan.kept?.get(key);
  return where === undefined ? undefined : { state: 'success', message: where };
}

/** The manifest at a commit; undefined when the commit has none. Refuses (`invalid`) one that is malformed. */
export async function manifestAt(forge: Forge, path: string, oid: string): Promise<Manifest | undefined> {
  const { ci } = forge.config;
  const blob = await readBlob(forge.git, path, `${oid}:${manifestPath}`, ci.maxManifestBytes);
  return blob === undefined ? undefined : readManifest(blob.toString('utf8'), ci);
}

/** A target whose manifest is malformed requires nothing: the branch that corrects it must be able to land. */
async function policyAt(forge: Forge, path: string, oid: string | undefined) {
  if (oid === undefined) return undefined;
  try {
    return { oid, manifest: await manifestAt(forge, path, oid) };
  } catch (error) {
    if (!(error instanceof ForgeError) || !['invalid', 'too_large'].includes(error.code)) throw error;
    return { oid, manifest: undefined };
  }
}

/** As `Promise.all`, but leaves nothing going on behind the back of whoever is told of the first failure. */
async function allOf<First, Second>(
  first: Promise<First>,
  second: Promise<Second>,
): Promise<[First, Second]> {
  await Promise.allSettled([first, second]);
  return [await first, await second];
}

async function orProblem(
  forge: Forge,
  { repoId, headOid }: { repoId: number; headOid: string },
  read: (path: string) => Promise<Pick<Plan, 'lanes' | 'selected' | 'policyOid'>>,
): Promise<Plan> {
  const path = repoPath(forge, repoId);
  const empty = { lanes: [], selected: new Set<string>(), policyOid: undefined };
  const tree = treeOf(forge.git, path, headOid);
  try {
    const [treeOid, plan] = await allOf(tree, read(path));
    return { treeOid, ...plan, problem: undefined };
  } catch (error) {
    const treeOid = await tree.catch(() => unknownTree);
    if (error instanceof ForgeError) return { ...empty, treeOid, problem: error.message };
    forge.log.error({ err: error, repoId, head: headOid }, 'a run could not be planned');
    const problem = `The commit ${headOid.slice(0, 8)} could not be read: ${errorMessage(error)}`;
    return { ...empty, treeOid, problem };
  }
}
