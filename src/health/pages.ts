import { Router } from 'express';
import { callerOf, requireAdmin } from '../accounts/guard.ts';
import { render } from '../web/render.ts';
import type { Health } from './open.ts';
import { readHealth } from './view.ts';

/** For admins: what to see to, what was checked, what every loop does. */
export function healthPages(health: Health): Router {
  const router = Router();
  router.get('/admin/health', async (_request, response) => {
    requireAdmin(callerOf(response));
    response.set('Cache-Control', 'no-store');
    render(response, 'admin/health.njk', { health: await readHealth(health) });
  });
  return router;
}
