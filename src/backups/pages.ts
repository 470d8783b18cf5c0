import { Router } from 'express';
import { z } from 'zod';
import { callerOf, requireAdmin } from '../accounts/guard.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import type { BackupRoom } from './open.ts';

const pageQuery = z.object({ fragment: z.literal('backups').optional() });

export function backupsPages(room: BackupRoom): Router {
  const router = Router();
  router.get('/admin/backups', async (request, response) => {
    requireAdmin(callerOf(response));
    const { fragment } = parse(pageQuery, request.query);
    const backups = await room.view();
    render(response, fragment === undefined ? 'admin/backups.njk' : 'admin/_backups.njk', { backups });
  });
  router.post('/admin/backups', (_request, response) => {
    const caller = callerOf(response);
    requireAdmin(caller);
    room.want(caller);
    response.redirect(303, '/admin/backups');
  });
  return router;
}
