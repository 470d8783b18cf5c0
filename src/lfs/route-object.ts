// The bytes of one object, in and out (git-lfs, docs/api/basic-transfers.md), with a limit on how many move at once.
import { Router, type Request, type Response } from 'express';
import { basename, dirname } from 'node:path';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { parse } from '../web/parse.ts';
import { placeOf } from './guard.ts';
import { objectRequest } from './model.ts';
import { noSuchObject, openLfsObject } from './open-object.ts';
import { receiveObject } from './receive-object.ts';

export function objectRoutes(forge: Forge): Router {
  const router = Router({ mergeParams: true });
  const { maxLfsTransfers } = forge.config.limits;
  let transfers = 0;
  const limited = async (transfer: () => Promise<void>): Promise<void> => {
    if (transfers >= maxLfsTransfers) {
      throw new ForgeError(
        'limited',
        `The forge moves ${maxLfsTransfers} large files already. Try again in a moment.`,
      );
    }
    transfers += 1;
    await transfer().finally(() => (transfers -= 1));
  };
  router.get('/objects/:oid', (request, response) => limited(() => send(forge, request, response)));
  router.put('/objects/:oid', (request, response) => limited(() => receive(forge, request, response)));
  return router;
}

async function receive(forge: Forge, request: Request, response: Response): Promise<void> {
  const { repo, caller } = placeOf(forge, request, 'write');
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
  await receiveObject(forge, { repo, caller, object, body: request });
  response.status(200).end();
}

/** The whole object or the one range that was asked for; whoever stops reading for long is let go. */
async function send(forge: Forge, request: Request, response: Response): Promise<void> {
  const { repo } = placeOf(forge, request, 'read');
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
