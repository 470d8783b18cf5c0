// The gate: the one place that says whether a branch may land, and if not, everything that holds it. What it asks for
// stands in the target's own commit (policy.ts). The merge acts on the very object ids that were examined here.
import { findOpenBranch, listRevisions } from '../../branches/find.ts';
import type { Branch } from '../../branches/model.ts';
import type { Forge } from '../../forge/open.ts';
import { listHeads } from '../../git/refs.ts';
import { ForgeError } from '../../lib/errors.ts';
import type { MergeMethod } from '../../repos/model.ts';
import { repoPath } from '../../repos/path.ts';
import type { Verdict } from '../../reviews/model.ts';
import { branchHolds, headHolds, keptBackHolds, rightHolds } from './branch-holds.ts';
import { examineSecrets, examineSize, pathsOf, type Change } from './change-holds.ts';
import { holdOf } from './hold-of.ts';
import { examineLanes } from './lane-holds.ts';
import { examineMerge, knownMerge, type MergeFindings } from './merge-holds.ts';
import type { Findings, GateQuestion } from './question.ts';
import { examineOwners, examineReviews } from './review-holds.ts';
import { chooseMethod } from '../merge/method.ts';
import type { GateHold, GateMet, GateView } from '../model.ts';
import { readPolicy, type GatePolicy, type LandingPolicy } from '../policy/policy.ts';

export type { GateQuestion } from './question.ts';

export interface Examination {
  holds: GateHold[];
  /** What is asked for and fulfilled. */
  met: GateMet[];
  /** What was examined; undefined where the ref does not exist or the branch is settled. */
  headOid: string | undefined;
  targetOid: string | undefined;
  /** The tree of the merge, when it merges cleanly. */
  tree: string | undefined;
  /** The method it was examined for. Refuses (`invalid`) one that the repository does not take. */
  method: MergeMethod;
}

/** Everything that must change before the branch may land; open when that is nothing. */
export async function askGate(forge: Forge, question: GateQuestion): Promise<GateView> {
  const { holds, met } = await examine(forge, question, knownMerge);
  return { open: holds.length === 0, holds, met };
}

/** As `askGate`, with the object ids and the tree that the answer is about. */
export const examineGate = (forge: Forge, question: GateQuestion): Promise<Examination> =>
  examine(forge, question, examineMerge);

async function examine(
  forge: Forge,
  question: GateQuestion,
  tryMerge: typeof examineMerge,
): Promise<Examination> {
  const { repo, branch } = question;
  const holds = [...branchHolds(branch), ...rightHolds(forge, question), ...keptBackHolds(forge, branch)];
  const met: GateMet[] = [];
  const take = (findings: Findings) => {
    holds.push(...findings.holds);
    met.push(...findings.met);
  };
  if (branch.state !== 'open') {
    const nowhere = { headOid: undefined, targetOid: undefined, tree: undefined };
    return { holds, met, ...nowhere, method: repo.mergeMethod };
  }
  const { headOid, targetOid, policy, policyHolds } = await findSides(forge, question);
  const method = chooseMethod(policy?.landing.method ?? repo.mergeMethod, question.method);
  const answer = { holds, met, headOid, targetOid, tree: undefined, method };
  // The ref of a broken branch may have been set aside; the reason it is broken for says enough.
  if (branch.brokenReason !== undefined && headOid === undefined) return answer;
  holds.push(...headHolds(question, headOid));
  if (headOid !== undefined) take(await examineLanes(forge, question, { headOid, targetOid }));
  holds.push(...targetHolds(forge, branch, targetOid), ...policyHolds);
  if (headOid === undefined || targetOid === undefined) return answer;

  const gate = policy?.gate;
  const reviews = gate === undefined ? undefined : examineReviews(forge, question, gate);
  if (reviews !== undefined) take(reviews);
  const sides = { repo: repoPath(forge, repo.id), target: targetOid, head: headOid };
  const merge = await orBroken(branch, async () => {
    const asked = { ...sides, name: branch.target, method, upToDate: gate?.upToDate ?? false };
    const merged = await tryMerge(forge, repo, asked);
    const changed = await examineChange(forge, question, { gate, sides, merged, reviews });
    return { ...merged, holds: [...merged.holds, ...changed.holds], met: [...merged.met, ...changed.met] };
  });
  take(merge);
  return { ...answer, tree: merge.tree };
}

interface Sides {
  headOid: string | undefined;
  targetOid: string | undefined;
  /** Undefined without a target, and where the target's policy cannot be read. */
  policy: LandingPolicy | undefined;
  policyHolds: GateHold[];
}

/** Both object ids are resolved once, and everything after is asked of them. */
async function findSides(forge: Forge, { repo, branch }: GateQuestion): Promise<Sides> {
  const heads = await listHeads(forge.git, repoPath(forge, repo.id));
  const [headOid, targetOid] = [heads.get(branch.name), heads.get(branch.target)];
  const sides = { headOid, targetOid, policy: undefined, policyHolds: [] };
  if (targetOid === undefined) return sides;
  try {
    return { ...sides, policy: await readPolicy(forge, repo, targetOid) };
  } catch (error) {
    if (!(error instanceof ForgeError) || error.code !== 'invalid') throw error;
    // Nobody knows what it asks for, so nothing is taken for fulfilled.
    const message = `The policy of ${branch.target} cannot be read: ${error.message}`;
    const wayOut = `Correct it on ${branch.target}; a maintainer may merge the correction past the gate, with a reason.`;
    return { ...sides, policyHolds: [holdOf('policy_unreadable', { message, wayOut })] };
  }
}

function targetHolds(forge: Forge, { repoId, target }: Branch, targetOid: string | undefined): GateHold[] {
  const holds: GateHold[] = [];
  if (targetOid === undefined) {
    const message = `The target ${target} does not exist.`;
    holds.push(holdOf('no_target', { message, wayOut: `Push ${target} first.` }));
  }
  // Who merged a branch there that stands on another one would change what others review.
  const below = findOpenBranch(forge, repoId, target);
  if (below === undefined) return holds;
  const message = `Its target ${target} is itself under review, as #${below.number}.`;
  const wayOut = `Land #${below.number} first; this branch is then aimed at ${below.target}. Or aim it there now.`;
  return [...holds, holdOf('target_under_review', { message, wayOut }, { resolves: 'itself' })];
}

/** What the policy asks of the change itself: its owners, its size, and that it brings no secrets. */
async function examineChange(
  forge: Forge,
  { repo, branch }: GateQuestion,
  examined: {
    gate: GatePolicy | undefined;
    sides: { repo: string; head: string };
    merged: MergeFindings;
    reviews: { approvals: Verdict[] } | undefined;
  },
): Promise<Findings> {
  const { gate, sides, merged, reviews } = examined;
  const { base } = merged;
  if (gate === undefined || base === undefined || base === sides.head) return { holds: [], met: [] };
  const change: Change = { repoId: repo.id, path: sides.repo, base, head: sides.head };
  const owners =
    gate.owners.length === 0
      ? { holds: [], met: [] }
      : examineOwners(gate.owners, {
          changed: await pathsOf(forge, change),
          approvals: reviews?.approvals ?? [],
          authors: authorsOf(forge, branch),
        });
  const size = await examineSize(forge, change, gate.size);
  const secrets = await examineSecrets(forge, change, gate.secrets);
  const parts = [owners, size, secrets];
  return { holds: parts.flatMap(({ holds }) => holds), met: parts.flatMap(({ met }) => met) };
}

/** Everybody who pushed to the branch; empty when that is not known of every push. */
function authorsOf(forge: Forge, branch: Branch): string[] {
  const names = listRevisions(forge, branch.id).map(({ pushedByName }) => pushedByName);
  const known = names.filter((name) => name !== undefined);
  return known.length === names.length ? [...new Set(known)] : [];
}

/** Of a broken branch git may not be able to say anything more, and its reason is a hold already. */
async function orBroken(branch: Branch, work: () => Promise<MergeFindings>): Promise<MergeFindings> {
  try {
    return await work();
  } catch (error) {
    if (branch.brokenReason === undefined) throw error;
    return { holds: [], met: [], base: undefined, tree: undefined };
  }
}
