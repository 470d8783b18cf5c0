import { Router, type Request, type Response } from 'express';
import { callerOf, requireOwnAccount } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { changeSettings } from './change-settings.ts';
import { createRepo } from './create-repo.ts';
import { listRepos } from './find.ts';
import { maintainedRepo, repoOf } from './guard.ts';
import {
  protectedPattern,
  protectedPatterns,
  protectedView,
  repoChanges,
  fullName,
  repoListQuery,
  repoListView,
  repoRequest,
  repoView,
  type ProtectedView,
  type Repo,
  type RepoView,
} from './model.ts';
import { addProtection, removeProtection, replaceProtections } from './protect.ts';
import { listProtected } from './protected.ts';
import { deployKeyApi } from './route-deploy-keys.ts';
import { membersApi } from './route-members.ts';
import { retentionApi } from './route-retention.ts';
import { rightOn } from './rights.ts';
import { repoUrls } from './urls.ts';

const repos = '/api/v1/repos';
const one = `${repos}/:owner/:repo` as const;

const table = {
  list: apiRow({
    method: 'get',
    path: repos,
    summary: 'List the repositories that the caller may see',
    description: 'By name; ask again with `after` set to the `next` of the answer until it is null.',
    right: 'anyone',
    query: repoListQuery,
    answer: repoListView,
  }),
  create: apiRow({
    method: 'post',
    path: repos,
    summary: 'Create a repository',
    right: 'account',
    body: repoRequest,
    answer: repoView,
    status: 201,
  }),
  show: apiRow({ method: 'get', path: one, summary: 'Show a repository', right: 'read', answer: repoView }),
  change: apiRow({
    method: 'patch',
    path: one,
    summary: 'Change the settings of a repository',
    right: 'maintain',
    body: repoChanges,
    answer: repoView,
  }),
  protections: apiRow({
    method: 'get',
    path: `${one}/protected`,
    summary: 'List the protected branches',
    right: 'read',
    answer: protectedView,
  }),
  protect: apiRow({
    method: 'post',
    path: `${one}/protected`,
    summary: 'Protect a pattern of branches',
    right: 'maintain',
    body: protectedPattern,
    answer: protectedView,
    status: [201, 200],
  }),
  replaceProtections: apiRow({
    method: 'put',
    path: `${one}/protected`,
    summary: 'Replace the protected patterns',
    right: 'maintain',
    body: protectedPatterns,
    answer: protectedView,
  }),
  unprotect: apiRow({
    method: 'delete',
    path: `${one}/protected/:pattern`,
    summary: 'Lift the protection of a pattern',
    right: 'maintain',
    answer: protectedView,
  }),
};

export function reposApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, table.list, (_request, response, sent) => {
    const caller = callerOf(response);
    const visible = listRepos(forge).filter((repo) => rightOn(forge, caller, repo) !== 'none');
    const { after = '', limit } = sent.query();
    const behind = visible
      .map((repo) => ({ repo, key: fullName(repo).toLowerCase() }))
      .filter(({ key }) => key > after)
      .toSorted((left, right) => (left.key < right.key ? -1 : 1));
    const page = behind.slice(0, limit);
    response.json({
      repos: page.map(({ repo }) => repoViewOf(forge, repo)),
      next: behind.length > limit ? (page.at(-1)?.key ?? null) : null,
    });
  });
  apiRoute(router, table.create, async (_request, response, sent) => {
    const caller = callerOf(response);
    requireOwnAccount(caller, 'write');
    const { owner, name, ...rest } = sent.body();
    const options = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
    const repo = await createRepo(forge, { owner, name, ...options, caller });
    response.status(201).json(repoViewOf(forge, repo));
  });
  apiRoute(router, table.show, (request, response) => {
    response.json(repoViewOf(forge, repoOf(forge, { request, response }, 'read')));
  });
  apiRoute(router, table.change, async (request, response, sent) => {
    const repo = maintainedRepo(forge, { request, response });
    const now = await changeSettings(forge, { repo, caller: callerOf(response), changes: sent.body() });
    response.json(repoViewOf(forge, now));
  });
  protectedRoutes(forge, router);
  router.use(membersApi(forge), retentionApi(forge));
  router.use(deployKeyApi(forge));
  return router;
}

/** The protected patterns of a repository; every write answers the patterns that are there then. */
function protectedRoutes(forge: Forge, router: Router): void {
  const answer = async (response: Response, repo: Repo, status = 200): Promise<void> => {
    const { patterns } = await listProtected(forge, repo);
    response.status(status).json({ patterns } satisfies ProtectedView);
  };
  const order = (request: Request, response: Response) => ({
    repo: maintainedRepo(forge, { request, response }),
    caller: callerOf(response),
  });
  apiRoute(router, table.protections, (request, response) =>
    answer(response, repoOf(forge, { request, response }, 'read')),
  );
  apiRoute(router, table.protect, (request, response, sent) => {
    const ordered = order(request, response);
    const isNew = addProtection(forge, { ...ordered, ...sent.body() });
    return answer(response, ordered.repo, isNew ? 201 : 200);
  });
  apiRoute(router, table.replaceProtections, (request, response, sent) => {
    const ordered = order(request, response);
    replaceProtections(forge, { ...ordered, ...sent.body() });
    return answer(response, ordered.repo);
  });
  apiRoute(router, table.unprotect, (request, response) => {
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
