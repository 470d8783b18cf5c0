// The bytes of one object, in and out (git-lfs, docs/api/basic-transfers.md).
import { Router, type Request, type Response } from 'express';
import { basename, dirname } from 'node:path';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import type { Repo } from '../repos/model.ts';
import { parse } from '../web/parse.ts';
import { placeOf, type LfsPlace } from './guard.ts';
import { objectRequest } from './model.ts';
import { noSuchObject, openLfsObject } from './open-object.ts';
import { receiveObject } from './receive-object.ts';
import type { Transfers } from './transfers.ts';

export function objectRoutes(forge: Forge, transfers: Transfers): Router {
  const router = Router({ mergeParams: true });
  router.get('/objects/:oid', async (request, response) => {
    const { repo, caller } = placeOf(forge, request, 'read');
    await transfers.run(caller, () => sendObject(forge, { request, response }, repo));
  });
  router.put('/objects/:oid', async (request, response) => {
    const place = placeOf(forge, request, 'write');
    await transfers.run(place.caller, () => receive(forge, { request, response }, place));
  });
  return router;
}

interface Exchange {
  request: Request;
  response: Response;
}

async function receive(forge: Forge, { request, response }: Exchange, place: LfsPlace): Promise<void> {
  const encoding = request.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity') {
    throw new ForgeError('invalid', 'An object is sent as it is, without a Content-Encoding.');
  }
  const length = request.get('content-length');
  const object = parse(objectRequest, {
    oid: request.params['oid'],
    size: request.query['size'] ?? length ?? 'unknown',
  });
  if (length !== undefined && Number(length) !== object.size) {
    throw new ForgeError('invalid', `The object has ${object.size} bytes, but ${length} are announced.`);
  }
  request.setTimeout(forge.config.limits.lfsIdleSeconds * 1000, () => request.destroy());
  // A disk may take longer to make a large file durable than a client may be silent.
  request.once('end', () => request.setTimeout(0));
  await receiveObject(forge, { ...place, object, body: request });
  response.status(200).end();
}

/** The whole object or the one range that was asked for; whoever stops reading for long is let go. */
async function sendObject(forge: Forge, { request, response }: Exchange, repo: Repo): Promise<void> {
  const oid = objectRequest.shape.oid.safeParse(request.params['oid']);
  if (!oid.success) throw noSuchObject(String(request.params['oid']));
  const { path, size } = await openLfsObject(forge, { repoId: repo.id, oid: oid.data });
  response.set({
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': 'attachment',
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'Cache-Control': 'private, max-age=31536000, immutable',
    ETag: `"${oid.data}"`,
  });
  response.setTimeout(forge.config.limits.lfsIdleSeconds * 1000, () => response.destroy());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const options = {
    root: dirname(path),
    lastModified: false,
    cacheControl: false,
    dotfiles: 'allow' as const,
  };
  response.sendFile(basename(path), options, (error?: Error & { status?: number }) => {
    // A reader that goes away has ended the transfer as well as one that has read it all.
    if (error === undefined || response.headersSent || response.destroyed) resolve();
    else if (error.status === 416) {
      response.status(416).set('Content-Range', `bytes */${size}`).end();
      resolve();
    } else reject(error);
  });
  await promise;
}
