// What is said of a commit, over the API: own lanes are listed, other systems put in theirs.
import { Router } from 'express';
import { callerOf } from '../../accounts/guard.ts';
import type { Forge } from '../../forge/open.ts';
import { repoOf } from '../../repos/guard.ts';
import { parse } from '../../web/parse.ts';
import { statusRequest } from '../model.ts';
import { requireCommit, setStatus } from './set-status.ts';
import { commitStatusesOf, statusViewOf } from './status-view.ts';

const path = '/api/v1/repos/:owner/:repo/commits/:oid/statuses';

export function statusRoutes(forge: Forge): Router {
  const router = Router();
  router.get(path, async (request, response) => {
    const repo = repoOf(forge, { request, response }, 'read');
    await requireCommit(forge, repo, request.params.oid);
    response.json(commitStatusesOf(forge, repo, request.params.oid));
  });
  router.post(path, async (request, response) => {
    const repo = repoOf(forge, { request, response }, 'write');
    await requireCommit(forge, repo, request.params.oid);
    const order = { repo, caller: callerOf(response), oid: request.params.oid };
    const status = parse(statusRequest, request.body ?? {});
    response.status(201).json(statusViewOf(await setStatus(forge, { ...order, status })));
  });
  return router;
}
