// The routes of Git LFS, below `OWNER/NAME.git/info/lfs`. Every refusal is JSON with a `message`, which the client
// shows as it stands (git-lfs, docs/api/README.md).
import express, { Router, type ErrorRequestHandler, type Request, type Response } from 'express';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { statusByCode } from '../lib/statuses.ts';
import { toForgeError } from '../web/errors.ts';
import { parse } from '../web/parse.ts';
import { answerBatch } from './batch.ts';
import { createPlace, placeOf, wouldCreate } from './guard.ts';
import { findLocks, listLocks, lockPath, unlockPath } from './lock.ts';
import { batchRequest, listRequest, lockRequest, lockViewOf, unlockRequest, verifyRequest } from './model.ts';
import { objectRoutes } from './route-object.ts';
import type { Transfers } from './transfers.ts';

const mediaType = 'application/vnd.git-lfs+json';
const defaultLocks = 100;

export function lfsRoutes(forge: Forge, transfers: Transfers): Router {
  const routes = Router({ mergeParams: true });
  routes.use((_request, response, next) => {
    response.setHeader('Cache-Control', 'no-store');
    next();
  });
  const limit = forge.config.limits.maxRequestBytes;
  const body = express.json({ limit, strict: true, type: [mediaType, 'application/json'] });
  routes.post('/objects/batch', body, (request, response) => batch(forge, request, response));
  routes.use(objectRoutes(forge, transfers));
  routes.get('/locks', (request, response) => list(forge, request, response));
  routes.post('/locks/verify', body, (request, response) => verify(forge, request, response));
  routes.post('/locks', body, (request, response) => {
    const place = placeOf(forge, request, 'write');
    const { path } = parse(lockRequest, request.body);
    const lock = lockPath(forge, { ...place, path });
    answer(response.status(201), { lock: lockViewOf(lock) });
  });
  routes.post('/locks/:id/unlock', body, (request, response) => {
    const place = placeOf(forge, request, 'write');
    const { force } = parse(unlockRequest, request.body ?? {});
    const lock = unlockPath(forge, { ...place, id: String(request.params.id), force: force === true });
    answer(response, { lock: lockViewOf(lock) });
  });
  routes.use(({ method, path }) => {
    throw new ForgeError('not_found', `Git LFS has no route ${method} ${path} on this server.`);
  });
  routes.use(answerErrors(forge));
  return Router().use('/:owner/:repo/info/lfs', routes);
}

const answer = (response: Response, content: object): void =>
  void response.type(mediaType).send(JSON.stringify(content));

async function batch(forge: Forge, request: Request, response: Response): Promise<void> {
  const isUpload = (request.body as { operation?: unknown } | undefined)?.operation === 'upload';
  // Who may not know the repository learns that, and not what is wrong with the body.
  const isNew = isUpload && wouldCreate(forge, request);
  const known = isNew ? undefined : placeOf(forge, request, isUpload ? 'write' : 'read');
  const wanted = parse(batchRequest, request.body);
  const place = known ?? (await createPlace(forge, request));
  answer(response, await answerBatch(forge, { ...place, batch: wanted }));
}

function list(forge: Forge, request: Request, response: Response): void {
  const { repo } = placeOf(forge, request, 'read');
  const { path, id, cursor, limit } = parse(listRequest, request.query);
  const isOne = typeof path === 'string' || typeof id === 'string';
  const { locks, next } = isOne
    ? {
        locks: findLocks(forge, { repoId: repo.id, path: path ?? undefined, id: id ?? undefined }),
        next: undefined,
      }
    : listLocks(forge, { repoId: repo.id, cursor: cursor || undefined, limit: limit ?? defaultLocks });
  answer(response, { locks: locks.map(lockViewOf), next_cursor: next });
}

/** What the client asks before each push: which locks are the caller's, and which keep him from pushing. */
function verify(forge: Forge, request: Request, response: Response): void {
  if (wouldCreate(forge, request)) {
    answer(response, { ours: [], theirs: [] });
    return;
  }
  const { repo, caller } = placeOf(forge, request, 'write');
  const { cursor, limit } = parse(verifyRequest, request.body ?? {});
  const page = { repoId: repo.id, cursor: cursor || undefined, limit: limit ?? defaultLocks };
  const { locks, next } = listLocks(forge, page);
  const isOurs = ({ ownerId }: { ownerId: number }) => ownerId === caller.account?.id;
  answer(response, {
    ours: locks.filter(isOurs).map(lockViewOf),
    theirs: locks.filter((lock) => !isOurs(lock)).map(lockViewOf),
    next_cursor: next,
  });
}

function answerErrors(forge: Forge): ErrorRequestHandler {
  return (thrown: unknown, request, response, _next) => {
    const error = toForgeError(thrown);
    // A client that went away in the middle of an upload hears nothing and is no fault of ours.
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    if (error.code === 'internal')
      forge.log.error({ err: thrown, path: request.path }, 'a request of Git LFS failed');
    drain(request);
    if (error.code === 'unauthenticated') {
      response.setHeader('LFS-Authenticate', 'Basic realm="pika-git"');
      response.setHeader('WWW-Authenticate', 'Basic realm="pika-git"');
    }
    if (error.code === 'unavailable' || error.code === 'limited') response.setHeader('Retry-After', '5');
    // The manual's word for a request that can be read and is wrong.
    response.status(error.code === 'invalid' ? 422 : statusByCode[error.code]);
    answer(response, { message: error.message, ...(error.details as object | undefined) });
  };
}

const drainMs = 30_000;

/** A client reads the refusal only after it has sent its body, so the rest is thrown away, for a while. */
function drain(request: Request): void {
  if (request.readableEnded) return;
  request.resume();
  const timer = setTimeout(() => request.destroy(), drainMs);
  request.once('close', () => clearTimeout(timer));
}
