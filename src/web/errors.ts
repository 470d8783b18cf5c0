// The page and the JSON of every error; lib/statuses.ts has the one code→status table.
import type { ErrorRequestHandler, RequestHandler } from 'express';
import { diskFullError, isDiskFull } from '../lib/disk-full.ts';
import { ForgeError, type ErrorCode } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { statusByCode } from '../lib/statuses.ts';
import { render } from './render.ts';
import { routeName } from './route-name.ts';

const titles: Record<ErrorCode, string> = {
  invalid: 'That could not be understood',
  unauthenticated: 'Please sign in',
  forbidden: 'Not allowed',
  not_found: 'Not found',
  conflict: 'That no longer fits',
  too_large: 'Too large',
  limited: 'Slow down',
  unavailable: 'Not available now',
  internal: 'Something broke on our side',
};

export const notFound: RequestHandler = (request) => {
  throw new ForgeError('not_found', `There is no page or route ${request.method} ${request.path}.`);
};

/** The web's boundary: everything thrown in a route becomes one clear answer, as JSON or as a page. */
export function answerErrors(log: Log): ErrorRequestHandler {
  return (thrown: unknown, request, response, next) => {
    if (response.headersSent) {
      next(thrown);
      return;
    }
    const error = toForgeError(thrown);
    // Not the address: it may hold the secret of a link.
    if (error.code === 'internal') log.error({ err: thrown, route: routeName(request) }, 'a request failed');
    response.status(statusByCode[error.code]);
    // They were those of the page that could not be made.
    response.removeHeader('ETag');
    response.removeHeader('Cache-Control');
    // Not Basic: a browser would ask for a password that nobody has. Git's own routes do their own asking.
    if (error.code === 'unauthenticated') response.setHeader('WWW-Authenticate', 'Bearer realm="pika-git"');
    const requestId = error.code === 'internal' ? response.getHeader('X-Request-Id') : undefined;
    if (wantsJson(request.path, request.get('accept'))) {
      const details = error.details === undefined ? {} : { details: error.details };
      const { code, message } = error;
      response.json({ error: { code, message, ...details, ...(requestId && { requestId }) } });
    } else {
      render(response, 'error.njk', {
        title: titles[error.code],
        code: error.code,
        message: error.message,
        requestId,
        returnTo: request.originalUrl,
      });
    }
  };
}

function wantsJson(path: string, accept: string | undefined): boolean {
  return path.startsWith('/api/') || (accept !== undefined && !/text\/html|\*\/\*/.test(accept));
}

/** What a route threw, as one of our refusals; what is none of them is an `internal` one. */
export function toForgeError(thrown: unknown): ForgeError {
  if (thrown instanceof ForgeError) return thrown;
  if (isDiskFull(thrown)) return diskFullError(thrown);
  const status = (thrown as { status?: unknown }).status;
  if (status === 413) return new ForgeError('too_large', 'The request is larger than this route takes.');
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new ForgeError('invalid', 'The request could not be read: its body or its address is malformed.');
  }
  return new ForgeError('internal', 'The forge met an error it did not expect. It was logged; try again.', {
    cause: thrown,
  });
}
