// The bytes of a file as they are: sent as they come from git, in parts when parts are asked for, and never as
// anything that a browser would run.
import { Router, type Response } from 'express';
import { pipeline } from 'node:stream/promises';
import { Transform } from 'node:stream';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { nameOf, showPath } from '../git/git-path.ts';
import { readHeads, readObject } from '../git/object-reader.ts';
import { ForgeError } from '../lib/errors.ts';
import { repoPath } from '../repos/path.ts';
import { isBinary } from './blob.ts';
import { takeDownload } from './downloads.ts';
import { imageTypeOf } from './image-type.ts';
import { apiPrefix, placeOfRoute, routeBelow, type Exchange, type Place } from './place.ts';
import { entryAt } from './tree.ts';

// A smaller file is read whole through the git that is there already.
const maxBufferedBytes = 256 * 1024;

export function rawRoutes(forge: Forge): Router {
  const router = Router();
  const send = (request: Exchange['request'], response: Response) => sendFile(forge, { request, response });
  router.get(routeBelow('raw'), send);
  router.get(routeBelow('raw', apiPrefix), send);
  return router;
}

async function sendFile(forge: Forge, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const place = await placeOfRoute(forge, exchange, { under: 'raw' });
  const entry = await entryAt(forge, place);
  if (entry.kind === 'folder' || entry.kind === 'submodule') {
    throw new ForgeError('not_found', `${showPath(place.path) || 'The top'} is a ${entry.kind}, not a file.`);
  }
  const [head] = await readHeads(forge.git, repoPath(forge, place.repo.id), [entry.oid]);
  if (head === undefined) throw new ForgeError('not_found', 'The content of this file is missing.');
  const isSvg = request.query['image'] === 'svg' && /\.svg$/i.test(place.path);
  const file = { oid: entry.oid, size: head.size, asImage: isSvg ? 'image/svg+xml' : undefined };
  response.setHeader('ETag', `"${entry.oid}${isSvg ? '-svg' : ''}"`);
  response.setHeader('Cache-Control', 'private, no-cache');
  if (request.fresh) {
    response.status(304).end();
    return;
  }
  const range = rangeOf(exchange, head.size);
  if (range === 'beyond') {
    response.setHeader('Content-Range', `bytes */${head.size}`);
    response.status(416).end();
    return;
  }
  if (head.size <= maxBufferedBytes) await sendBuffered(forge, exchange, { place, file, range });
  else await sendStreamed(forge, exchange, { place, file, range });
}

interface Range {
  start: number;
  /** The last byte. */
  end: number;
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
  if (object?.content === undefined)
    throw new ForgeError('not_found', 'The content of this file is missing.');
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

/** Lets through the bytes of a range; `onStart` gets the first bytes of the file, whatever the range. */
class Part extends Transform {
  readonly #range: Range;
  readonly #onStart: (first: Buffer) => void;
  #at = 0;
  #isBodyless = false;

  constructor(range: Range, onStart: (first: Buffer) => void) {
    super();
    this.#range = range;
    this.#onStart = onStart;
  }

  withoutBody(): void {
    this.#isBodyless = true;
  }

  override _transform(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.#at === 0) this.#onStart(chunk);
    const { start, end } = this.#range;
    const from = Math.max(0, start - this.#at);
    const to = Math.min(chunk.length, end + 1 - this.#at);
    this.#at += chunk.length;
    if (to > from && !this.#isBodyless) this.push(chunk.subarray(from, to));
    // Behind the range nothing is wanted of git any more.
    if (this.#at > end || this.#isBodyless) this.push(null);
    done();
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

/** `Content-Disposition` of RFC 6266: a plain name for old programs, and the exact one. */
export function attachment(name: string): string {
  const plain = name.replaceAll(/[^\w .+-]/g, '_');
  const exact = encodeURIComponent(name.toWellFormed()).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
}

/** The one range that is asked for (RFC 9110); several, or what cannot be read, is the whole file. */
function rangeOf({ request, response }: Exchange, size: number): Range | 'beyond' | undefined {
  const condition = request.get('if-range');
  if (condition !== undefined && condition !== response.getHeader('ETag')) return undefined;
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(request.get('range') ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  return start >= size ? 'beyond' : { start, end };
}
