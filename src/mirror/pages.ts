// The mirrors of a repository: how they do, for whoever may write; and their settings, for who maintains it.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { maintainedRepo, repoOf } from '../repos/guard.ts';
import type { Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { listMirrorRefs, listSyncs } from './find.ts';
import { mirrorRefsQuery, mirrorSyncsQuery, overwriteRequest } from './model.ts';
import type { Mirrors } from './open.ts';
import { overwriteRef } from './overwrite.ts';
import { settingsRoutes } from './route-settings.ts';
import { getMirror, listMirrors } from './set-mirror.ts';
import { syncMirror } from './sync-now.ts';
import { shownMirror } from './view.ts';

interface Exchange {
  request: Request;
  response: Response;
}

const all = '/:owner/:repo/mirrors';
const one = `${all}/:mirror`;

const statusQuery = mirrorSyncsQuery.extend({
  after: mirrorRefsQuery.shape.after,
  refs: z.enum(['odd', 'all']).default('odd'),
  fragment: z.literal('status').optional(),
});
const overwriteForm = z.object({ ref: z.string(), there: z.string() });

export function mirrorPages(forge: Forge, mirrors: Mirrors): Router {
  const router = Router();
  router.get(all, (request, response) => showAll(forge, { request, response }));
  router.get(one, (request, response) => showOne(forge, { request, response }));
  router.post(`${one}/sync`, (request, response) => {
    const { repo, name } = placeOf(forge, { request, response });
    syncMirror(forge, mirrors, { repo, name, caller: callerOf(response) });
    response.redirect(303, pathOf(repo, name));
  });
  router.post(`${one}/overwrite`, (request, response) => {
    const repo = maintainedRepo(forge, { request, response });
    const name = String(request.params.mirror);
    const { ref, there } = parse(overwriteForm, request.body);
    const wanted = parse(overwriteRequest, { ref, there: there === '' ? null : there });
    overwriteRef(forge, { repo, name, caller: callerOf(response), request: wanted });
    mirrors.look();
    response.redirect(303, pathOf(repo, name));
  });
  router.use(settingsRoutes(forge, mirrors));
  return router;
}

const pathOf = (repo: Repo, name: string): string =>
  `/${repo.owner}/${repo.name}/mirrors/${encodeURIComponent(name)}`;

function placeOf(forge: Forge, exchange: Exchange): { repo: Repo; name: string } {
  const repo = repoOf(forge, exchange, 'write');
  exchange.response.setHeader('Cache-Control', 'no-store');
  return { repo, name: String(exchange.request.params['mirror']) };
}

async function showAll(forge: Forge, exchange: Exchange): Promise<void> {
  const { repo } = placeOf(forge, exchange);
  const { response, request } = exchange;
  const { fragment } = parse(statusQuery, request.query);
  const mirrors = await Promise.all(listMirrors(forge, repo).map((remote) => shownMirror(forge, remote)));
  const page = { repo, right: rightOn(forge, callerOf(response), repo), mirrors };
  render(response, fragment === 'status' ? 'mirror/_list.njk' : 'mirror/index.njk', page);
}

async function showOne(forge: Forge, exchange: Exchange): Promise<void> {
  const { repo, name } = placeOf(forge, exchange);
  const { response, request } = exchange;
  const { before, after, refs: shown, fragment } = parse(statusQuery, request.query);
  const remote = getMirror(forge, repo, name);
  const { refs, next: nextRef } = listMirrorRefs(forge, { repo, name, state: shown, after });
  const { syncs, next: nextSync } = listSyncs(forge, { repo, name, before });
  const page = {
    repo,
    right: rightOn(forge, callerOf(response), repo),
    mirror: await shownMirror(forge, remote),
    refs,
    nextRef,
    shown,
    syncs,
    nextSync,
    isFirstPage: before === undefined && after === undefined,
    query: request.originalUrl.split('?', 2)[1] ?? '',
  };
  render(response, fragment === 'status' ? 'mirror/_status.njk' : 'mirror/mirror.njk', page);
}
