// The page of a repository's large files: how much there is, and who holds a lock.
import { posix } from 'node:path';
import { Router, type Request, type Response } from 'express';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { repoOf } from '../repos/guard.ts';
import { includesRight } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { lfsTotals } from './find.ts';
import { listLocks, unlockPath } from './lock.ts';
import { verifyRequest } from './model.ts';

const base = '/:owner/:repo/lfs';

export function lfsPages(forge: Forge): Router {
  const router = Router();
  router.get(base, (request, response) => show(forge, request, response));
  router.post(`${base}/locks/:id/unlock`, (request, response) => {
    const repo = repoOf(forge, { request, response }, 'write');
    // The button says whose lock it takes away, so a form is always meant.
    unlockPath(forge, { repo, caller: callerOf(response), id: String(request.params['id']), force: true });
    response.redirect(303, `/${repo.owner}/${repo.name}/lfs`);
  });
  return router;
}

function show(forge: Forge, request: Request, response: Response): void {
  const repo = repoOf(forge, { request, response }, 'read');
  const caller = callerOf(response);
  const right = rightOn(forge, caller, repo);
  const { cursor } = parse(verifyRequest.pick({ cursor: true }), request.query);
  const limit = forge.config.limits.maxRowsPerPage;
  const { locks, next } = listLocks(forge, { repoId: repo.id, cursor: cursor || undefined, limit });
  render(response, 'lfs/index.njk', {
    repo,
    right,
    totals: lfsTotals(forge, repo.id),
    next,
    isFirst: !cursor,
    locks: locks.map((lock) => {
      const isOwn = lock.ownerId === caller.account?.id;
      return {
        ...lock,
        isOwn,
        name: posix.basename(lock.path),
        folder: lock.path.includes('/') ? posix.dirname(lock.path) : '',
        mayUnlock: includesRight(right, isOwn ? 'write' : 'maintain'),
        href: `/${repo.owner}/${repo.name}/blob/${repo.defaultBranch}/${addressOf(lock.path)}`,
      };
    }),
  });
}

const addressOf = (path: string): string => path.split('/').map(encodeURIComponent).join('/');
