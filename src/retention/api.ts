// Retention as JSON, for admins: what is kept and would go, and a pass now.
import { Router } from 'express';
import { callerOf, requireAdmin } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { removedView, retentionView } from './model.ts';
import type { Retention } from './open.ts';
import { runRetention } from './run.ts';
import { retentionViewOf } from './view.ts';

export type Retained = Pick<Retention, 'run' | 'keeper'>;

const table = {
  show: apiRow({
    method: 'get',
    path: '/api/v1/retention',
    summary: 'Show what is kept, and what retention would remove now and why',
    description: 'Looks and changes nothing.',
    right: 'admin',
    answer: retentionView,
  }),
  run: apiRow({
    method: 'post',
    path: '/api/v1/retention/run',
    summary: 'Remove now what may go',
    right: 'admin',
    answer: removedView,
  }),
};

export function retentionWideApi(forge: Forge, retention: Retained): Router {
  const router = Router();
  apiRoute(router, table.show, async (_request, response) => {
    requireAdmin(callerOf(response));
    response.set('Cache-Control', 'no-store');
    response.json(await retentionViewOf(forge, retention.keeper, forge.config.limits.maxRowsPerPage));
  });
  apiRoute(router, table.run, async (_request, response) => {
    const caller = callerOf(response);
    requireAdmin(caller);
    response.json(await runRetention(forge, retention, caller));
  });
  return router;
}
