// Asking somebody for a review, as API and as forms of a page.
import { Router } from 'express';
import type { Forge } from '../forge/open.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { parse } from '../web/parse.ts';
import { askForReview, listRequests, withdrawRequest } from './ask.ts';
import { orderOf, writeOrderOf } from './guard.ts';
import { askRequest, reviewersView, type ReviewersView, type ReviewRequest } from './request-model.ts';

const branch = '/api/v1/repos/:owner/:repo/branches/:number';
const write = { right: 'read', scope: 'write' } as const;

const table = {
  list: apiRow({
    method: 'get',
    path: `${branch}/reviewers`,
    summary: 'List who was asked to review a branch',
    right: 'read',
    answer: reviewersView,
  }),
  ask: apiRow({
    method: 'post',
    path: `${branch}/reviewers`,
    summary: 'Ask people or agents by name for a review',
    description: 'For who wrote the branch and who may write. Who was asked before is asked again.',
    ...write,
    body: askRequest,
    answer: reviewersView,
  }),
  withdraw: apiRow({
    method: 'delete',
    path: `${branch}/reviewers/:name`,
    summary: 'Take back the request for a review',
    ...write,
    answer: reviewersView,
  }),
};

export function requestsApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, table.list, (request, response) => {
    response.json(viewOf(listRequests(forge, orderOf(forge, { request, response }).branch)));
  });
  apiRoute(router, table.ask, (request, response, sent) => {
    const order = writeOrderOf(forge, { request, response });
    response.json(viewOf(askForReview(forge, { ...order, names: sent.body().names })));
  });
  apiRoute(router, table.withdraw, (request, response) => {
    const order = writeOrderOf(forge, { request, response });
    response.json(viewOf(withdrawRequest(forge, { ...order, name: String(request.params['name']) })));
  });
  return router;
}

const viewOf = (requests: readonly ReviewRequest[]): ReviewersView => ({
  reviewers: requests.map(({ name, kind, byName, at, isAnswered }) => ({
    name,
    kind,
    by: byName,
    at: new Date(at).toISOString(),
    answered: isAnswered,
  })),
});

const page = '/:owner/:repo/branches/:number';

export function requestsPages(forge: Forge): Router {
  const router = Router();
  router.post(`${page}/reviewers`, (request, response) => {
    const order = writeOrderOf(forge, { request, response });
    const text: unknown = (request.body as { names?: unknown }).names;
    const names = typeof text === 'string' ? text.split(/[\s,]+/).filter((name) => name !== '') : text;
    askForReview(forge, { ...order, ...parse(askRequest, { names }) });
    response.redirect(303, `${addressOf(order)}?tab=discussion#verdict`);
  });
  router.post(`${page}/reviewers/:name/withdraw`, (request, response) => {
    const order = writeOrderOf(forge, { request, response });
    withdrawRequest(forge, { ...order, name: String(request.params['name']) });
    response.redirect(303, `${addressOf(order)}?tab=discussion#verdict`);
  });
  return router;
}

const addressOf = ({ repo, branch: of }: ReturnType<typeof orderOf>): string =>
  `/${repo.owner}/${repo.name}/branches/${of.number}`;
