// The nightlies of a repository as a page and as JSON, and starting one by hand.
import { Router } from 'express';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { repoOf } from '../repos/guard.ts';
import { rightOn } from '../repos/rights.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { render } from '../web/render.ts';
import { nightlyListView, runView } from './model.ts';
import { nightliesPage, nightlyViews } from './nightlies-view.ts';
import type { Ci } from './open.ts';
import { runPathOf } from './route-run.ts';
import { runNightly } from './scheduler/run-nightly.ts';
import { runViewOf } from './view.ts';

type Waker = Pick<Ci, 'scheduler'>;

export function nightlyPages(forge: Forge, ci: Waker): Router {
  const router = Router();
  router.get('/:owner/:repo/nightlies', (request, response) => {
    const repo = repoOf(forge, { request, response }, 'read');
    const right = rightOn(forge, callerOf(response), repo);
    render(response, 'ci/nightlies.njk', { repo, right, ...nightliesPage(forge, repo) });
  });
  router.post('/:owner/:repo/nightlies/:id/run', async (request, response) => {
    const repo = repoOf(forge, { request, response }, 'read');
    const run = await runNightly(forge, {
      repo,
      id: String(request.params['id']),
      caller: callerOf(response),
    });
    ci.scheduler.wake();
    response.redirect(303, runPathOf(repo, run));
  });
  return router;
}

const table = {
  list: apiRow({
    method: 'get',
    path: '/api/v1/repos/:owner/:repo/nightlies',
    summary: 'List the lanes that run by the clock',
    right: 'read',
    answer: nightlyListView,
  }),
  run: apiRow({
    method: 'post',
    path: '/api/v1/repos/:owner/:repo/nightlies/:id/run',
    summary: 'Run a nightly now',
    right: 'write',
    answer: runView,
    status: 201,
  }),
};

export function nightlyApi(forge: Forge, ci: Waker): Router {
  const router = Router();
  apiRoute(router, table.list, (request, response) => {
    const repo = repoOf(forge, { request, response }, 'read');
    response.json({ nightlies: nightlyViews(forge, repo) });
  });
  apiRoute(router, table.run, async (request, response) => {
    const repo = repoOf(forge, { request, response }, 'read');
    const order = { repo, id: request.params.id, caller: callerOf(response) };
    const run = await runNightly(forge, order);
    ci.scheduler.wake();
    response.status(201).json(runViewOf(forge, repo, run));
  });
  return router;
}
