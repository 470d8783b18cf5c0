// What people say of a branch and decide about it, as API.
import assert from 'node:assert/strict';
import { Router } from 'express';
import type { Forge } from '../forge/open.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import type { ReviewOrder } from './author.ts';
import { deleteComment, editComment, replyTo, startThread } from './comment.ts';
import { countDrafts, getThread, listReviews, listThreads, reviewState } from './find.ts';
import { idOf, orderOf, viewerOf, writeOrderOf } from './guard.ts';
import {
  commentView,
  editRequest,
  replyRequest,
  reviewRequest,
  reviewsQuery,
  reviewsView,
  reviewView,
  threadRequest,
  threadsQuery,
  threadsView,
  threadView,
  type ReviewsView,
  type Thread,
  type ThreadView,
} from './model.ts';
import { resolveThread } from './resolve.ts';
import { mentionsApi } from './route-mentions.ts';
import { readingApi } from './route-reading.ts';
import { requestsApi } from './route-requests.ts';
import { suggestionsApi } from './route-suggestions.ts';
import { viewedApi } from './route-viewed.ts';
import { submitReview } from './submit.ts';
import { commentViewOf, reviewViewOf, threadViewsOf, verdictViewOf } from './thread-view.ts';

const branch = '/api/v1/repos/:owner/:repo/branches/:number';
const write = { right: 'read', scope: 'write' } as const;

const table = {
  threads: apiRow({
    method: 'get',
    path: `${branch}/threads`,
    summary: 'List the threads of a branch, the oldest first',
    description: 'Holds the drafts of the caller. `now` says where each stands in the newest revision.',
    right: 'read',
    query: threadsQuery,
    answer: threadsView,
  }),
  start: apiRow({
    method: 'post',
    path: `${branch}/threads`,
    summary: 'Comment on a branch, a file or its lines, a step of the tutorial or lines of a log',
    ...write,
    body: threadRequest,
    answer: threadView,
    status: 201,
  }),
  thread: apiRow({
    method: 'get',
    path: `${branch}/threads/:thread`,
    summary: 'Show a thread',
    right: 'read',
    answer: threadView,
  }),
  reply: apiRow({
    method: 'post',
    path: `${branch}/threads/:thread/comments`,
    summary: 'Answer in a thread',
    ...write,
    body: replyRequest,
    answer: commentView,
    status: 201,
  }),
  resolve: apiRow({
    method: 'post',
    path: `${branch}/threads/:thread/resolve`,
    summary: 'Mark a thread as settled',
    ...write,
    answer: threadView,
  }),
  unresolve: apiRow({
    method: 'post',
    path: `${branch}/threads/:thread/unresolve`,
    summary: 'Open a settled thread again',
    ...write,
    answer: threadView,
  }),
  edit: apiRow({
    method: 'put',
    path: `${branch}/comments/:comment`,
    summary: 'Change a comment of your own',
    ...write,
    body: editRequest,
    answer: commentView,
  }),
  remove: apiRow({
    method: 'delete',
    path: `${branch}/comments/:comment`,
    summary: 'Delete a comment of your own, or as a maintainer anybody’s',
    ...write,
    answer: 'nothing',
  }),
  reviews: apiRow({
    method: 'get',
    path: `${branch}/reviews`,
    summary: 'List the reviews of a branch, the newest first, and the verdicts that count',
    right: 'read',
    query: reviewsQuery,
    answer: reviewsView,
  }),
  submit: apiRow({
    method: 'post',
    path: `${branch}/reviews`,
    summary: 'Submit a review with all your drafts',
    description:
      'To approve, or to ask for changes, the right to write is needed. A verdict on own work is kept as a comment; `note` says so.',
    ...write,
    body: reviewRequest,
    answer: reviewView,
    status: 201,
  }),
};

export function reviewsApi(forge: Forge): Router {
  const router = Router();
  threadRoutes(forge, router);
  commentRoutes(forge, router);
  apiRoute(router, table.reviews, (request, response, sent) => {
    response.json(reviewsOf(forge, orderOf(forge, { request, response }), sent.query().before));
  });
  apiRoute(router, table.submit, (request, response, sent) => {
    const order = writeOrderOf(forge, { request, response });
    const { verdict, body, head } = sent.body();
    const review = submitReview(forge, { ...order, verdict, body, expectedHead: head });
    response.status(201).json(reviewViewOf(review));
  });
  router.use(readingApi(forge), viewedApi(forge), suggestionsApi(forge), requestsApi(forge));
  router.use(mentionsApi(forge));
  return router;
}

function threadRoutes(forge: Forge, router: Router): void {
  const limit = forge.config.limits.maxRowsPerPage;
  apiRoute(router, table.threads, async (request, response, sent) => {
    const order = orderOf(forge, { request, response });
    const { state, after } = sent.query();
    const viewerId = viewerOf(order);
    const found = listThreads(forge, { ...order, viewerId, state, afterId: after, limit: limit + 1 });
    const threads = found.slice(0, limit);
    response.json({
      threads: await threadViewsOf(forge, { ...order, threads, viewerId }),
      next: found.length > limit ? (threads.at(-1)?.id ?? null) : null,
    });
  });
  apiRoute(router, table.start, async (request, response, sent) => {
    const order = writeOrderOf(forge, { request, response });
    const thread = await startThread(forge, { ...order, request: sent.body() });
    response.status(201).json(await oneThread(forge, order, thread));
  });
  apiRoute(router, table.thread, async (request, response) => {
    const order = orderOf(forge, { request, response });
    const where = { branch: order.branch, id: idOf(request.params.thread), viewerId: viewerOf(order) };
    response.json(await oneThread(forge, order, getThread(forge, where)));
  });
  for (const [row, isResolved] of [
    [table.resolve, true],
    [table.unresolve, false],
  ] as const) {
    apiRoute(router, row, async (request, response) => {
      const order = writeOrderOf(forge, { request, response });
      const threadId = idOf(request.params.thread);
      response.json(await oneThread(forge, order, resolveThread(forge, { ...order, threadId, isResolved })));
    });
  }
}

function commentRoutes(forge: Forge, router: Router): void {
  apiRoute(router, table.reply, (request, response, sent) => {
    const order = writeOrderOf(forge, { request, response });
    const { body, draft: isDraft } = sent.body();
    const comment = replyTo(forge, { ...order, threadId: idOf(request.params.thread), body, isDraft });
    response.status(201).json(commentViewOf(comment));
  });
  apiRoute(router, table.edit, (request, response, sent) => {
    const order = writeOrderOf(forge, { request, response });
    const { body } = sent.body();
    response.json(commentViewOf(editComment(forge, { ...order, id: idOf(request.params.comment), body })));
  });
  apiRoute(router, table.remove, (request, response) => {
    const order = writeOrderOf(forge, { request, response });
    deleteComment(forge, { ...order, id: idOf(request.params.comment) });
    response.status(204).end();
  });
}

function reviewsOf(forge: Forge, order: ReviewOrder, beforeId: number | undefined): ReviewsView {
  const limit = forge.config.limits.maxRowsPerPage;
  const { approvals, changesAsked, threads, unresolvedThreads } = reviewState(forge, order);
  const found = listReviews(forge, { ...order, beforeId, limit: limit + 1 });
  const shown = found.slice(0, limit);
  return {
    verdicts: [...approvals, ...changesAsked].map(verdictViewOf),
    threads,
    unresolvedThreads,
    drafts: countDrafts(forge, order.branch, viewerOf(order)),
    reviews: shown.map(reviewViewOf),
    next: found.length > limit ? (shown.at(-1)?.id ?? null) : null,
  };
}

async function oneThread(forge: Forge, order: ReviewOrder, thread: Thread): Promise<ThreadView> {
  const [view] = await threadViewsOf(forge, { ...order, threads: [thread], viewerId: viewerOf(order) });
  assert.ok(view);
  return view;
}
