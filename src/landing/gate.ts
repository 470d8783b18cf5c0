// The gate: the one place that says whether a branch may land, and if not, everything that holds it.
// The merge acts on the very object ids that were examined here.
import type { Caller } from '../accounts/model.ts';
import { findOpenBranch } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import { listLanes, runOf } from '../ci/find.ts';
import { satisfiesGate, type Lane } from '../ci/model.ts';
import { laneHolds } from '../ci/scheduler/verdict.ts';
import type { Forge } from '../forge/open.ts';
import { mergeTree, type MergeSides } from '../git/merge.ts';
import { mergeBase } from '../git/objects.ts';
import { resolveBranch } from '../git/refs.ts';
import { fullName, includesRight, type MergeMethod, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { rightOn } from '../repos/rights.ts';
import { chooseMethod, usualMethod } from './method.ts';
import type { GateHold, GateView } from './model.ts';

export interface GateQuestion {
  repo: Repo;
  branch: Branch;
  caller: Caller;
  /** The head the caller has seen; left out, whatever is there is examined. */
  head?: string | undefined;
  /** How it would be merged; left out, by the usual method. */
  method?: MergeMethod | undefined;
}

export interface Examination {
  holds: GateHold[];
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
  const { holds } = await examineGate(forge, question);
  return { open: holds.length === 0, holds };
}

/** As `askGate`, with the object ids and the tree that the answer is about. */
export async function examineGate(forge: Forge, question: GateQuestion): Promise<Examination> {
  const { repo, branch } = question;
  const holds = [...branchHolds(branch), ...rightHolds(forge, question)];
  if (branch.state !== 'open') {
    return { holds, headOid: undefined, targetOid: undefined, tree: undefined, method: repo.mergeMethod };
  }
  const path = repoPath(forge, repo.id);
  const [headOid, targetOid] = await Promise.all([
    resolveBranch(forge.git, path, branch.name),
    resolveBranch(forge.git, path, branch.target),
  ]);
  const isBroken = branch.brokenReason !== undefined;
  // The ref of a broken branch may have been set aside; the reason it is broken for says enough.
  const usual = targetOid === undefined ? repo.mergeMethod : await usualMethod(forge, repo, targetOid);
  const method = chooseMethod(usual, question.method);
  if (isBroken && headOid === undefined) return { holds, headOid, targetOid, tree: undefined, method };
  holds.push(...headHolds(question, headOid));
  if (headOid !== undefined) holds.push(...ciHolds(forge, question, headOid));
  if (targetOid === undefined) holds.push(missingTarget(branch.target));
  holds.push(...targetHolds(forge, branch));
  if (headOid === undefined || targetOid === undefined) {
    return { holds, headOid, targetOid, tree: undefined, method };
  }

  const merge = await examineMerge(forge, method, {
    repo: path,
    target: targetOid,
    head: headOid,
    name: branch.target,
  }).catch((error: unknown) => {
    if (!isBroken) throw error;
    return { holds: [], tree: undefined };
  });
  holds.push(...merge.holds);
  return { holds, headOid, targetOid, tree: merge.tree, method };
}

function branchHolds(branch: Branch): GateHold[] {
  if (branch.state !== 'open') {
    const wayOut = branch.state === 'closed' ? 'Reopen it to land it.' : 'Nothing more is needed.';
    return [{ kind: 'not_open', message: `The branch is ${branch.state}.`, wayOut }];
  }
  if (branch.brokenReason === undefined) return [];
  return [
    {
      kind: 'branch_broken',
      message: `The branch cannot be read: ${branch.brokenReason}.`,
      wayOut: 'Push it again, or close it.',
    },
  ];
}

function rightHolds(forge: Forge, { caller, repo }: GateQuestion): GateHold[] {
  if (includesRight(rightOn(forge, caller, repo), 'write')) return [];
  return [
    {
      kind: 'not_allowed',
      message: `You may not write to ${fullName(repo)}.`,
      wayOut:
        caller.account === undefined
          ? 'Sign in as somebody who may.'
          : 'Ask the owner of the repository for the right to write, or let somebody merge who has it.',
    },
  ];
}

function headHolds({ branch, head }: GateQuestion, headOid: string | undefined): GateHold[] {
  if (headOid === undefined) {
    return [
      {
        kind: 'stale_head',
        message: `The branch ${branch.name} is gone from the repository.`,
        wayOut: 'Push it again.',
      },
    ];
  }
  const seen = head ?? branch.headOid;
  if (seen === headOid && branch.headOid === headOid) return [];
  return [
    {
      kind: 'stale_head',
      message: `The branch moved: its head is ${headOid.slice(0, 8)} now, not ${seen.slice(0, 8)}.`,
      wayOut: 'Fetch it and look at what is new.',
    },
  ];
}

function ciHolds(forge: Forge, { repo, branch }: GateQuestion, headOid: string): GateHold[] {
  const run = runOf(forge, { branchId: branch.id, revision: branch.revision });
  if (run === undefined || run.headOid !== headOid) {
    return [
      {
        kind: 'no_run',
        message: `CI has not looked at ${headOid.slice(0, 8)} yet.`,
        wayOut: 'Wait for it: ph wait',
      },
    ];
  }
  if (run.problem !== undefined) {
    return [
      {
        kind: 'run_problem',
        message: sentence(`CI run ${run.number} has no lanes`, run.problem),
        wayOut: 'Correct .pika/lanes.toml and push again.',
      },
    ];
  }
  // Another branch may stand at the same commit, with a run of its own that left lanes out. Both must be green.
  const own = listLanes(forge, run.id).filter((lane) => lane.required && !satisfiesGate(lane.attempt));
  const lanes = [...own, ...laneHolds(forge, { repo, headOid, treeOid: run.treeOid })];
  return [...new Map(lanes.map((lane) => [lane.key, lane])).values()].map(laneHold);
}

function laneHold({ key, attempt }: Lane): GateHold {
  const hold = { kind: 'lane_not_green' as const, lane: key };
  switch (attempt.state) {
    case 'failed':
      return {
        ...hold,
        message: sentence(`The lane ${key} failed`, attempt.message),
        wayOut: `Read its log (ph logs --lane ${key}), correct it and push again.`,
        since: time(attempt.finishedAt ?? attempt.queuedAt),
      };
    case 'cancelled':
    case 'skipped':
      return {
        ...hold,
        message: sentence(`The lane ${key} was ${attempt.state}`, attempt.message),
        wayOut: 'Run it again.',
        since: time(attempt.finishedAt ?? attempt.queuedAt),
      };
    default:
      return {
        ...hold,
        message: `The lane ${key} is ${attempt.state}.`,
        wayOut: 'Wait for it: ph wait',
        since: time(attempt.startedAt ?? attempt.queuedAt),
      };
  }
}

function sentence(start: string, reason: string | undefined): string {
  if (!reason) return `${start}.`;
  return /[.!?]$/.test(reason) ? `${start}: ${reason}` : `${start}: ${reason}.`;
}

/** A branch that stands on another one lands after it: who merged it there would change what others review. */
function targetHolds(forge: Forge, { repoId, target }: Branch): GateHold[] {
  const below = findOpenBranch(forge, repoId, target);
  if (below === undefined) return [];
  return [
    {
      kind: 'target_under_review',
      message: `Its target ${target} is itself under review, as #${below.number}.`,
      wayOut: `Land #${below.number} first; this branch is then aimed at ${below.target}. Or aim it there now.`,
    },
  ];
}

const missingTarget = (target: string): GateHold => ({
  kind: 'no_target',
  message: `The target ${target} does not exist.`,
  wayOut: `Push ${target} first.`,
});

async function examineMerge(
  forge: Forge,
  method: MergeMethod,
  sides: MergeSides & { name: string },
): Promise<{ holds: GateHold[]; tree: string | undefined }> {
  const held = (kind: GateHold['kind'], message: string, wayOut: string) => ({
    holds: [{ kind, message, wayOut }],
    tree: undefined,
  });
  const rebase = `Rebase it on ${sides.name} and push again.`;
  const base = await mergeBase(forge.git, sides.repo, sides.target, sides.head);
  if (base === undefined) {
    return held('no_common_history', `The branch and ${sides.name} have no commit in common.`, rebase);
  }
  if (base === sides.head) {
    return held(
      'already_merged',
      `${sides.name} has every commit of the branch already.`,
      'Close the branch.',
    );
  }
  if (method === 'fast-forward' && base !== sides.target) {
    return held('not_fast_forward', `${sides.name} moved on, so it cannot be fast-forwarded.`, rebase);
  }
  const merge = await mergeTree(forge.git, sides);
  if (merge.outcome === 'clean') return { holds: [], tree: merge.tree };
  const shown = merge.paths.slice(0, 5).join(', ');
  const more = merge.paths.length > 5 ? ` and ${merge.paths.length - 5} more` : '';
  return held('conflict', `The branch conflicts with ${sides.name} in ${shown}${more}.`, rebase);
}

const time = (at: number): string => new Date(at).toISOString();
