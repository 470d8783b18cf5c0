import { Router } from 'express';
import { callerOf, requireAdmin } from '../accounts/guard.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { backupsView } from './model.ts';
import type { BackupRoom } from './open.ts';

const path = '/api/v1/backups';

const table = {
  list: apiRow({
    method: 'get',
    path,
    summary: 'List the backups of the forge, the newest first',
    right: 'admin',
    answer: backupsView,
  }),
  make: apiRow({
    method: 'post',
    path,
    summary: 'Have a backup made',
    description:
      'Into the folder of the settings, at once; 409 without one, and while one is made. The list shows when it is there.',
    right: 'admin',
    answer: backupsView,
    status: 202,
  }),
};

export function backupsApi(room: BackupRoom): Router {
  const router = Router();
  apiRoute(router, table.list, async (_request, response) => {
    requireAdmin(callerOf(response));
    response.json(await room.view());
  });
  apiRoute(router, table.make, async (_request, response) => {
    const caller = callerOf(response);
    requireAdmin(caller);
    room.want(caller);
    response.status(202).json(await room.view());
  });
  return router;
}
