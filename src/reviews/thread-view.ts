// Threads and reviews as the API shows them.
import { getRevision, listRevisions } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import type { Repo } from '../repos/model.ts';
import { branchUrl } from '../repos/urls.ts';
import { iso } from '../web/filters.ts';
import { listComments } from './find.ts';
import { followThreads, type Placed } from './follow.ts';
import type {
  Comment,
  CommentView,
  Review,
  ReviewView,
  Thread,
  ThreadView,
  Verdict,
  VerdictView,
} from './model.ts';
import { noteOf } from './submit.ts';

export interface ThreadsShown {
  repo: Repo;
  branch: Branch;
  threads: readonly Thread[];
  viewerId: number;
}

/** The threads with their comments, and where they stand in the branch's newest revision. */
export async function threadViewsOf(forge: Forge, shown: ThreadsShown): Promise<ThreadView[]> {
  const { repo, branch, threads } = shown;
  const placed = await followThreads(forge, {
    repoId: repo.id,
    threads,
    revisions: listRevisions(forge, branch.id),
    to: getRevision(forge, branch.id, branch.revision),
  });
  const comments = Map.groupBy(listComments(forge, shown), ({ threadId }) => threadId);
  const page = branchUrl(forge, repo, branch.number);
  return threads.map((thread) => ({
    id: thread.id,
    kind: thread.kind,
    state: thread.resolvedAt === undefined ? 'open' : 'resolved',
    resolvedBy: thread.resolvedByName ?? null,
    side: thread.side ?? null,
    revision: thread.revision,
    path: thread.path ?? null,
    firstLine: thread.firstLine ?? null,
    line: thread.lastLine ?? null,
    step: thread.step ?? null,
    log: thread.log ?? null,
    context: thread.context,
    now: placeView(placed.get(thread.id)),
    comments: (comments.get(thread.id) ?? []).map(commentViewOf),
    createdAt: iso(thread.createdAt),
    url: `${page}?tab=discussion#thread-${thread.id}`,
  }));
}

const placeView = (placed: Placed | undefined): ThreadView['now'] => ({
  state: placed?.state ?? 'outdated',
  path: placed?.path ?? null,
  firstLine: placed?.firstLine ?? null,
  line: placed?.lastLine ?? null,
});

export const commentViewOf = (comment: Comment): CommentView => ({
  id: comment.id,
  thread: comment.threadId,
  author: { name: comment.authorName, kind: comment.authorKind },
  body: comment.body,
  state: stateOf(comment),
  createdAt: iso(comment.createdAt),
  editedAt: comment.editedAt === undefined ? null : iso(comment.editedAt),
});

function stateOf({ publishedAt, deletedAt }: Comment): CommentView['state'] {
  if (deletedAt !== undefined) return 'deleted';
  return publishedAt === undefined ? 'draft' : 'published';
}

export const reviewViewOf = (review: Review): ReviewView => ({
  id: review.id,
  author: { name: review.authorName, kind: review.authorKind },
  verdict: review.verdict,
  note: noteOf(review) ?? null,
  body: review.body,
  revision: review.revision,
  head: review.headOid,
  createdAt: iso(review.createdAt),
});

export const verdictViewOf = (given: Verdict): VerdictView => ({
  name: given.name,
  kind: given.kind,
  verdict: given.verdict,
  head: given.headOid,
  revision: given.revision,
  current: given.isCurrent,
  at: iso(given.at),
});
