// The forms of the Tutorial tab.
import { Router } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import { branchOfRoute } from '../branches/guard.ts';
import type { Forge } from '../forge/open.ts';
import { parse } from '../web/parse.ts';
import { stepNumber } from './api.ts';
import { rewriteTutorial } from './rewrite.ts';
import { requireReader, viewStep } from './view-step.ts';

const tutorial = '/:owner/:repo/branches/:number/tutorial';

const viewedForm = z.object({
  revision: z.coerce.number('a revision is a number').int().min(1),
  viewed: z.enum(['yes', 'no']),
  /** The step to go to from there, and whether steps are shown one at a time. */
  next: z.coerce.number('a step is a number').int().min(1).max(1_000_000),
  steps: z.enum(['one', 'all']).default('all'),
});

export function tutorialsPages(forge: Forge): Router {
  const router = Router();
  router.post(`${tutorial}/steps/:step/viewed`, async (request, response) => {
    const place = branchOfRoute(forge, { request, response }, 'read');
    const order = { ...place, caller: callerOf(response) };
    requireReader(forge, order);
    const { revision, viewed, next, steps } = parse(viewedForm, request.body);
    const step = stepNumber(request.params['step']);
    await viewStep(forge, { ...order, step, revision, isViewed: viewed === 'yes' });
    const page = `/${place.repo.owner}/${place.repo.name}/branches/${place.branch.number}?tab=tutorial`;
    response.redirect(303, steps === 'one' ? `${page}&step=${next}` : `${page}#step-${next}`);
  });
  router.post(`${tutorial}/write`, (request, response) => {
    const { repo, branch } = branchOfRoute(forge, { request, response }, 'write');
    rewriteTutorial(forge, { repo, branch, caller: callerOf(response) });
    response.redirect(303, `/${repo.owner}/${repo.name}/branches/${branch.number}?tab=tutorial`);
  });
  return router;
}
