// CI on the operator's page: what holds it, what runs and how it was last heard of, what waits and why, the targets.
import { Router } from 'express';
import { ciOverview } from '../ci/overview.ts';
import { ciOrders, orderCi, type Operated } from '../ci/route-ci.ts';
import type { Forge } from '../forge/open.ts';

/** What `admin/_ci.njk` shows. */
export function ciRows(forge: Forge, ci: Operated) {
  const { running, waiting, reasons, ...rest } = ciOverview(forge);
  const total = reasons.reduce((sum, { count }) => sum + count, 0);
  return {
    ...rest,
    running,
    waiting,
    reasons,
    waitingMore: total - waiting.length,
    lost: ci.quarantined(),
    now: forge.clock.now(),
  };
}

export function adminCiPages(forge: Forge, ci: Operated): Router {
  const router = Router();
  for (const [verb, order] of Object.entries(ciOrders)) {
    router.post(`/admin/ci/${verb}`, (request, response) => {
      orderCi(forge, ci, { order, request, response });
      response.redirect(303, '/admin#ci-heading');
    });
  }
  return router;
}
