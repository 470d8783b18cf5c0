// The Discussion tab: what was pushed, said and decided, in the order in which it happened, and the reader's own review.
import type { Caller } from '../accounts/model.ts';
import { listRevisions } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { includesRight, type Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { listRequests, mayAsk } from '../reviews/ask.ts';
import { countDrafts, isOwnBranch, listReviews, listThreads, reviewState } from '../reviews/find.ts';
import type { Review, Thread } from '../reviews/model.ts';
import { talkOf, talkReviews, type TalkReview, type TalkThread } from '../reviews/talk-view.ts';

/** So many things are shown at once, the newest ones. */
export const talkStep = 100;

export interface DiscussionPlace {
  repo: Repo;
  branch: Branch;
  revision: Revision;
  caller: Caller;
  /** How many things are shown at most. */
  shown: number;
}

interface Happened {
  at: number;
  push?: Revision;
  /** The head is the one before: nobody pushed, the branch was aimed at another target. */
  isAim?: boolean;
  thread?: Thread;
  review?: Review;
  isEnd?: true;
}

export type TimelineItem =
  | { kind: 'push'; at: number; revision: Revision; isFirst: boolean; isAim: boolean }
  | { kind: 'thread'; at: number; thread: TalkThread | undefined }
  | { kind: 'review'; at: number; review: TalkReview | undefined }
  | { kind: 'end'; at: number };

export async function discussionData(forge: Forge, place: DiscussionPlace): Promise<Record<string, unknown>> {
  const happened = whatHappened(forge, place);
  const shown = happened.slice(-place.shown);
  const older = happened.length - shown.length;
  const timeline = await toTimeline(forge, place, shown);
  return {
    timeline,
    choices: timeline.reduce((sum, item) => sum + choicesIn(item), 0),
    older,
    olderHref: older > 0 ? `?tab=discussion&shown=${place.shown + talkStep}` : undefined,
    mine: reviewOf(forge, place),
    state: reviewState(forge, place),
    talkBack: 'discussion',
    head: place.revision.headOid,
  };
}

/** How many suggestions the reader can apply there. */
function choicesIn(item: TimelineItem): number {
  const parts =
    item.kind === 'thread' ? (item.thread?.comments.flatMap((comment) => comment.parts) ?? []) : [];
  return parts.filter((part) => part.kind === 'suggestion' && part.choice !== undefined).length;
}

function whatHappened(forge: Forge, { branch, caller }: DiscussionPlace): Happened[] {
  const viewerId = caller.account?.id ?? 0;
  const limit = forge.config.limits.maxCommentsPerBranch;
  const happened: Happened[] = [
    ...listRevisions(forge, branch.id).map((push, index, all) => ({
      at: push.pushedAt,
      push,
      isAim: push.headOid === all[index - 1]?.headOid,
    })),
    ...listThreads(forge, { branch, viewerId }).map((thread) => ({ at: thread.createdAt, thread })),
    ...listReviews(forge, { branch, limit }).map((review) => ({ at: review.createdAt, review })),
    ...(branch.settledAt === undefined ? [] : [{ at: branch.settledAt, isEnd: true as const }]),
  ];
  return happened.sort((a, b) => a.at - b.at);
}

async function toTimeline(
  forge: Forge,
  place: DiscussionPlace,
  happened: readonly Happened[],
): Promise<TimelineItem[]> {
  const threads = happened.flatMap(({ thread }) => (thread === undefined ? [] : [thread]));
  const ordered = threads.toSorted((a, b) => a.id - b.id);
  const talk = new Map((await talkOf(forge, place, ordered)).map((thread) => [thread.id, thread]));
  const given = happened.flatMap(({ review }) => (review === undefined ? [] : [review]));
  const reviews = new Map((await talkReviews(forge, place, given)).map((review) => [review.id, review]));
  return happened.map(({ at, push, isAim = false, thread, review }): TimelineItem => {
    if (push !== undefined) return { kind: 'push', at, revision: push, isFirst: push.number === 1, isAim };
    if (thread !== undefined) return { kind: 'thread', at, thread: talk.get(thread.id) };
    if (review !== undefined) return { kind: 'review', at, review: reviews.get(review.id) };
    return { kind: 'end', at };
  });
}

/** What the reader may say and decide. */
function reviewOf(forge: Forge, { repo, branch, caller }: DiscussionPlace): Record<string, unknown> {
  const { account } = caller;
  const mayComment = account !== undefined && account.kind !== 'system' && caller.scope !== 'read';
  const mayWrite = includesRight(rightOn(forge, caller, repo), 'write');
  const isOwn = account !== undefined && isOwnBranch(forge, branch, account);
  return {
    mayComment,
    mayDecide: mayComment && mayWrite && !isOwn && branch.state === 'open',
    isOwn,
    requests: listRequests(forge, branch).map((request) => ({
      ...request,
      mayWithdraw:
        mayComment &&
        (mayAsk(forge, { repo, branch, caller }) || [request.byId, request.accountId].includes(account.id)),
    })),
    mayAsk: mayComment && branch.state === 'open' && mayAsk(forge, { repo, branch, caller }),
    drafts: account === undefined ? 0 : countDrafts(forge, branch, account.id),
  };
}
