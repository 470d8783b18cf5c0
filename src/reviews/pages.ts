// The forms of a discussion. Each calls one verb and goes back to where it was sent from; for the script of the page it
// answers with the thread as it is now, or with nothing when the thread is gone.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { getRevision } from '../branches/find.ts';
import type { Forge } from '../forge/open.ts';
import { anchorOf } from '../repos/file-view.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import type { ReviewOrder } from './author.ts';
import { deleteComment, editComment, replyTo, startThread } from './comment.ts';
import { getComment, listThreads } from './find.ts';
import { idOf, viewerOf, writeOrderOf } from './guard.ts';
import { commentBody, reviewRequest, revisionQuery, sides, threadRequest } from './model.ts';
import { resolveThread } from './resolve.ts';
import { requestsPages } from './route-requests.ts';
import { suggestionsPages } from './route-suggestions.ts';
import { submitReview } from './submit.ts';
import { talkOf } from './talk-view.ts';
import { sinceParameter, viewedRequest } from './viewed-model.ts';
import { markViewed } from './viewed.ts';

const branch = '/:owner/:repo/branches/:number';
const backs = ['discussion', 'changes', 'tutorial'] as const;

const optionalLine = z.preprocess(
  (value) => (value === '' ? undefined : value),
  z.coerce.number('a line is a number').int().min(1, 'lines are counted from 1').optional(),
);
const textForm = z.object({
  body: commentBody,
  /** Which button was pressed. */
  how: z.enum(['now', 'draft']).default('now'),
});
const threadForm = textForm.extend({
  path: z.string().max(4096).default(''),
  side: z.enum(sides).default('new'),
  line: optionalLine,
  firstLine: optionalLine,
  step: optionalLine,
  lane: threadRequest.shape.lane,
  run: optionalLine,
  attempt: optionalLine,
  head: reviewRequest.shape.head.optional(),
});
/** `inbox` comes from a page that was opened from there, which its bar leads on from. */
const verdictForm = z.object({
  inbox: z.literal('review').optional(),
  revision: z.coerce.number().int().optional(),
});
const backForm = z.object({ back: z.enum(backs).default('discussion') });

export function reviewsPages(forge: Forge): Router {
  const router = Router();
  router.post(`${branch}/threads`, async (request, response) => {
    const order = writeOrderOf(forge, { request, response });
    const { path, how, ...rest } = parse(threadForm, request.body);
    const asked = { ...rest, draft: how === 'draft', ...(path === '' ? {} : { path }) };
    const thread = await startThread(forge, { ...order, request: parse(threadRequest, asked) });
    await answer(forge, { request, response, order }, thread.id);
  });
  router.post(`${branch}/threads/:thread/reply`, async (request, response) => {
    const order = writeOrderOf(forge, { request, response });
    const { body, how } = parse(textForm, request.body);
    const threadId = idOf(request.params.thread);
    replyTo(forge, { ...order, threadId, body, isDraft: how === 'draft' });
    await answer(forge, { request, response, order }, threadId);
  });
  for (const verb of ['resolve', 'unresolve'] as const) {
    router.post(`${branch}/threads/:thread/${verb}`, async (request, response) => {
      const order = writeOrderOf(forge, { request, response });
      const threadId = idOf(request.params['thread']);
      resolveThread(forge, { ...order, threadId, isResolved: verb === 'resolve' });
      await answer(forge, { request, response, order }, threadId);
    });
  }
  commentForms(forge, router);
  viewedForm(forge, router);
  router.use(suggestionsPages(forge), requestsPages(forge));
  router.post(`${branch}/reviews`, (request, response) => {
    const order = writeOrderOf(forge, { request, response });
    const { verdict, body, head } = parse(reviewRequest.loose(), request.body);
    const { inbox, revision } = parse(verdictForm, request.body);
    submitReview(forge, { ...order, verdict, body, expectedHead: head, expectedRevision: revision });
    response.redirect(303, `${pageOf(order)}?tab=discussion${inbox === undefined ? '' : '&inbox=review'}`);
  });
  return router;
}

function commentForms(forge: Forge, router: Router): void {
  router.post(`${branch}/comments/:comment/edit`, async (request, response) => {
    const order = writeOrderOf(forge, { request, response });
    const { body } = parse(textForm, request.body);
    const comment = editComment(forge, { ...order, id: idOf(request.params.comment), body });
    await answer(forge, { request, response, order }, comment.threadId);
  });
  router.post(`${branch}/comments/:comment/delete`, async (request, response) => {
    const order = writeOrderOf(forge, { request, response });
    const id = idOf(request.params.comment);
    const { threadId } = getComment(forge, { branch: order.branch, id, viewerId: viewerOf(order) });
    deleteComment(forge, { ...order, id });
    await answer(forge, { request, response, order }, threadId);
  });
}

const viewedForms = z.object({
  path: viewedRequest.shape.path,
  viewed: z.enum(['1', '0']),
  head: viewedRequest.shape.head,
  /** The range that is read, to come back to it. */
  since: sinceParameter.optional(),
  revision: revisionQuery.shape.revision,
});

/** For the script of the page it answers with the mark and the progress, else with the page, at the same file. */
function viewedForm(forge: Forge, router: Router): void {
  router.post(`${branch}/viewed`, async (request, response) => {
    const order = writeOrderOf(forge, { request, response });
    const { path, viewed, head, since, revision } = parse(viewedForms, request.body);
    const marked = await markViewed(forge, { ...order, path, isViewed: viewed === '1', head });
    if (request.get('x-fragment') !== undefined) {
      response.json({ isViewed: viewed === '1', viewed: marked.paths.size, total: marked.total });
      return;
    }
    const range = [since && `&since=${since}`, revision && `&revision=${revision}`].filter(Boolean).join('');
    response.redirect(303, `${pageOf(order)}?tab=changes${range}#${anchorOf(path)}`);
  });
}

interface Answer {
  request: Request;
  response: Response;
  order: ReviewOrder;
}

async function answer(forge: Forge, { request, response, order }: Answer, threadId: number): Promise<void> {
  const { back } = parse(backForm, request.body ?? {});
  if (request.get('x-fragment') === undefined) {
    response.redirect(303, `${pageOf(order)}?tab=${back}#thread-${threadId}`);
    return;
  }
  const { branch: of } = order;
  const where = { branch: of, viewerId: viewerOf(order), afterId: threadId - 1, limit: 1 };
  const threads = listThreads(forge, where).filter(({ id }) => id === threadId);
  const revision = getRevision(forge, of.id, of.revision);
  const [thread] = await talkOf(forge, { ...order, revision }, threads);
  if (thread === undefined) response.status(204).end();
  else render(response, 'reviews/_thread.njk', { thread, base: pageOf(order), talkBack: back });
}

const pageOf = ({ repo, branch: { number } }: ReviewOrder): string =>
  `/${repo.owner}/${repo.name}/branches/${number}`;
