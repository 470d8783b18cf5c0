// Holds and drafts, as API and as the forms of the branch page.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { callerOf } from '../../accounts/guard.ts';
import { branchOfRoute } from '../../branches/guard.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { apiRoute, apiRow } from '../../web/api-route.ts';
import { parse } from '../../web/parse.ts';
import { holdBranch, holdViewOf, liftHold, readHolds, setDraft } from './hold-branch.ts';
import { draftRequest, holdRequest, holdsView, holdView } from './model.ts';

const api = '/api/v1/repos/:owner/:repo/branches/:number';
const page = '/:owner/:repo/branches/:number';

const table = {
  list: apiRow({
    method: 'get',
    path: `${api}/holds`,
    summary: 'List what holds a branch back: holds in force, and whether it is a draft',
    right: 'read',
    answer: holdsView,
  }),
  hold: apiRow({
    method: 'post',
    path: `${api}/holds`,
    summary: 'Hold a branch, so that it does not land',
    description: 'With `hours` the hold expires by itself; without, it stays until somebody lifts it.',
    right: 'write',
    body: holdRequest,
    answer: holdView,
    status: 201,
  }),
  lift: apiRow({
    method: 'delete',
    path: `${api}/holds/:id`,
    summary: 'Lift a hold',
    description: 'Its author may, and whoever maintains the repository.',
    right: 'write',
    answer: 'nothing',
  }),
  draft: apiRow({
    method: 'put',
    path: `${api}/draft`,
    summary: 'Mark a branch as a draft, or as ready',
    right: 'write',
    body: draftRequest,
    answer: holdsView,
  }),
};

export function holdsApi(forge: Forge): Router {
  const router = Router();
  const orderOf = ordersTo(forge);
  apiRoute(router, table.list, (request, response) => {
    const { branch } = branchOfRoute(forge, { request, response }, 'read');
    response.json(readHolds(forge, branch));
  });
  apiRoute(router, table.hold, (request, response, sent) => {
    const order = orderOf(request, response);
    response.status(201).json(holdViewOf(holdBranch(forge, { ...order, ...sent.body() })));
  });
  apiRoute(router, table.lift, (request, response) => {
    const order = orderOf(request, response);
    liftHold(forge, { ...order, id: idOf(request.params.id) });
    response.status(204).end();
  });
  apiRoute(router, table.draft, (request, response, sent) => {
    const order = orderOf(request, response);
    setDraft(forge, { ...order, draft: sent.body().draft });
    response.json(readHolds(forge, order.branch));
  });
  return router;
}

// A form sends texts, and an empty one for what was left out.
const holdForm = z.object({
  reason: z.string().default(''),
  hours: z.string().default(''),
});
const draftForm = z.object({ draft: z.enum(['true', 'false']) });

export function holdsForms(forge: Forge): Router {
  const router = Router();
  const orderOf = ordersTo(forge);
  const back = (request: Request, response: Response) => {
    const { owner, repo, number } = request.params;
    response.redirect(303, `/${String(owner)}/${String(repo)}/branches/${String(number)}`);
  };
  router.post(`${page}/holds`, (request, response) => {
    const order = orderOf(request, response);
    const { reason, hours } = parse(holdForm, request.body);
    const asked = hours === '' ? { reason } : { reason, hours: Number(hours) };
    holdBranch(forge, { ...order, ...parse(holdRequest, asked) });
    back(request, response);
  });
  router.post(`${page}/holds/:id/lift`, (request, response) => {
    const order = orderOf(request, response);
    liftHold(forge, { ...order, id: idOf(request.params['id']) });
    back(request, response);
  });
  router.post(`${page}/draft`, (request, response) => {
    const order = orderOf(request, response);
    setDraft(forge, { ...order, draft: parse(draftForm, request.body).draft === 'true' });
    back(request, response);
  });
  return router;
}

const ordersTo = (forge: Forge) => (request: Request, response: Response) => ({
  ...branchOfRoute(forge, { request, response }, 'write'),
  caller: callerOf(response),
});

function idOf(given: unknown): number {
  if (typeof given === 'string' && /^[0-9]{1,15}$/.test(given)) return Number(given);
  throw new ForgeError('not_found', `There is no hold ${String(given).slice(0, 40)}.`);
}
