import { Router } from 'express';
import { z } from 'zod';
import { callerOf, requireAccount } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { parse } from '../web/parse.ts';
import { createRepo } from './create-repo.ts';
import { listRepos } from './find.ts';
import { repoOf } from './guard.ts';
import { visibilities, type Repo, type RepoView } from './model.ts';
import { rightOn } from './rights.ts';
import { repoUrls } from './urls.ts';

const newRepo = z.strictObject({
  owner: z.string(),
  name: z.string(),
  visibility: z.enum(visibilities).optional(),
  defaultBranch: z.string().optional(),
  description: z.string().max(500).optional(),
});

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
  return router;
}

function repoViewOf(forge: Forge, repo: Repo): RepoView {
  const { owner, name, description, visibility, defaultBranch } = repo;
  const urls = repoUrls(forge, repo);
  return {
    owner,
    name,
    description,
    visibility,
    defaultBranch,
    url: urls.page,
    httpUrl: urls.http,
    sshUrl: urls.ssh,
  };
}
