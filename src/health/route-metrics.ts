// `/healthz`, `/readyz` and `/metrics`: for what watches over the forge. They are answered before anybody is asked who they
// are, so that they say what they say also when accounts cannot be read.
import { readFileSync } from 'node:fs';
import { Router, type ErrorRequestHandler, type Request } from 'express';
import { callerByToken, requireAdmin } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { isSameText } from '../lib/secrets.ts';
import { statusByCode } from '../lib/statuses.ts';
import { toForgeError } from '../web/errors.ts';
import { isFromHere } from '../web/from-here.ts';
import type { Health } from './open.ts';

export function watcherRoutes(forge: Forge, health: Health): Router {
  const router = Router();
  router.use(['/healthz', '/readyz', '/metrics'], (_request, response, next) => {
    response.setHeader('Cache-Control', 'no-store');
    next();
  });
  router.get('/healthz', (_request, response) => void response.json({ ok: true }));
  router.get('/readyz', async (request, response) => {
    const failed = (await health.look()).filter(({ fault }) => fault !== undefined);
    const loops = health.loops().filter(({ state }) => state === 'failing');
    response.status(failed.length === 0 ? 200 : 503).json({
      ok: failed.length === 0,
      failing: failed.map(({ name }) => name),
      failingLoops: loops.map(({ name }) => name),
      // Why is for whoever operates the machine: it tells of its disks and programs.
      ...(mayKnow(forge, request)
        ? { reasons: Object.fromEntries(failed.map(({ name, fault }) => [name, fault])) }
        : {}),
    });
  });
  router.get('/metrics', async (request, response) => {
    if (!mayKnow(forge, request)) requireAdmin(callerByToken(forge, request));
    const { type, body } = await health.figures();
    response.type(type).send(body);
  });
  router.use(['/healthz', '/readyz', '/metrics'], answerInWords(forge));
  return router;
}

/** Programs ask here, and none of the pages that a refusal would look like is of use to them. */
const answerInWords =
  (forge: Forge): ErrorRequestHandler =>
  (thrown: unknown, request, response, _next) => {
    const error = toForgeError(thrown);
    if (error.code === 'internal') forge.log.error({ err: thrown, route: request.path }, 'a request failed');
    if (error.code === 'unauthenticated') response.setHeader('WWW-Authenticate', 'Bearer realm="pika-git"');
    response.status(statusByCode[error.code]).type('text').send(`${error.message}\n`);
  };

/** A program on this machine, or one that knows the token of the configuration. */
function mayKnow(forge: Forge, request: Request): boolean {
  const { metricsFromHere, metricsTokenFile } = forge.config.health;
  if (metricsFromHere && isFromHere(request)) return true;
  const given = /^bearer (\S+)$/i.exec(request.get('authorization') ?? '')?.[1];
  if (metricsTokenFile === undefined || given === undefined) return false;
  const wanted = readToken(metricsTokenFile);
  return wanted !== '' && isSameText(given, wanted);
}

/** Read anew each time, so that a token can be changed without a restart. */
function readToken(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new ForgeError('unavailable', 'The file of health.metricsTokenFile cannot be read.', {
      cause: error,
    });
  }
}
