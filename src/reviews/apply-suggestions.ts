// Suggestions become a commit on the branch, all that are asked for or none. Lines are bytes here: what is not replaced
// stays exactly as it was, whatever it is written in.
import { getAccount } from '../accounts/find.ts';
import { recordAudit } from '../accounts/audit.ts';
import type { Account } from '../accounts/model.ts';
import { advanceBranch } from '../branches/advance-branch.ts';
import { getBranch, getRevision, listRevisions } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { pathOfText, type GitPath } from '../git/git-path.ts';
import { commitTree } from '../git/merge.ts';
import { readBlob, treeOf } from '../git/objects.ts';
import { replaceFiles } from '../git/replace-files.ts';
import { findEntry } from '../git/tree.ts';
import { ForgeError } from '../lib/errors.ts';
import { repoPath } from '../repos/path.ts';
import { requireVoice, subjectOf, tellReviewChanged, type ReviewOrder } from './author.ts';
import { getComment, getThread } from './find.ts';
import { followThreads } from './follow.ts';
import type { Comment, Thread } from './model.ts';
import { replaceLines, type Replacement } from './replace-lines.ts';
import { digestOf } from './suggestion-digest.ts';
import { suggestionsIn, type ApplyRequest } from './suggestion-model.ts';
import { updateResolved } from './thread-store.ts';

const maxFileBytes = 20 * 1024 * 1024;

export interface Chosen {
  comment: Comment;
  thread: Thread;
  path: string;
  replacement: Replacement;
}

/**
 * Commits suggestions in the name of the caller, who must have the right to write, and settles their threads. Refuses
 * (`conflict`) when the branch has moved or ended, and when lines or a suggestion are not what was read any more.
 */
export async function applySuggestions(
  forge: Forge,
  order: ReviewOrder & { request: ApplyRequest },
): Promise<Branch> {
  const account = requireVoice(forge, order, 'write');
  const { repo, request } = order;
  const branch = getBranch(forge, order.branch.id);
  checkHead(branch, request.head);
  const chosen = await choose(forge, branch, request);
  const tree = await writeTree(forge, branch, chosen);
  const people = { actor: account, chosen };
  const headOid = await commitTree(forge.git, {
    repo: repoPath(forge, repo.id),
    tree,
    parents: [branch.headOid],
    message: messageOf(forge, people, request.message),
    author: account,
    committer: account,
    at: forge.clock.now(),
  });
  const moved = await advanceBranch(forge, {
    branchId: branch.id,
    fromOid: branch.headOid,
    headOid,
    actorId: account.id,
    alongside: () => settle(forge, { ...order, branch }, { ...people, headOid }),
  });
  tellReviewChanged(forge, branch);
  return moved;
}

function checkHead({ number, state, headOid, revision, brokenReason }: Branch, head: string): void {
  if (state !== 'open')
    throw new ForgeError('conflict', `Branch #${number} is ${state}; nothing is added to it.`);
  if (brokenReason !== undefined)
    throw new ForgeError('conflict', `Branch #${number} cannot be read: ${brokenReason}`);
  if (headOid === head) return;
  throw new ForgeError(
    'conflict',
    `Branch #${number} has moved on to revision ${revision}. Read what changed and apply the suggestion again.`,
  );
}

async function choose(forge: Forge, branch: Branch, { suggestions }: ApplyRequest): Promise<Chosen[]> {
  const chosen: Chosen[] = [];
  for (const { comment: id, number, digest } of suggestions) {
    // Drafts are not said yet, not even one's own.
    const comment = getComment(forge, { branch, id, viewerId: 0 });
    const thread = getThread(forge, { branch, id: comment.threadId, viewerId: 0 });
    const lines = suggestionsIn(comment.body)[number - 1];
    if (lines === undefined || thread.kind !== 'line' || thread.side !== 'new') {
      throw new ForgeError('invalid', `Comment ${id} has no suggestion ${number} for lines of the new file.`);
    }
    if (digest !== undefined && digest !== digestOf(lines)) {
      throw new ForgeError('conflict', `Comment ${id} was changed since you read it. Read it again.`);
    }
    chosen.push({ comment, thread, ...(await placeOf(forge, branch, { thread, lines })) });
  }
  return chosen;
}

/** Where the lines stand in the head; only lines that are exactly as they were commented on are replaced. */
async function placeOf(
  forge: Forge,
  branch: Branch,
  { thread, lines }: { thread: Thread; lines: string[] },
): Promise<Pick<Chosen, 'path' | 'replacement'>> {
  const placed = await followThreads(forge, {
    repoId: branch.repoId,
    threads: [thread],
    revisions: listRevisions(forge, branch.id),
    to: getRevision(forge, branch.id, branch.revision),
  });
  const { state, path, firstLine, lastLine } = placed.get(thread.id) ?? {};
  if (state === 'here' && path !== undefined && firstLine !== undefined && lastLine !== undefined) {
    return { path, replacement: { firstLine, lastLine, lines } };
  }
  throw new ForgeError(
    'conflict',
    `The lines of thread ${thread.id} in ${thread.path ?? 'the file'} have changed since; the suggestion does not fit any more. Make the change by hand, or comment on the new lines.`,
  );
}

async function writeTree(forge: Forge, branch: Branch, chosen: readonly Chosen[]): Promise<string> {
  const repo = repoPath(forge, branch.repoId);
  const tree = await treeOf(forge.git, repo, branch.headOid);
  const contents = new Map<GitPath, Buffer>();
  for (const [name, ofFile] of Map.groupBy(chosen, ({ path }) => path)) {
    const path = pathOfText(name);
    const entry = await findEntry(forge.git, repo, { tree, path });
    const content =
      entry?.kind === 'file' ? await readBlob(forge.git, repo, entry.oid, maxFileBytes) : undefined;
    if (content === undefined) {
      throw new ForgeError('conflict', `${name} is no file whose lines can be replaced. Change it by hand.`);
    }
    const changed = replaceLines(
      content,
      ofFile.map(({ replacement }) => replacement),
    );
    if (changed === undefined) {
      throw new ForgeError(
        'conflict',
        `Two of the suggestions for ${name} are about the same lines. Apply one of them.`,
      );
    }
    contents.set(path, changed);
  }
  const changed = await replaceFiles(forge.git, repo, { tree, contents });
  if (changed !== tree) return changed;
  throw new ForgeError('conflict', 'The lines are as suggested already; there is nothing to commit.');
}

function messageOf(
  forge: Forge,
  { actor, chosen }: { actor: Account; chosen: readonly Chosen[] },
  given: string | undefined,
): string {
  const [first] = chosen;
  const usual =
    chosen.length === 1
      ? `Apply the suggestion for ${first?.path ?? ''}`
      : `Apply ${chosen.length} suggestions`;
  const authors = [...new Set(chosen.map(({ comment }) => comment.accountId))].filter(
    (id) => id !== actor.id,
  );
  const trailers = authors
    .map((id) => getAccount(forge, id))
    .map(({ name, email }) => `Co-authored-by: ${name} <${email}>`);
  return [given || usual, ...(trailers.length === 0 ? [] : ['', ...trailers])].join('\n');
}

function settle(
  forge: Forge,
  order: ReviewOrder,
  { actor, chosen, headOid }: { actor: Account; chosen: readonly Chosen[]; headOid: string },
): void {
  const now = forge.clock.now();
  for (const { thread } of chosen) {
    updateResolved(forge.db, { id: thread.id, resolvedAt: now, resolvedBy: actor.id });
  }
  const comments = chosen.map(({ comment }) => comment.id);
  recordAudit(forge, order.caller, {
    action: 'review.apply',
    subject: subjectOf(order),
    detail: { comments, commit: headOid },
  });
}
