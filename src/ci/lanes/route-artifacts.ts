// The files that an attempt left: a list, and each as a download that no browser runs.
import { Router, type Request, type Response } from 'express';
import { join } from 'node:path';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { apiRoute, apiRow } from '../../web/api-route.ts';
import { attachment } from '../../web/attachment.ts';
import { artifactsOf } from './artifacts-view.ts';
import { logFolder } from './launch.ts';
import { artifactListView } from '../model.ts';
import { attemptQuery, laneOfRoute, lanePathOf } from '../route-run.ts';
import { findArtifactRow } from './yield-store.ts';

const base = '/:owner/:repo/runs/:number/lanes/:lane/artifacts';

export function artifactPages(forge: Forge): Router {
  const router = Router();
  router.get(`${base}/*path`, (request, response) => sendArtifact(forge, request, response));
  return router;
}

const table = {
  list: apiRow({
    method: 'get',
    path: `/api/v1/repos${base}`,
    summary: 'List the files that a lane left',
    right: 'read',
    query: attemptQuery,
    answer: artifactListView,
  }),
  file: apiRow({
    method: 'get',
    path: `/api/v1/repos${base}/*path`,
    summary: 'Download a file that a lane left',
    right: 'read',
    query: attemptQuery,
    answer: 'file',
    status: [200, 206],
  }),
};

export function artifactApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, table.list, (request, response) => {
    const found = laneOfRoute(forge, { request, response });
    response.json({ artifacts: artifactsOf(forge, found.attempt, lanePathOf(found)) });
  });
  apiRoute(router, table.file, (request, response) => sendArtifact(forge, request, response));
  return router;
}

async function sendArtifact(forge: Forge, request: Request, response: Response): Promise<void> {
  const { attempt } = laneOfRoute(forge, { request, response });
  const path = [request.params['path'] ?? []].flat().join('/');
  const artifact = findArtifactRow(forge.db, attempt.id, path);
  if (artifact === undefined) {
    throw new ForgeError('not_found', `This attempt has no artifact "${path}".`);
  }
  response.set({
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': attachment(path.slice(path.lastIndexOf('/') + 1)),
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'Cache-Control': 'private, max-age=31536000, immutable',
    ETag: `"${artifact.sha256}"`,
  });
  const root = join(logFolder(forge, { attemptId: attempt.id, token: attempt.token }), 'artifacts');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const options = { root, lastModified: false, cacheControl: false, dotfiles: 'allow' as const };
  response.sendFile(artifact.sha256, options, (error?: Error & { status?: number }) => {
    // A reader that goes away has ended the download as well as one that has read it all.
    if (error === undefined || response.headersSent || response.destroyed) resolve();
    else if (error.status === 416) {
      response.status(416).set('Content-Range', `bytes */${artifact.bytes}`).end();
      resolve();
    } else
      reject(new ForgeError('not_found', `The artifact "${path}" is not kept any more.`, { cause: error }));
  });
  await promise;
}
