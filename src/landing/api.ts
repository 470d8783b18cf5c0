import { Router, type Request, type Response } from 'express';
import type { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import { getBranch } from '../branches/find.ts';
import { branchOfRoute } from '../branches/guard.ts';
import { branchView } from '../branches/model.ts';
import { branchViewOf } from '../branches/view.ts';
import type { Forge } from '../forge/open.ts';
import type { Slots } from '../lib/slot.ts';
import { repoOf } from '../repos/guard.ts';
import type { Repo, Right } from '../repos/model.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { closeBranch, reopenBranch } from './close.ts';
import { mergeBranch } from './merge/merge.ts';
import {
  branchListView,
  branchQuery,
  branchStatusView,
  mergeRequest,
  mergeView,
  waitQuery,
  waitView,
  type BranchListView,
} from './model.ts';
import { conflictsApi } from './conflicts/route-conflicts.ts';
import { holdsApi } from './holds/route-holds.ts';
import { policyApi } from './policy/route-policy.ts';
import { branchVerbsApi } from './route-verbs.ts';
import { landingsApi } from './queue/route-landings.ts';
import { branchStatus } from './status.ts';
import { listBranchIds } from './store.ts';
import { waitForBranch } from './wait.ts';

const branches = '/api/v1/repos/:owner/:repo/branches';

const table = {
  list: apiRow({
    method: 'get',
    path: branches,
    summary: 'List the branches of a repository',
    description:
      'The newest first; ask again with `before` set to the `next` of the answer until it is null.',
    right: 'read',
    query: branchQuery,
    answer: branchListView,
  }),
  show: apiRow({
    method: 'get',
    path: `${branches}/:number`,
    summary: 'Show a branch with its run, its tutorial and the gate',
    right: 'read',
    answer: branchStatusView,
  }),
  wait: apiRow({
    method: 'get',
    path: `${branches}/:number/wait`,
    summary: 'Wait until CI has settled, or the branch has landed',
    description:
      'Answers at once when it has happened, else at the next change that `seen` does not know, or after `timeout` seconds.',
    right: 'read',
    query: waitQuery,
    answer: waitView,
  }),
  merge: apiRow({
    method: 'post',
    path: `${branches}/:number/merge`,
    summary: 'Merge a branch into its target',
    description: 'Past a closed gate only with `force`, by who maintains the repository.',
    right: 'write',
    body: mergeRequest,
    answer: mergeView,
  }),
  close: apiRow({
    method: 'post',
    path: `${branches}/:number/close`,
    summary: 'Close a branch without merging it',
    right: 'write',
    answer: branchView,
  }),
  reopen: apiRow({
    method: 'post',
    path: `${branches}/:number/reopen`,
    summary: 'Reopen a closed branch',
    right: 'write',
    answer: branchView,
  }),
};

/** Branches and what ends them. */
export function landingApi(forge: Forge, slots: Slots): Router {
  const router = Router();
  router.use(branchVerbsApi(forge));
  router.use(holdsApi(forge), conflictsApi(forge));
  router.use(policyApi(forge));
  router.use(landingsApi(forge));
  const ask = (request: Request, response: Response, right: Right) => ({
    ...branchOfRoute(forge, { request, response }, right),
    caller: callerOf(response),
  });

  apiRoute(router, table.list, (request, response, sent) => {
    const repo = repoOf(forge, { request, response }, 'read');
    response.json(listMatching(forge, repo, sent.query()));
  });

  apiRoute(router, table.show, async (request, response) => {
    response.json(await branchStatus(forge, ask(request, response, 'read')));
  });

  apiRoute(router, table.wait, async (request, response, sent) => {
    const question = ask(request, response, 'read');
    const query = sent.query();
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const answer = await waitForBranch(forge, {
      ...question,
      commit: query.commit,
      goal: query.for,
      timeoutSeconds: query.timeout,
      seen: query.seen,
      signal: gone.signal,
    });
    if (!gone.signal.aborted) response.set('Cache-Control', 'no-store').json(answer);
  });

  apiRoute(router, table.merge, async (request, response, sent) => {
    const question = ask(request, response, 'write');
    const { head, ...choice } = sent.body();
    response.json(await mergeBranch(forge, { ...question, ...choice, expectedHead: head, slots }));
  });

  apiRoute(router, table.close, async (request, response) => {
    const question = ask(request, response, 'write');
    const branch = await closeBranch(forge, { ...question, slots });
    response.json(branchViewOf(forge, question.repo, branch));
  });

  apiRoute(router, table.reopen, async (request, response) => {
    const question = ask(request, response, 'write');
    const branch = await reopenBranch(forge, { ...question, slots });
    response.json(branchViewOf(forge, question.repo, branch));
  });

  return router;
}

function listMatching(forge: Forge, repo: Repo, query: z.output<typeof branchQuery>): BranchListView {
  const limit = forge.config.limits.maxRowsPerPage;
  const ids = listBranchIds(forge, {
    repoId: repo.id,
    state: query.state ?? null,
    name: query.name ?? null,
    head: query.head ?? null,
    beforeNumber: query.before ?? null,
    limit: limit + 1,
  });
  const views = ids.slice(0, limit).map((id) => branchViewOf(forge, repo, getBranch(forge, id)));
  return { branches: views, next: ids.length > limit ? (views.at(-1)?.number ?? null) : null };
}
