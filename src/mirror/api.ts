// Mirrors of a repository over the API. A token goes in and never comes out.
import { Router, type Request, type Response } from 'express';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { maintainedRepo, repoOf } from '../repos/guard.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { listMirrorRefs, listSyncs } from './find.ts';
import {
  mirrorChange,
  mirrorListView,
  mirrorRefsQuery,
  mirrorRefsView,
  mirrorRefView,
  mirrorRequest,
  mirrorSyncsQuery,
  mirrorSyncsView,
  mirrorSyncView,
  mirrorView,
  overwriteRequest,
} from './model.ts';
import type { Mirrors } from './open.ts';
import { overwriteRef } from './overwrite.ts';
import { addMirror, changeMirror, getMirror, listMirrors, removeMirror } from './set-mirror.ts';
import { syncMirror } from './sync-now.ts';
import { mirrorRefViewOf, mirrorSyncViewOf, mirrorViewOf } from './view.ts';

const all = '/api/v1/repos/:owner/:repo/mirrors';
const one = `${all}/:mirror` as const;

const table = {
  list: apiRow({
    method: 'get',
    path: all,
    summary: 'List the mirrors of a repository, and how they do',
    right: 'write',
    answer: mirrorListView,
  }),
  add: apiRow({
    method: 'post',
    path: all,
    summary: 'Add a mirror',
    description:
      'It is synced at once. With the credential `key` the forge makes a deploy key, whose public half is in the answer.',
    right: 'maintain',
    body: mirrorRequest,
    answer: mirrorView,
    status: 201,
  }),
  show: apiRow({
    method: 'get',
    path: one,
    summary: 'Show a mirror',
    right: 'write',
    answer: mirrorView,
  }),
  change: apiRow({
    method: 'patch',
    path: one,
    summary: 'Change a mirror',
    description: 'A token is sent to no other address than it was given for: another address wants it again.',
    right: 'maintain',
    body: mirrorChange,
    answer: mirrorView,
  }),
  remove: apiRow({
    method: 'delete',
    path: one,
    summary: 'Remove a mirror; what stands at the remote stays there',
    right: 'maintain',
    answer: 'nothing',
  }),
  sync: apiRow({
    method: 'post',
    path: `${one}/sync`,
    summary: 'Sync a mirror now',
    description: 'Answers when the sync has begun; 409 while one runs.',
    right: 'write',
    answer: mirrorSyncView,
  }),
  syncs: apiRow({
    method: 'get',
    path: `${one}/syncs`,
    summary: 'List the syncs of a mirror, newest first',
    right: 'write',
    query: mirrorSyncsQuery,
    answer: mirrorSyncsView,
  }),
  refs: apiRow({
    method: 'get',
    path: `${one}/refs`,
    summary: 'List how each ref stands at a mirror',
    right: 'write',
    query: mirrorRefsQuery,
    answer: mirrorRefsView,
  }),
  overwrite: apiRow({
    method: 'post',
    path: `${one}/overwrite`,
    summary: 'Replace a ref that diverged at a mirror',
    description: 'Names what stands there; 409 when it is something else by now. The next sync replaces it.',
    right: 'maintain',
    body: overwriteRequest,
    answer: mirrorRefView,
  }),
};

export function mirrorApi(forge: Forge, mirrors: Mirrors): Router {
  const router = Router();
  const order = (request: Request, response: Response) => {
    const repo = maintainedRepo(forge, { request, response });
    response.set('Cache-Control', 'no-store');
    return { repo, caller: callerOf(response), name: String(request.params['mirror']) };
  };
  apiRoute(router, table.add, async (request, response, given) => {
    const remote = addMirror(forge, { ...order(request, response), request: given.body() });
    mirrors.look();
    response.status(201).json(await mirrorViewOf(forge, remote));
  });
  apiRoute(router, table.change, async (request, response, given) => {
    const remote = changeMirror(forge, { ...order(request, response), change: given.body() });
    mirrors.look();
    response.json(await mirrorViewOf(forge, remote));
  });
  apiRoute(router, table.remove, (request, response) => {
    removeMirror(forge, order(request, response));
    mirrors.look();
    response.status(204).end();
  });
  apiRoute(router, table.overwrite, (request, response, given) => {
    const row = overwriteRef(forge, { ...order(request, response), request: given.body() });
    mirrors.look();
    response.json(mirrorRefViewOf(row));
  });
  readRoutes(forge, router, mirrors);
  return router;
}

/** For whoever may write: they see whether their work is there yet. */
function readRoutes(forge: Forge, router: Router, mirrors: Mirrors): void {
  const place = (request: Request, response: Response) => {
    const repo = repoOf(forge, { request, response }, 'write');
    response.set('Cache-Control', 'no-store');
    return { repo, caller: callerOf(response), name: String(request.params['mirror']) };
  };
  apiRoute(router, table.list, async (request, response) => {
    const { repo } = place(request, response);
    const views = listMirrors(forge, repo).map((remote) => mirrorViewOf(forge, remote));
    response.json({ mirrors: await Promise.all(views) });
  });
  apiRoute(router, table.show, async (request, response) => {
    const { repo, name } = place(request, response);
    response.json(await mirrorViewOf(forge, getMirror(forge, repo, name)));
  });
  apiRoute(router, table.sync, (request, response) => {
    response.json(mirrorSyncViewOf(syncMirror(forge, mirrors, place(request, response))));
  });
  apiRoute(router, table.syncs, (request, response, given) => {
    const { syncs, next } = listSyncs(forge, { ...place(request, response), ...given.query() });
    response.json({ syncs: syncs.map(mirrorSyncViewOf), next: next ?? null });
  });
  apiRoute(router, table.refs, (request, response, given) => {
    const { refs, next } = listMirrorRefs(forge, { ...place(request, response), ...given.query() });
    response.json({ refs: refs.map(mirrorRefViewOf), next: next ?? null });
  });
}
