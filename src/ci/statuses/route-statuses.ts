// What is said of a commit, over the API: own lanes are listed, other systems put in theirs.
import { Router } from 'express';
import { callerOf } from '../../accounts/guard.ts';
import type { Forge } from '../../forge/open.ts';
import { repoOf } from '../../repos/guard.ts';
import { apiRoute, apiRow } from '../../web/api-route.ts';
import { commitStatusesView, statusRequest, statusView } from './model.ts';
import { requireCommit, setStatus } from './set-status.ts';
import { commitStatusesOf, statusViewOf } from './status-view.ts';

const path = '/api/v1/repos/:owner/:repo/commits/:oid/statuses';

const table = {
  list: apiRow({
    method: 'get',
    path,
    summary: 'List what is said of a commit',
    right: 'read',
    answer: commitStatusesView,
  }),
  set: apiRow({
    method: 'post',
    path,
    summary: 'Say something of a commit',
    description: 'What the same context said before is replaced.',
    right: 'write',
    body: statusRequest,
    answer: statusView,
    status: 201,
  }),
};

export function statusRoutes(forge: Forge): Router {
  const router = Router();
  apiRoute(router, table.list, async (request, response) => {
    const repo = repoOf(forge, { request, response }, 'read');
    await requireCommit(forge, repo, request.params.oid);
    response.json(commitStatusesOf(forge, repo, request.params.oid));
  });
  apiRoute(router, table.set, async (request, response, sent) => {
    const repo = repoOf(forge, { request, response }, 'write');
    await requireCommit(forge, repo, request.params.oid);
    const order = { repo, caller: callerOf(response), oid: request.params.oid };
    response.status(201).json(statusViewOf(await setStatus(forge, { ...order, status: sent.body() })));
  });
  return router;
}
