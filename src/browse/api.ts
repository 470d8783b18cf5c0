// The same as the pages of files and history, as JSON.
import { Router } from 'express';
import type { Forge } from '../forge/open.ts';
import { filesApi } from './route-files-api.ts';

export function browseApi(forge: Forge): Router {
  const router = Router();
  router.use(filesApi(forge));
  return router;
}
