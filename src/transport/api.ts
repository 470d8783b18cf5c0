// Git over HTTP (gitprotocol-http(5)), smart protocol only. The right comes from the path and the method: a
// POST to git-receive-pack needs the right to write whatever its query says and whatever was asked before.
import { Router, type Request, type Response } from 'express';
import { pipeline } from 'node:stream/promises';
import { callerByToken } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { diskFullError, isDiskFull } from '../lib/disk-full.ts';
import { ForgeError } from '../lib/errors.ts';
import { statusByCode } from '../lib/statuses.ts';
import type { Desk, WantedService } from './desk.ts';
import { gitServices, type GitService, type Granted } from './model.ts';
import { pktLine, PushHead } from './push-head.ts';
import { readBody } from './read-body.ts';
import type { RunningProgram } from './command-client.ts';
import { checkedProtocol, startService, type RunningService } from './start-service.ts';
import { watchStall } from './watch-stall.ts';

export interface HttpParts {
  desk: Desk;
  services: Set<RunningProgram>;
}

interface Exchange {
  request: Request;
  response: Response;
}

export function gitRoutes(forge: Forge, parts: HttpParts): Router {
  const router = Router();
  router.get('/:owner/:repo/info/refs', (request, response) =>
    answer(forge, { request, response }, () => advertise(forge, parts, { request, response })),
  );
  for (const service of gitServices) {
    router.post(`/:owner/:repo/${service}`, (request, response) =>
      answer(forge, { request, response }, () => serve(forge, parts, { request, response }, service)),
    );
  }
  return router;
}

/** The refs of a repository; for a push to one that is to be created, those of an empty one. */
async function advertise(forge: Forge, parts: HttpParts, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const service = gitServices.find((name) => name === request.query['service']);
  if (service === undefined) {
    throw new ForgeError(
      'forbidden',
      'This server speaks only the smart HTTP protocol of git 1.6.6 and newer.',
    );
  }
  const granted = await parts.desk.openListing(wantedOf(forge, request, service), goneOf(response));
  try {
    const args = ['--stateless-rpc', '--advertise-refs'];
    const running = start(forge, parts, { service, granted, request, args });
    sendHead(response, `application/x-${service}-advertisement`);
    const isV2 = service === 'git-upload-pack' && /(^|:)version=2(:|$)/.test(protocolOf(request) ?? '');
    if (!isV2) response.write(`${pktLine(`# service=${service}\n`).toString()}0000`);
    running.stdin.end();
    await transfer(running, exchange);
  } finally {
    parts.desk.end(granted.id);
  }
}

async function serve(forge: Forge, parts: HttpParts, exchange: Exchange, service: GitService): Promise<void> {
  const { request, response } = exchange;
  const granted = await parts.desk.open(wantedOf(forge, request, service), goneOf(response));
  try {
    if (request.get('content-type') !== `application/x-${service}-request`) {
      throw new ForgeError('invalid', `The body must be application/x-${service}-request.`);
    }
    const body = readBody(request, maxBodyBytes(forge, service));
    const head = service === 'git-receive-pack' ? new PushHead(forge.config.limits) : undefined;
    const running = start(forge, parts, { service, granted, request, args: ['--stateless-rpc'] });
    const stalled = watchStall(exchange, forge.config.limits.httpStallSeconds);
    const sent = pipeline(head === undefined ? [body, running.stdin] : [body, head, running.stdin]).catch(
      (error: unknown) => {
        // git may end before it has read everything; only a body that cannot be read is the client's fault.
        if (!(error instanceof ForgeError)) return;
        running.stdout.unpipe(response).resume();
        running.stop();
        throw error;
      },
    );
    sendHead(response, `application/x-${service}-result`);
    try {
      await Promise.all([sent, transfer(running, exchange)]);
    } catch (error) {
      if (head === undefined || !(error instanceof ForgeError)) throw error;
      parts.desk.refuse(granted.id, error.message);
      await running.ended;
      report(exchange, head, error);
    } finally {
      stalled.end();
    }
  } finally {
    parts.desk.end(granted.id);
  }
}

/** A refused push is answered in the protocol where that is possible: git shows no text of an HTTP error. */
function report({ request, response }: Exchange, head: PushHead, refusal: ForgeError): void {
  const answer = head.report(refusal.message);
  if (answer === undefined || response.headersSent) throw refusal;
  drain(request);
  response.end(answer);
}

/** Aborts when the client has gone before it was answered. */
function goneOf(response: Response): AbortSignal {
  const gone = new AbortController();
  if (response.closed) gone.abort();
  else response.once('close', () => gone.abort());
  return gone.signal;
}

const negotiationBytes = 64 * 1024 * 1024;

const maxBodyBytes = (forge: Forge, service: GitService): number =>
  service === 'git-receive-pack' ? forge.config.limits.maxPushBytes + negotiationBytes : negotiationBytes;

function start(
  forge: Forge,
  { desk, services }: HttpParts,
  order: {
    service: GitService;
    granted: Granted;
    request: Request;
    args: readonly string[];
  },
): RunningService {
  const { service, granted, request, args } = order;
  const serviceId = granted.id;
  const running = startService(forge.git, {
    service,
    granted,
    protocol: protocolOf(request),
    args,
    hooks: {
      check: (push) => desk.check({ serviceId, ...push }),
      ring: () => desk.ring(serviceId),
    },
  });
  services.add(running);
  running.ended.catch(() => undefined).finally(() => services.delete(running));
  // What git says here is about the request; the client reads it from the protocol's own messages.
  running.stderr.resume();
  return running;
}

/** Git's output to the client, with backpressure; a client that goes away ends git at once. */
async function transfer(running: RunningService, { response }: Exchange): Promise<void> {
  response.once('close', () => running.stop());
  if (response.closed) running.stop();
  running.stdout.pipe(response, { end: false });
  const code = await running.ended;
  if (code !== 0 && !response.headersSent) {
    throw new ForgeError('invalid', 'git could not understand the request.');
  }
  response.end();
}

function sendHead(response: Response, contentType: string): void {
  response.setHeader('Content-Type', contentType);
  response.setHeader('Cache-Control', 'no-cache, max-age=0, must-revalidate');
}

const protocolOf = (request: Request): string | undefined => checkedProtocol(request.get('git-protocol'));

function wantedOf(forge: Forge, request: Request, service: GitService): WantedService {
  const { owner, repo } = request.params;
  return {
    caller: callerByToken(forge, request),
    service,
    owner: String(owner),
    name: String(repo).replace(/\.git$/, ''),
  };
}

/** Every refusal is plain text: git shows it to the user as `remote:` lines. */
async function answer(
  forge: Forge,
  { request, response }: Exchange,
  body: () => Promise<void>,
): Promise<void> {
  // A push may be looked at for minutes without a byte on the wire; `watchStall` knows whose turn it is.
  request.socket.setTimeout(0);
  try {
    await body();
  } catch (error) {
    const refusal = isDiskFull(error) ? diskFullError(error) : refusalOf(error);
    if (refusal.code === 'internal') forge.log.error({ err: error }, 'a git request failed');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    drain(request);
    if (refusal.code === 'unauthenticated') response.setHeader('WWW-Authenticate', 'Basic realm="pika-git"');
    if (refusal.code === 'unavailable') response.setHeader('Retry-After', '5');
    response.status(statusByCode[refusal.code]).type('text/plain').send(`${refusal.message}\n`);
  }
}

function refusalOf(error: unknown): ForgeError {
  if (error instanceof ForgeError) return error;
  return new ForgeError('internal', 'The forge met an error it did not expect. It was logged; try again.');
}

const drainMs = 30_000;

/** A client reads the refusal only after it has sent its body, so the rest is thrown away, for a while. */
function drain(request: Request): void {
  request.unpipe();
  request.resume();
  const timer = setTimeout(() => request.destroy(), drainMs);
  request.once('close', () => clearTimeout(timer));
}
