// How often somebody may ask. Who is signed in is counted by account, everybody else by address. Git over HTTP and Git
// LFS are not counted here: they have places of their own, which are taken and given back.
import type { Request, RequestHandler, Response } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import { ForgeError } from '../lib/errors.ts';
import { isFromHere } from './from-here.ts';

export interface Rates {
  requestsPerMinute: number;
  writesPerMinute: number;
  costlyPerMinute: number;
  signInsPerMinute: number;
}

interface Kind {
  /** Stands in the headers. */
  name: string;
  perMinute: number;
  counts: (request: Request) => boolean;
}

const isRead = ({ method }: Request): boolean => ['GET', 'HEAD', 'OPTIONS'].includes(method);
const signIn = /^\/(?:login|join)\/|^\/api\/v1\/sessions(?:\/|$)|^(?:\/api\/v1)?\/account\/tokens$/;
/** What git must read much for. */
const costly =
  /^(?:\/api\/v1\/repos)?\/[^/]+\/[^/]+\/(?:(?:blame|archive|search|compare|commits)(?:\/|$)|runs\/.*\/search$|branches\/\d+\/(?:diff|conflicts))/;

const kindsOf = (rates: Rates): Kind[] => [
  {
    name: 'requests',
    perMinute: rates.requestsPerMinute,
    counts: ({ path }) => !path.startsWith('/assets/'),
  },
  { name: 'writes', perMinute: rates.writesPerMinute, counts: (request) => !isRead(request) },
  { name: 'costly', perMinute: rates.costlyPerMinute, counts: ({ path }) => costly.test(path) },
  {
    name: 'sign-ins',
    perMinute: rates.signInsPerMinute,
    counts: (request) => !isRead(request) && signIn.test(request.path),
  },
];

/**
 * One counter for each kind of request. The answers carry `RateLimit` and `RateLimit-Policy`; over a limit they are
 * refused (`limited`) with `Retry-After`. `accountOf` answers who is signed in.
 */
export const limitRates = (
  rates: Rates,
  accountOf: (response: Response) => number | undefined,
): RequestHandler[] =>
  kindsOf(rates).map(({ name, perMinute, counts }) =>
    rateLimit({
      windowMs: 60_000,
      limit: perMinute,
      identifier: name,
      standardHeaders: 'draft-8',
      legacyHeaders: false,
      validate: false,
      skip: (request) => isFromHere(request) || !counts(request),
      keyGenerator: (request, response) => {
        const account = accountOf(response);
        return account === undefined ? ipKeyGenerator(request.ip ?? '') : `account ${account}`;
      },
      handler: (_request, response, next) => {
        const seconds = String(response.getHeader('Retry-After') ?? 60);
        const message = `That is more than ${perMinute} ${words[name] ?? name} in a minute; go on in ${seconds} seconds.`;
        next(new ForgeError('limited', message));
      },
    }),
  );

const words: Record<string, string> = {
  costly: 'requests for blames, searches, histories, comparisons and archives',
  'sign-ins': 'attempts to sign in or to make a token',
};
