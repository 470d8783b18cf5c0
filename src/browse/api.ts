// The same as the pages of files and history, as JSON.
import { Router } from 'express';
import type { Forge } from '../forge/open.ts';
import { filesApi } from './route-files-api.ts';
import { historyApi } from './route-history-api.ts';

export function browseApi(forge: Forge): Router {
  const router = Router();
  router.use(filesApi(forge));
  router.use(historyApi(forge));
  return router;
}
