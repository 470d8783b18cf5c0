// The log of an attempt over HTTP: parts of it as the lane's page asks for them, search, the first line that looks
// like an error, and all of it as plain text.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { apiRoute, apiRow } from '../../web/api-route.ts';
import { parse } from '../../web/parse.ts';
import { render } from '../../web/render.ts';
import { searchLog } from './log-search.ts';
import { logPlace, shownHits, shownLog } from './log-view.ts';
import { readLog, requireLog } from './log.ts';
import { hasEnded, logHitsView } from '../model.ts';
import { attemptQuery, laneOfRoute, lanePathOf } from '../route-run.ts';

const rawPieceBytes = 1024 * 1024;
const apiHits = 1000;

export function logPages(forge: Forge): Router {
  const router = Router();
  const base = '/:owner/:repo/runs/:number/lanes/:lane';
  router.get(`${base}/log`, (request, response) => sendPart(forge, request, response));
  router.get(`${base}/search`, (request, response) => sendHits(forge, request, response));
  router.get(`${base}/first-error`, (request, response) => goToFirstError(forge, request, response));
  router.get(`${base}/raw`, (request, response) => sendRaw(forge, request, response));
  return router;
}

const searchRequest = z.object({
  q: z.string('expected a text').min(1, 'expected a text').max(200, 'at most 200 characters'),
  from: z.coerce.number('expected a byte offset').int('expected a byte offset').min(0).default(0),
});

const searchRow = apiRow({
  method: 'get',
  path: '/api/v1/repos/:owner/:repo/runs/:number/lanes/:lane/search',
  summary: 'Search the log of a lane',
  description: 'Lines that hold the text `q`; ask again from byte `next` until it reaches `size`.',
  right: 'read',
  query: attemptQuery.extend(searchRequest.shape),
  answer: logHitsView,
});

export function logApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, searchRow, async (request, response, sent) => {
    const { attempt } = laneOfRoute(forge, { request, response });
    const { q: text, from } = sent.query();
    const signal = untilGone(response);
    response.set('Cache-Control', 'no-store');
    response.json(await searchLog(forge, attempt, { text, from, maxHits: apiHits, signal }));
  });
  return router;
}

/** Rows for a page that shows others; where they lie in the log stands in the header. */
async function sendPart(forge: Forge, request: Request, response: Response): Promise<void> {
  const found = laneOfRoute(forge, { request, response });
  const { attempt } = found;
  const place = parse(logPlace, request.query);
  const log = await shownLog(forge, { attempt, lanePath: lanePathOf(found), place });
  response.set({
    'X-Log-First': String(log.first),
    'X-Log-Next': String(log.next),
    'X-Log-Lines': String(log.lines),
    'X-Log-Size': String(log.size),
    'X-Log-Ended': String(log.ended),
    'Cache-Control': 'no-store',
  });
  render(response, 'ci/_log.njk', { log });
}

async function sendHits(forge: Forge, request: Request, response: Response): Promise<void> {
  const found = laneOfRoute(forge, { request, response });
  const { attempt } = found;
  const place = parse(logPlace, request.query);
  const hits = await shownHits(forge, { attempt, lanePath: lanePathOf(found), place }, untilGone(response));
  response.set('Cache-Control', 'no-store');
  render(response, 'ci/_hits.njk', { hits });
}

/** Leads to the line, as a redirect or (for the page's own script) as JSON. */
async function goToFirstError(forge: Forge, request: Request, response: Response): Promise<void> {
  const found = laneOfRoute(forge, { request, response });
  const { attempt } = found;
  const search = { text: undefined, from: 0, maxHits: 1, signal: untilGone(response) };
  const { hits, next, size } = await searchLog(forge, attempt, search);
  const line = hits[0]?.line;
  response.set('Cache-Control', 'no-store');
  if (request.accepts(['html', 'json']) === 'json') {
    response.json({ line: line ?? null });
  } else if (line !== undefined) {
    response.redirect(303, `${lanePathOf(found)}?attempt=${attempt.number}&line=${line}#L${line}`);
  } else {
    const where = next < size ? `the first ${next} of ${size} bytes of this log` : 'this log';
    const so = hasEnded(attempt.state) ? '' : ' so far';
    throw new ForgeError('not_found', `No line of ${where} looks like an error${so}; search it for a word.`);
  }
}

/** The whole log as plain text, piece by piece, as fast as the reader takes it. */
async function sendRaw(forge: Forge, request: Request, response: Response): Promise<void> {
  const { attempt } = laneOfRoute(forge, { request, response });
  requireLog(attempt);
  response.set({ 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' });
  let from = 0;
  while (!response.destroyed) {
    const piece = await readLog(forge, attempt, { from, maxBytes: rawPieceBytes });
    if (piece.next <= from) break;
    from = piece.next;
    if (!response.write(piece.text)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      response.once('drain', resolve);
      response.once('close', resolve);
      await promise;
    }
  }
  response.end();
}

function untilGone(response: Response): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}
