// The pages that show what is in a repository.
import { Router } from 'express';
import type { Forge } from '../forge/open.ts';
import { filePages } from './route-files.ts';
import { historyPages } from './route-history.ts';

export function browsePages(forge: Forge): Router {
  const router = Router();
  router.use(filePages(forge));
  router.use(historyPages(forge));
  return router;
}
