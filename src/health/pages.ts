import { Router } from 'express';
import { z } from 'zod';
import { callerOf, requireAdmin } from '../accounts/guard.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import type { Health } from './open.ts';
import { readHealth } from './view.ts';

const pageQuery = z.object({ fragment: z.literal('health').optional() });

/** For admins: what to see to, what was checked, what every loop does. */
export function healthPages(health: Health): Router {
  const router = Router();
  router.get('/admin/health', async (request, response) => {
    requireAdmin(callerOf(response));
    const { fragment } = parse(pageQuery, request.query);
    response.set('Cache-Control', 'no-store');
    const template = fragment === undefined ? 'admin/health.njk' : 'admin/_health.njk';
    render(response, template, { health: await readHealth(health) });
  });
  return router;
}
