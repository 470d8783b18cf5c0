// Whether a branch merges: what git makes of the two commits, and whether the result still has a policy that can be read.
import type { Forge } from '../../forge/open.ts';
import { mergeTree, type MergeSides } from '../../git/merge.ts';
import { mergeBase } from '../../git/objects.ts';
import { ForgeError } from '../../lib/errors.ts';
import { Recent } from '../../lib/recent.ts';
import type { MergeMethod, Repo } from '../../repos/model.ts';
import { holdOf, someOf } from './hold-of.ts';
import type { Findings } from './question.ts';
import type { HoldKind } from '../model.ts';
import { readPolicy } from '../policy/policy.ts';

export interface MergeQuestion extends MergeSides {
  /** The target's name. */
  name: string;
  method: MergeMethod;
  /** Whether the branch must contain the target's tip. */
  upToDate: boolean;
}

export type MergeFindings = Findings & { base: string | undefined; tree: string | undefined };

// What pages asked lately, by the two commits and what is asked of them, neither of which ever changes.
const maxKeptMergeBytes = 4 * 1024 * 1024;
// The sentences of an answer name a few paths at most.
const bytesPerMerge = 2000;
const kept = new WeakMap<Forge, Recent<Promise<MergeFindings>>>();

/**
 * As `examineMerge`, for who only tells what holds a branch: git is asked once for two commits. Housekeeping may have
 * taken the tree away since, so nothing may be made of it.
 */
export function knownMerge(
  forge: Forge,
  repo: Pick<Repo, 'id'>,
  sides: MergeQuestion,
): Promise<MergeFindings> {
  const known = kept.get(forge) ?? new Recent<Promise<MergeFindings>>(maxKeptMergeBytes);
  kept.set(forge, known);
  const { target, head, name, method, upToDate } = sides;
  const key = `${repo.id} ${target} ${head} ${method} ${upToDate} ${name}`;
  const found = known.find(key);
  if (found !== undefined) return found;
  const examining = examineMerge(forge, repo, sides);
  known.keep(key, examining, bytesPerMerge);
  // A failure is not kept: the next reader may have more luck.
  examining.catch(() => known.drop(key));
  return examining;
}

export async function examineMerge(
  forge: Forge,
  repo: Pick<Repo, 'id'>,
  sides: MergeQuestion,
): Promise<MergeFindings> {
  const { name } = sides;
  const rebase = `Rebase it on ${name} and push again.`;
  const base = await mergeBase(forge.git, sides.repo, sides.target, sides.head);
  if (base === undefined) {
    const message = `The branch and ${name} have no commit in common.`;
    return held(base, 'no_common_history', { message, wayOut: rebase });
  }
  if (base === sides.head) {
    const message = `${name} has every commit of the branch already.`;
    return held(base, 'already_merged', { message, wayOut: 'Close the branch.' });
  }
  if (sides.method === 'fast-forward' && base !== sides.target) {
    const message = `${name} moved on, and only fast-forwards land here.`;
    return held(base, 'not_fast_forward', { message, wayOut: rebase });
  }
  const merge = await mergeTree(forge.git, sides);
  if (merge.outcome === 'conflict') {
    const message = `The branch conflicts with ${name} in ${someOf(merge.paths)}.`;
    const wayOut = `Merge or rebase on ${name}, settle it there (ph conflicts shows where), and push again.`;
    return held(base, 'conflict', { message, wayOut });
  }
  const policy = await examineMergedPolicy(forge, repo, { ...sides, tree: merge.tree });
  const upToDate = examineUpToDate(base, sides);
  return {
    base,
    tree: merge.tree,
    holds: [...upToDate.holds, ...policy.holds],
    met: [{ kind: 'merges', message: `Merges cleanly into ${name}` }, ...upToDate.met],
  };
}

const held = (
  base: string | undefined,
  kind: HoldKind,
  says: { message: string; wayOut: string },
): MergeFindings => ({ base, tree: undefined, holds: [holdOf(kind, says)], met: [] });

function examineUpToDate(base: string, { upToDate, target, name }: MergeQuestion): Findings {
  if (!upToDate) return { holds: [], met: [] };
  if (base === target)
    return { holds: [], met: [{ kind: 'up_to_date', message: `Contains the tip of ${name}` }] };
  const message = `${name} moved on to ${target.slice(0, 8)}, and a branch must contain its tip to land.`;
  const wayOut = `Merge or rebase on ${name} and push again.`;
  return { holds: [holdOf('not_up_to_date', { message, wayOut })], met: [] };
}

/** After a merge that spoils the policy nothing could land any more. */
async function examineMergedPolicy(
  forge: Forge,
  repo: Pick<Repo, 'id'>,
  { tree, name }: { tree: string; name: string },
): Promise<Findings> {
  try {
    await readPolicy(forge, repo, tree);
    return { holds: [], met: [] };
  } catch (error) {
    if (!(error instanceof ForgeError) || error.code !== 'invalid') throw error;
    const message = `With the branch, ${name} would have a policy that cannot be read: ${error.message}`;
    return {
      holds: [holdOf('policy_unreadable', { message, wayOut: 'Correct it and push again.' })],
      met: [],
    };
  }
}
