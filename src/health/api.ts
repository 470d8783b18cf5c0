import { Router } from 'express';
import { callerOf, requireAdmin } from '../accounts/guard.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { healthView } from './model.ts';
import type { Health } from './open.ts';
import { readHealth } from './view.ts';

const row = apiRow({
  method: 'get',
  path: '/api/v1/health',
  summary: 'Tell how the forge does, and what to see to',
  description:
    'What keeps people from working comes first among the problems. `/readyz` and `/metrics` say the same to programs that watch over the forge.',
  right: 'admin',
  answer: healthView,
});

export function healthApi(health: Health): Router {
  const router = Router();
  apiRoute(router, row, async (_request, response) => {
    requireAdmin(callerOf(response));
    response.set('Cache-Control', 'no-store');
    response.json(await readHealth(health));
  });
  return router;
}
