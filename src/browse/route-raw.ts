// The bytes of a file as they are: sent as they come from git, in parts when parts are asked for, and never as
// anything that a browser would run.
import { Router, type Response } from 'express';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { nameOf, showPath } from '../git/git-path.ts';
import { readHeads, readObject } from '../git/object-reader.ts';
import { ForgeError } from '../lib/errors.ts';
import { repoPath } from '../repos/path.ts';
import { openLfsObject } from '../lfs/open-object.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { attachment } from '../web/attachment.ts';
import { isBinary, missingContent, readFileOf, sniffedBytes } from './blob.ts';
import { agreeOn, Part, type Range } from './byte-range.ts';
import { takeDownload } from './downloads.ts';
import { imageTypeOf } from './image-type.ts';
import { apiPrefix, placeNote, placeOfRoute, routeBelow, type Exchange, type Place } from './place.ts';
import { entryAt } from './tree.ts';

// A smaller file is read whole through the git that is there already.
const maxBufferedBytes = 256 * 1024;
const maxPointerBytes = 1024;

const apiRawRow = apiRow({
  method: 'get',
  path: `${apiPrefix}/:owner/:repo/raw/*place`,
  at: routeBelow('raw', apiPrefix),
  summary: 'Download a file',
  description: `${placeNote} With \`lfs=1\` the content that Git LFS keeps for it.`,
  right: 'read',
  query: z.object({ lfs: z.literal('1').optional() }),
  answer: 'file',
  status: [200, 206],
});

export function rawRoutes(forge: Forge): Router {
  const router = Router();
  const send = (request: Exchange['request'], response: Response) => sendFile(forge, { request, response });
  router.get(routeBelow('raw'), send);
  apiRoute(router, apiRawRow, send);
  return router;
}

async function sendFile(forge: Forge, exchange: Exchange): Promise<void> {
  const { request } = exchange;
  const place = await placeOfRoute(forge, exchange, { under: 'raw' });
  const entry = await entryAt(forge, place);
  if (entry.kind === 'folder' || entry.kind === 'submodule') {
    throw new ForgeError('not_found', `${showPath(place.path) || 'The top'} is a ${entry.kind}, not a file.`);
  }
  const [head] = await readHeads(forge.git, repoPath(forge, place.repo.id), [entry.oid]);
  if (head === undefined) throw missingContent();
  if (request.query['lfs'] === '1' && head.size < maxPointerBytes) {
    await sendLargeFile(forge, exchange, { place, oid: entry.oid });
    return;
  }
  const isSvg = request.query['image'] === 'svg' && /\.svg$/i.test(place.path);
  const file = { oid: entry.oid, size: head.size, asImage: isSvg ? 'image/svg+xml' : undefined };
  const range = agreeOn(exchange, { tag: `${entry.oid}${isSvg ? '-svg' : ''}`, size: head.size });
  if (range === 'answered') return;
  if (head.size <= maxBufferedBytes) await sendBuffered(forge, exchange, { place, file, range });
  else await sendStreamed(forge, exchange, { place, file, range });
}

/** The content that Git LFS keeps for a file of git; refuses (`not_found`) one that this repository was not given. */
async function sendLargeFile(
  forge: Forge,
  exchange: Exchange,
  of: { place: Place; oid: string },
): Promise<void> {
  const { request, response } = exchange;
  const { place } = of;
  const { content } = await readFileOf(forge, place.repo.id, of.oid);
  if (content.kind !== 'lfs') throw new ForgeError('not_found', 'Git LFS keeps nothing for this file.');
  const object = await openLfsObject(forge, { repoId: place.repo.id, oid: content.pointer.oid });
  const range = agreeOn(exchange, { tag: content.pointer.oid, size: object.size });
  if (range === 'answered') return;
  const release = takeDownload(forge, callerOf(response), 'file');
  const timer = setTimeout(() => response.destroy(), forge.config.limits.downloadSeconds * 1000);
  try {
    const file = { oid: of.oid, size: object.size, asImage: undefined };
    writeHead(response, { place, file, range }, await firstBytes(object.path));
    if (request.method === 'HEAD' || object.size === 0) response.end();
    else await pipeline(createReadStream(object.path, range ?? {}), response);
  } catch (error) {
    if (!response.headersSent && !response.destroyed) throw error;
    response.destroy();
  } finally {
    clearTimeout(timer);
    release();
  }
}

async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(sniffedBytes), 0, sniffedBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

interface Sent {
  place: Place;
  file: { oid: string; size: number; asImage: string | undefined };
  range: Range | undefined;
}

async function sendBuffered(forge: Forge, { response }: Exchange, sent: Sent): Promise<void> {
  const { place, file, range } = sent;
  const object = await readObject(forge.git, repoPath(forge, place.repo.id), {
    expression: file.oid,
    maxBytes: maxBufferedBytes,
  });
  if (object?.content === undefined) throw missingContent();
  writeHead(response, sent, object.content);
  response.end(range === undefined ? object.content : object.content.subarray(range.start, range.end + 1));
}

async function sendStreamed(forge: Forge, exchange: Exchange, sent: Sent): Promise<void> {
  const { request, response } = exchange;
  const { place, file, range } = sent;
  const release = takeDownload(forge, callerOf(response), 'file');
  const git = forge.git.spawn(['cat-file', 'blob', file.oid], { repo: repoPath(forge, place.repo.id) });
  git.on('error', () => git.stdout.destroy());
  git.stderr.resume();
  const timer = setTimeout(() => response.destroy(), forge.config.limits.downloadSeconds * 1000);
  const stop = () => git.kill('SIGKILL');
  // A part of a file ends before git does.
  response.on('close', stop);
  try {
    const part = new Part(range ?? { start: 0, end: file.size - 1 }, (first) =>
      writeHead(response, sent, first),
    );
    if (request.method === 'HEAD') part.withoutBody();
    await pipeline(git.stdout, part, response);
  } catch (error) {
    // A reader who went away is no fault; before the head is out, anything else becomes a page of its own.
    if (!response.headersSent && !response.destroyed) throw error;
    response.destroy();
  } finally {
    clearTimeout(timer);
    stop();
    release();
  }
}

function writeHead(response: Response, { place, file, range }: Sent, first: Buffer): void {
  const binary = isBinary(first);
  const type =
    file.asImage ?? imageTypeOf(first) ?? (binary ? 'application/octet-stream' : 'text/plain; charset=utf-8');
  response.setHeader('Content-Type', type);
  response.setHeader('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox");
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Accept-Ranges', 'bytes');
  if (type === 'application/octet-stream') {
    response.setHeader('Content-Disposition', attachment(showPath(nameOf(place.path))));
  }
  const { start, end } = range ?? { start: 0, end: file.size - 1 };
  response.setHeader('Content-Length', end - start + 1);
  if (range !== undefined) {
    response.status(206);
    response.setHeader('Content-Range', `bytes ${start}-${end}/${file.size}`);
  }
}
