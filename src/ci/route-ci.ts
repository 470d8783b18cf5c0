// CI as a whole, as JSON: what it does now, and the orders of whoever operates the forge.
import { Router, type Request, type Response } from 'express';
import { callerOf, requireAdmin } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { parse } from '../web/parse.ts';
import { ciView } from './model.ts';
import { clearTarget } from './recovery/clear-target.ts';
import type { Ci } from './open.ts';
import { ciViewOf } from './overview-view.ts';
import { pauseCi, resumeCi } from './scheduler/pause.ts';
import { ciOrderRequest, clearTargetRequest } from './requests.ts';
import { wakeCi } from './recovery/wake.ts';

export type Operated = Pick<Ci, 'scheduler' | 'quarantined'>;
export type CiOrder = (forge: Forge, ci: Operated, request: Request, response: Response) => void;

/** What an operator may order, by the last part of its address; pages and API share them. */
export const ciOrders = {
  'wake-ci': (forge, ci, request, response) =>
    wakeCi(forge, ci.scheduler, { caller: callerOf(response), ...reasonOf(request) }),
  'pause-ci': (forge, _ci, request, response) =>
    pauseCi(forge, { caller: callerOf(response), ...reasonOf(request) }),
  'resume-ci': (forge, _ci, request, response) =>
    resumeCi(forge, { caller: callerOf(response), ...reasonOf(request) }),
  'clear-target': (forge, _ci, request, response) => {
    const { target, reason } = parse(clearTargetRequest, request.body ?? {});
    clearTarget(forge, { caller: callerOf(response), target, reason });
  },
} satisfies Record<string, CiOrder>;

const overview = apiRow({
  method: 'get',
  path: '/api/v1/ci',
  summary: 'Show what CI does now, what waits, and why',
  right: 'admin',
  answer: ciView,
});

const orders = [
  { verb: 'wake-ci', summary: 'Let CI look for what is to be done now', body: ciOrderRequest },
  { verb: 'pause-ci', summary: 'Start no lanes until CI is resumed', body: ciOrderRequest },
  { verb: 'resume-ci', summary: 'Start lanes again', body: ciOrderRequest },
  { verb: 'clear-target', summary: 'Call a target healthy again', body: clearTargetRequest },
] as const;

export function ciWideApi(forge: Forge, ci: Operated): Router {
  const router = Router();
  apiRoute(router, overview, (_request, response) => {
    requireAdmin(callerOf(response));
    response.json(ciViewOf(forge, ci.quarantined()));
  });
  for (const { verb, summary, body } of orders) {
    const path = `/api/v1/ci/${verb}`;
    const row = apiRow({ method: 'post', path, summary, right: 'admin', body, answer: ciView });
    apiRoute(router, row, (request, response) => {
      orderCi(forge, ci, { order: ciOrders[verb], request, response });
      response.json(ciViewOf(forge, ci.quarantined()));
    });
  }
  return router;
}

/** One order with its right asked first, before what was sent is read. */
export function orderCi(
  forge: Forge,
  ci: Operated,
  given: { order: CiOrder; request: Request; response: Response },
): void {
  const { order, request, response } = given;
  requireAdmin(callerOf(response));
  order(forge, ci, request, response);
  ci.scheduler.wake();
}

function reasonOf(request: Request): { reason: string } {
  const { reason } = parse(ciOrderRequest, request.body ?? {});
  return { reason };
}
