// What a program asks the forge that runs a lane elsewhere. Its credential stands for one attempt and nothing else, so none
// of these routes looks at accounts, and they are mounted before what does.
import express, { Router, type Request } from 'express';
import { requireRoom } from '../../forge/disk.ts';
import type { Forge } from '../../forge/open.ts';
import { apiRoute, apiRow } from '../../web/api-route.ts';
import { bodyParsers } from '../../web/app.ts';
import { parse } from '../../web/parse.ts';
import type { AgentDesk } from './agent-desk.ts';
import { laneOfSession, requireAgent, type HeldLane } from './agent-credential.ts';
import {
  beatView,
  cachePaths,
  cacheQuery,
  claimRequest,
  laneOrder,
  logQuery,
  logView,
  resultRequest,
  savedQuery,
  sha256,
  storedName,
  toldView,
} from './agent-message.ts';
import { agentProgram } from './agent-program.ts';
import { receiveCache, sendCache } from './away-caches.ts';
import { Packs } from './send-pack.ts';

const base = '/api/v1/agent';
const maxLogPart = 1024 * 1024;

const table = {
  program: apiRow({
    right: 'agent',
    method: 'get',
    path: `${base}/program`,
    summary: 'Download the program that runs a lane on a node',
    description: 'One file for Node, with its SHA-256 as the `ETag`.',
    answer: 'file',
  }),
  claim: apiRow({
    right: 'agent',
    method: 'post',
    path: `${base}/claim`,
    summary: 'Take the claim of a lane on the node where it is to run',
    description:
      'Once; who comes later with the same credential, or for a lane that nobody wants any more, is refused.',
    body: claimRequest,
    answer: laneOrder,
  }),
  heartbeat: apiRow({
    right: 'agent',
    method: 'post',
    path: `${base}/heartbeat`,
    summary: 'Keep the claim of a lane',
    answer: beatView,
  }),
  log: apiRow({
    right: 'agent',
    method: 'post',
    path: `${base}/log`,
    summary: 'Add bytes to the log of a lane',
    description:
      'The body is the bytes themselves. Those that the forge has already are passed over; a gap is refused.',
    query: logQuery,
    answer: logView,
  }),
  pack: apiRow({
    right: 'agent',
    method: 'get',
    path: `${base}/pack`,
    summary: 'Download the commit of a lane with its history, as a pack of git',
    answer: 'file',
  }),
  cache: apiRow({
    right: 'agent',
    method: 'get',
    path: `${base}/caches`,
    summary: 'Download a cache of a lane, as a tar file',
    query: cacheQuery,
    answer: 'file',
  }),
  saveCache: apiRow({
    right: 'agent',
    method: 'put',
    path: `${base}/caches`,
    summary: 'Leave a new cache of a lane, as a tar file',
    description: 'It counts once the end of the lane is kept.',
    query: savedQuery,
    answer: 'nothing',
  }),
  artifact: apiRow({
    right: 'agent',
    method: 'put',
    path: `${base}/artifacts/:sha256`,
    summary: 'Leave an artifact of a lane',
    answer: 'nothing',
  }),
  report: apiRow({
    right: 'agent',
    method: 'put',
    path: `${base}/reports/:name`,
    summary: 'Leave a report of a lane',
    answer: 'nothing',
  }),
  result: apiRow({
    right: 'agent',
    method: 'post',
    path: `${base}/result`,
    summary: 'Tell how a lane ended',
    body: resultRequest,
    answer: toldView,
  }),
};

export function agentApi(forge: Forge, desk: AgentDesk): Router {
  const router = Router();
  // First of all: nobody else's body is read.
  router.use(base, (request, response, next) => {
    requireAgent(forge, secretOf(request));
    if (request.method === 'PUT') requireRoom(forge, Number(request.get('content-length') ?? 0));
    request.setTimeout(forge.config.laneAgents.stallSeconds * 1000, () => request.destroy());
    response.setTimeout(forge.config.laneAgents.stallSeconds * 1000, () => response.destroy());
    response.set('Cache-Control', 'no-store');
    next();
  });
  router.use(base, bodyParsers({ maxRequestBytes: forge.config.laneAgents.maxResultBytes }));
  router.use(`${base}/log`, express.raw({ type: () => true, limit: maxLogPart }));
  addTalk(router, desk);
  addFiles(router, forge, desk);
  return router;
}

/** Claim, heartbeat, log and result: what is fenced in the database alone. */
function addTalk(router: Router, desk: AgentDesk): void {
  apiRoute(router, table.claim, (request, response, sent) => {
    response.json(desk.claim(secretOf(request), sent.body()));
  });
  apiRoute(router, table.heartbeat, (request, response) => {
    response.json(desk.beat(secretOf(request)));
  });
  apiRoute(router, table.log, (request, response, sent) => {
    const body: unknown = request.body;
    const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
    response.json({ size: desk.append(secretOf(request), sent.query().offset, bytes) });
  });
  apiRoute(router, table.result, async (request, response, sent) => {
    await desk.finish(secretOf(request), sent.body());
    response.json({ told: true });
  });
}

function addFiles(router: Router, forge: Forge, desk: AgentDesk): void {
  const packs = new Packs(forge);
  const held = (request: Pick<Request, 'get'>): HeldLane => laneOfSession(forge, secretOf(request));
  apiRoute(router, table.program, async (_request, response) => {
    const { code, sha256: hash } = await agentProgram();
    response.set({ ETag: `"${hash}"`, 'Content-Type': 'text/javascript; charset=utf-8' }).send(code);
  });
  apiRoute(router, table.pack, (request, response) => packs.send(held(request), response));
  apiRoute(router, table.cache, async (request, response, sent) => {
    const lane = held(request);
    const { key, paths } = sent.query();
    await sendCache(forge, lane, { wanted: { key, paths: parse(cachePaths, paths) }, response });
  });
  apiRoute(router, table.saveCache, async (request, response, sent) => {
    await receiveCache(forge, held(request), { place: sent.query().place, body: request });
    held(request);
    response.status(204).end();
  });
  apiRoute(router, table.artifact, async (request, response) => {
    await desk.files.artifact(held(request), { sha256: parse(sha256, request.params.sha256), body: request });
    held(request);
    response.status(204).end();
  });
  apiRoute(router, table.report, async (request, response) => {
    const stored = parse(storedName, request.params.name);
    await desk.files.report(held(request), { stored, body: request });
    held(request);
    response.status(204).end();
  });
}

const secretOf = (request: Pick<Request, 'get'>): string | undefined =>
  /^Bearer ([\w-]{16,200})$/.exec(request.get('authorization') ?? '')?.[1];
