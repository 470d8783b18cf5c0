import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { callerOf, requireAccount } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { parse } from '../web/parse.ts';
import { changeSettings } from './change-settings.ts';
import { createRepo } from './create-repo.ts';
import { listRepos } from './find.ts';
import { maintainedRepo, repoOf } from './guard.ts';
import { repoChanges, visibilities, type ProtectedView, type Repo, type RepoView } from './model.ts';
import { addProtection, removeProtection, replaceProtections } from './protect.ts';
import { listProtected } from './protected.ts';
import { membersApi } from './route-members.ts';
import { rightOn } from './rights.ts';
import { repoUrls } from './urls.ts';

const newRepo = z.strictObject({
  owner: z.string(),
  name: z.string(),
  visibility: z.enum(visibilities).optional(),
  defaultBranch: z.string().optional(),
  description: z.string().max(500).optional(),
});
const newPattern = z.strictObject({ pattern: z.string() });
const allPatterns = z.strictObject({ patterns: z.array(z.string()).max(1000) });

export function reposApi(forge: Forge): Router {
  const router = Router();
  router.get('/api/v1/repos', (_request, response) => {
    const caller = callerOf(response);
    const visible = listRepos(forge).filter((repo) => rightOn(forge, caller, repo) !== 'none');
    response.json({ repos: visible.map((repo) => repoViewOf(forge, repo)) });
  });
  router.post('/api/v1/repos', async (request, response) => {
    const caller = callerOf(response);
    requireAccount(caller, 'write');
    const { owner, name, ...rest } = parse(newRepo, request.body);
    const options = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
    const repo = await createRepo(forge, { owner, name, ...options, caller });
    response.status(201).json(repoViewOf(forge, repo));
  });
  router.get('/api/v1/repos/:owner/:repo', (request, response) => {
    response.json(repoViewOf(forge, repoOf(forge, { request, response }, 'read')));
  });
  router.patch('/api/v1/repos/:owner/:repo', async (request, response) => {
    const repo = maintainedRepo(forge, { request, response });
    const changes = parse(repoChanges, request.body);
    const now = await changeSettings(forge, { repo, caller: callerOf(response), changes });
    response.json(repoViewOf(forge, now));
  });
  protectedRoutes(forge, router);
  router.use(membersApi(forge));
  return router;
}

/** The protected patterns of a repository; every write answers the patterns that are there then. */
function protectedRoutes(forge: Forge, router: Router): void {
  const path = '/api/v1/repos/:owner/:repo/protected';
  const answer = async (response: Response, repo: Repo, status = 200): Promise<void> => {
    const { patterns } = await listProtected(forge, repo);
    response.status(status).json({ patterns } satisfies ProtectedView);
  };
  const order = (request: Request, response: Response) => ({
    repo: maintainedRepo(forge, { request, response }),
    caller: callerOf(response),
  });
  router.get(path, (request, response) => answer(response, repoOf(forge, { request, response }, 'read')));
  router.post(path, (request, response) => {
    const ordered = order(request, response);
    const isNew = addProtection(forge, { ...ordered, ...parse(newPattern, request.body) });
    return answer(response, ordered.repo, isNew ? 201 : 200);
  });
  router.put(path, (request, response) => {
    const ordered = order(request, response);
    replaceProtections(forge, { ...ordered, ...parse(allPatterns, request.body) });
    return answer(response, ordered.repo);
  });
  router.delete(`${path}/:pattern`, (request, response) => {
    const ordered = order(request, response);
    removeProtection(forge, { ...ordered, pattern: request.params.pattern });
    return answer(response, ordered.repo);
  });
}

function repoViewOf(forge: Forge, repo: Repo): RepoView {
  const { owner, name, description, visibility, defaultBranch, mergeMethod, takesNotes } = repo;
  const urls = repoUrls(forge, repo);
  return {
    owner,
    name,
    description,
    visibility,
    defaultBranch,
    mergeMethod,
    takesNotes,
    url: urls.page,
    httpUrl: urls.http,
    sshUrl: urls.ssh,
  };
}
