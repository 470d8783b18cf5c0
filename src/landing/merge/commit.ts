// The commit that a merge puts on the target, by its method: a merge commit, one squashed
// commit that keeps its authors, or the head itself.
import { getAccount } from '../../accounts/find.ts';
import type { Account } from '../../accounts/model.ts';
import type { Branch } from '../../branches/model.ts';
import type { Forge } from '../../forge/open.ts';
import { commitTree, listCoAuthors, type Person } from '../../git/merge.ts';
import type { MergeMethod, Repo } from '../../repos/model.ts';
import { repoPath } from '../../repos/path.ts';
import { usualMessage } from './message.ts';

export interface CommitOrder {
  repo: Repo;
  branch: Branch;
  actor: Account;
  method: MergeMethod;
  /** In place of the usual one. */
  message: string | undefined;
  targetOid: string;
  headOid: string;
  /** The merged tree. */
  tree: string;
}

/** The object id of the commit to land. It is written; no ref knows of it yet. */
export async function makeCommit(forge: Forge, order: CommitOrder): Promise<string> {
  const { repo, branch, method, targetOid, headOid, tree } = order;
  if (method === 'fast-forward') return headOid;

  const path = repoPath(forge, repo.id);
  const committer = personOf(order.actor);
  const content = { repo: path, tree, committer, at: forge.clock.now() };
  const message = order.message ?? (await usualMessage(forge, { branch, method, targetOid, headOid }));
  if (method === 'merge') {
    return commitTree(forge.git, { ...content, parents: [targetOid, headOid], message, author: committer });
  }
  const author = branch.authorId === undefined ? committer : personOf(getAccount(forge, branch.authorId));
  const others = await listCoAuthors(forge.git, { repo: path, target: targetOid, head: headOid, author });
  const named = withCoAuthors(message, others);
  return commitTree(forge.git, { ...content, parents: [targetOid], message: named, author });
}

const personOf = (account: Account): Person => ({ name: account.name, email: account.email });

function withCoAuthors(message: string, people: readonly Person[]): string {
  const trailers = people
    .map(({ name, email }) => `Co-authored-by: ${name} <${email}>`)
    .filter((trailer) => !message.includes(trailer));
  if (trailers.length === 0) return message;
  return `${message.trimEnd()}\n\n${trailers.join('\n')}\n`;
}
