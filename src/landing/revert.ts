// Taking back what a branch brought: a new branch with one commit on top of the target, which is reviewed, tested and
// landed as any other. Nothing is taken from history.
import { recordAudit } from '../accounts/audit.ts';
import { requireAccount } from '../accounts/guard.ts';
import type { Account, Caller } from '../accounts/model.ts';
import { getBranch } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import { freeName, startBranch } from '../branches/start-branch.ts';
import type { Forge } from '../forge/open.ts';
import { commitTree, mergeTree, type Person } from '../git/merge.ts';
import { commitSummary, isAncestor, treeOf } from '../git/objects.ts';
import { resolveBranch } from '../git/refs.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { requireRight } from '../repos/rights.ts';
import { findMerge } from './store.ts';

export interface RevertOrder {
  repo: Repo;
  branch: Branch;
  caller: Caller;
  /** Why, for the message of the commit. */
  reason?: string | undefined;
}

/** A landing that can be taken back: the commit that it put on the target, and the target before it. */
interface Landing {
  after: string;
  before: string;
}

/**
 * Makes the branch `revert-<number>` that takes back what `branch` brought to its target. Refuses (`conflict`) a branch
 * that is not merged, whose landing the target has no more, or whose lines have changed since, with their paths.
 */
export async function revertBranch(forge: Forge, order: RevertOrder): Promise<Branch> {
  const { repo, caller } = order;
  requireRight(forge, caller, { repo, right: 'write' });
  const actor = requireAccount(caller, 'write');
  const branch = getBranch(forge, order.branch.id);
  const path = repoPath(forge, repo.id);
  const landing = await landingOf(forge, branch);
  const targetOid = await resolveBranch(forge.git, path, branch.target);
  if (targetOid === undefined || !(await isAncestor(forge.git, path, landing.after, targetOid))) {
    throw new ForgeError(
      'conflict',
      `${branch.target} does not have the commits of #${branch.number} any more.`,
    );
  }
  const headOid = await makeRevert(forge, { ...order, branch, actor, landing, targetOid });
  const name = await freeName(forge, repo, `revert-${branch.number}`);
  const made = await startBranch(forge, { repo, name, target: branch.target, headOid, actorId: actor.id });
  recordAudit(forge, caller, {
    action: 'branch.revert',
    subject: `${fullName(repo)}#${branch.number}`,
    detail: { commit: landing.after, as: made.number, name },
  });
  return made;
}

/** By the row of the merge; what git alone landed is known by its commit only when that is a merge. */
async function landingOf(forge: Forge, branch: Branch): Promise<Landing> {
  if (branch.state !== 'merged') {
    throw new ForgeError(
      'conflict',
      `Branch #${branch.number} is ${branch.state}; there is nothing to take back.`,
    );
  }
  const merge = findMerge(forge, branch.id);
  if (merge !== undefined) return { after: merge.mergeOid, before: merge.targetOid };
  throw new ForgeError(
    'conflict',
    `Branch #${branch.number} was not merged here, so it is not known which commits it brought. Revert them with git and push a branch.`,
  );
}

/** A three-way merge of the target with a commit that undoes the landing, whose common ancestor is the landing. */
async function makeRevert(
  forge: Forge,
  revert: RevertOrder & { actor: Account; landing: Landing; targetOid: string },
): Promise<string> {
  const { repo, branch, actor, landing, targetOid } = revert;
  const path = repoPath(forge, repo.id);
  const person: Person = { name: actor.name, email: actor.email };
  const content = { repo: path, author: person, committer: person, at: forge.clock.now() };
  const undone = await commitTree(forge.git, {
    ...content,
    tree: await treeOf(forge.git, path, landing.before),
    parents: [landing.after],
    message: 'The tree before the landing',
  });
  const merge = await mergeTree(forge.git, { repo: path, target: targetOid, head: undone });
  if (merge.outcome === 'conflict') {
    const shown = merge.paths.slice(0, 5).join(', ');
    const more = merge.paths.length > 5 ? ` and ${merge.paths.length - 5} more` : '';
    throw new ForgeError(
      'conflict',
      `What #${branch.number} brought was changed since, in ${shown}${more}. Revert it with git, solve the conflicts there, and push a branch.`,
      { details: { paths: merge.paths } },
    );
  }
  const { tree } = await commitSummary(forge.git, path, targetOid);
  if (merge.tree === tree) {
    throw new ForgeError(
      'conflict',
      `${branch.target} has nothing of #${branch.number} any more to take back.`,
    );
  }
  return commitTree(forge.git, {
    ...content,
    tree: merge.tree,
    parents: [targetOid],
    message: messageOf(branch, landing.after, revert.reason),
  });
}

function messageOf({ title, number }: Branch, oid: string, reason: string | undefined): string {
  const why = reason?.trim() ? `\n\n${reason.trim()}` : '';
  return `Revert "${title}" (#${number})\n\nThis takes back what #${number} brought with ${oid}.${why}\n`;
}
