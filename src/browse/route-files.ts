// The pages of folders and files, refs, archives and search, each from its own file.
import { Router } from 'express';
import type { Forge } from '../forge/open.ts';
import { archiveRoutes } from './route-archive.ts';
import { blobPages } from './route-file.ts';
import { folderPages } from './route-folder.ts';
import { rawRoutes } from './route-raw.ts';
import { refPages } from './route-refs.ts';
import { searchPages } from './route-search.ts';

export function filePages(forge: Forge): Router {
  const router = Router();
  router.use(folderPages(forge), blobPages(forge), rawRoutes(forge));
  router.use(refPages(forge), archiveRoutes(forge), searchPages(forge));
  return router;
}
