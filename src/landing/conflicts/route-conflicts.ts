// The files in which a branch conflicts with its target, as a page and as API.
import { Router } from 'express';
import { callerOf } from '../../accounts/guard.ts';
import { branchOfRoute } from '../../branches/guard.ts';
import type { Forge } from '../../forge/open.ts';
import { includesRight } from '../../repos/model.ts';
import { rightOn } from '../../repos/rights.ts';
import { apiRoute, apiRow } from '../../web/api-route.ts';
import { render } from '../../web/render.ts';
import { conflictsView } from './model.ts';
import { findConflicts } from './conflicts.ts';

const show = apiRow({
  method: 'get',
  path: '/api/v1/repos/:owner/:repo/branches/:number/conflicts',
  summary: 'Show where a branch conflicts with its target',
  description:
    'The files and what both sides have there, and the commands that settle it; no files when it merges cleanly.',
  right: 'read',
  answer: conflictsView,
});

export function conflictsApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, show, async (request, response) => {
    response.json(await findConflicts(forge, branchOfRoute(forge, { request, response }, 'read')));
  });
  return router;
}

export function conflictsPages(forge: Forge): Router {
  const router = Router();
  router.get('/:owner/:repo/branches/:number/conflicts', async (request, response) => {
    const place = branchOfRoute(forge, { request, response }, 'read');
    const { repo, branch } = place;
    const caller = callerOf(response);
    const repoBase = `/${repo.owner}/${repo.name}`;
    render(response, 'landing/conflicts.njk', {
      repo,
      branch,
      conflicts: await findConflicts(forge, place),
      mayWrite: includesRight(rightOn(forge, caller, repo), 'write'),
      repoBase,
      base: `${repoBase}/branches/${branch.number}`,
    });
  });
  return router;
}
