// Gives every request an id, which stands in the answer, in error pages and in every line of the log that is written for it,
// and tells how long it took until its answer began.
import type { Request, RequestHandler, Response } from 'express';
import { randomBytes } from 'node:crypto';
import type { AnsweredRequest } from '../lib/answered-request.ts';
import { withLogContext } from '../lib/log-context.ts';
import { routeName } from './route-name.ts';

// What may follow it in a log or a header without meaning anything there.
const goodId = /^[A-Za-z0-9._-]{1,64}$/;

/** Mounted first. `told` is called once for each request, when it is over. */
export const watchRequests =
  (told: (answered: AnsweredRequest) => void): RequestHandler =>
  (request, response, next) => {
    const requestId = givenId(request) ?? randomBytes(8).toString('hex');
    const started = performance.now();
    let begun: number | undefined;
    response.setHeader('X-Request-Id', requestId);
    onHead(response, () => (begun = performance.now()));
    response.once('close', () => {
      told({
        requestId,
        method: request.method,
        route: routeName(request),
        status: response.statusCode,
        ms: (begun ?? performance.now()) - started,
        isBroken: !response.writableFinished,
      });
    });
    withLogContext({ requestId }, next);
  };

/** The id that a reverse proxy gave; anybody else could make the lines of others unfindable by giving theirs. */
function givenId(request: Request): string | undefined {
  const given = request.get('x-request-id');
  if (given === undefined || !goodId.test(given)) return undefined;
  const isTrusted = request.app.get('trust proxy fn') as (address: string, hop: number) => boolean;
  return isTrusted(request.socket.remoteAddress ?? '', 0) ? given : undefined;
}

function onHead(response: Response, begin: () => void): void {
  const writeHead = response.writeHead.bind(response) as (...given: unknown[]) => Response;
  response.writeHead = ((...given: unknown[]) => {
    begin();
    return writeHead(...given);
  }) as Response['writeHead'];
}
