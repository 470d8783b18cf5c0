// Finds out who is asking on every request, and refuses writes that another site's page sent.
import { createHmac } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { publicOrigin, type Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { hashSecret, isSameText } from '../lib/secrets.ts';
import { assetVersion } from '../web/app.ts';
import { findCallerByToken } from './find.ts';
import { anonymous, type Account, type Caller, type TokenScope } from './model.ts';
import { findCallerByPass, isPass } from './pass.ts';
import { findActiveAccount, findSession, stampLastUse } from './store.ts';

export const sessionCookie = 'pika_session';

interface PageContext {
  account: { name: string; role: string } | undefined;
  formToken: string;
  path: string;
  assets: string;
  origin: string;
  unsandboxed: boolean;
  /** When the request came, before anything was read for the page: what changes later, the live stream tells. */
  at: number;
}

interface Locals {
  caller: Caller;
  sessionSecret: string | undefined;
  page: PageContext;
}

const locals = (response: Response): Locals => response.locals as Locals;

export const callerOf = (response: Response): Caller => locals(response).caller;

/** The secret of the browser session that asks, to sign it out. */
export const sessionSecretOf = (response: Response): string | undefined => locals(response).sessionSecret;

/**
 * Puts the caller and the page context into `response.locals`. A bad token is refused (`unauthenticated`)
 * rather than taken for nobody; a dead cookie is nobody. `isSandboxed` tells pages whether to warn.
 */
export function identify(forge: Forge, isSandboxed: () => boolean): RequestHandler {
  const assets = `/assets/${assetVersion()}`;
  const origin = publicOrigin(forge.config);
  return (request, response, next) => {
    const address = request.ip ?? '';
    const header = request.get('authorization');
    const sessionSecret = header === undefined ? readCookie(request, sessionCookie) : undefined;
    const caller =
      header === undefined
        ? callerBySession(forge, { secret: sessionSecret, address })
        : callerByToken(forge, request);
    const formToken = sessionSecret === undefined ? '' : formTokenOf(sessionSecret);
    const account = caller.account && { name: caller.account.name, role: caller.account.role };
    const unsandboxed = !isSandboxed();
    const page = { account, formToken, path: request.path, assets, origin, unsandboxed, at: Date.now() };
    Object.assign(response.locals, { caller, sessionSecret, page } satisfies Locals);
    next();
  };
}

/** The caller as an account that may write at `scope`, or a refusal that says how to get there. */
export function requireAccount(caller: Caller, scope: TokenScope): Account {
  if (caller.account === undefined) {
    throw new ForgeError(
      'unauthenticated',
      'Sign in first: with a token, or in the browser with the link of: ssh … login',
    );
  }
  const order: readonly TokenScope[] = ['read', 'write', 'admin'];
  if (order.indexOf(caller.scope) < order.indexOf(scope)) {
    throw new ForgeError(
      'forbidden',
      `This token may only ${caller.scope}; use one with the scope ${scope}, as ph login --scope ${scope} makes it.`,
    );
  }
  return caller.account;
}

/**
 * As `requireAccount`, for what is not of one repository: an account's own things, and those of the whole forge. A
 * credential that is good for one repository alone is refused there (`forbidden`).
 */
export function requireOwnAccount(caller: Caller, scope: TokenScope): Account {
  const account = requireAccount(caller, scope);
  if (caller.onlyRepo === undefined) return account;
  throw new ForgeError(
    'forbidden',
    'This credential is good for one repository alone. Sign in with one of your own for that.',
  );
}

export function requireAdmin(caller: Caller): Account {
  const account = requireOwnAccount(caller, 'admin');
  if (account.role !== 'admin') throw new ForgeError('forbidden', 'Only an admin of this forge may do that.');
  return account;
}

/**
 * Refuses a write that a browser sent from another site (Origin, Sec-Fetch-Site), or that carries a session
 * cookie but not the token of our own form. Mounted after the body parsers. Requests with an Authorization
 * header carry no ambient right and pass.
 */
export const refuseForgery: RequestHandler = (request, response, next) => {
  if (['GET', 'HEAD', 'OPTIONS'].includes(request.method) || request.get('authorization') !== undefined) {
    next();
    return;
  }
  const site = request.get('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw forgery();
  const origin = request.get('origin');
  if (origin !== undefined && !isOwnOrigin(origin, request)) throw forgery();
  const secret = locals(response).sessionSecret;
  if (secret !== undefined && callerOf(response).account !== undefined) {
    const body = request.body as Record<string, unknown> | undefined;
    const given = request.get('x-form-token') ?? body?.['form_token'];
    if (typeof given !== 'string' || !isSameText(given, formTokenOf(secret))) throw forgery();
  }
  next();
};

const forgery = (): ForgeError =>
  new ForgeError(
    'forbidden',
    'This form did not come from this forge, or is from before you signed in. Reload the page and try again.',
  );

// The Origin must be the host that the request itself was sent to; both come from the same browser.
function isOwnOrigin(origin: string, request: Request): boolean {
  return URL.canParse(origin) && new URL(origin).host === request.get('host');
}

/**
 * Who asks by the Authorization header alone: nobody without one, and never a browser's cookie, for which another site's
 * page could ask. A token that is not good is refused (`unauthenticated`) rather than taken for nobody. A pass counts
 * where `passFor` names the repository that it must be for.
 */
export function callerByToken(
  forge: Forge,
  request: Request,
  passFor?: { repoId: number | undefined },
): Caller {
  const header = request.get('authorization');
  const address = request.ip ?? '';
  if (header === undefined) return anonymous(address);
  const secret = secretInHeader(header);
  const caller = secret === undefined ? undefined : callerBySecret(forge, { secret, address }, passFor);
  if (caller !== undefined) return caller;
  throw new ForgeError(
    'unauthenticated',
    passFor === undefined
      ? 'This token is unknown, revoked or expired. Make a new one on your account page.'
      : 'This token is unknown, revoked or expired, or for another repository. Give a valid one as the password.',
  );
}

function callerBySecret(
  forge: Forge,
  { secret, address }: { secret: string; address: string },
  passFor: { repoId: number | undefined } | undefined,
): Caller | undefined {
  if (passFor === undefined || !isPass(secret)) return findCallerByToken(forge, secret, address);
  const { repoId } = passFor;
  return repoId === undefined ? undefined : findCallerByPass(forge, { secret, repoId, address });
}

/** The token in `Bearer TOKEN` or in `Basic base64(anything:TOKEN)`. */
function secretInHeader(header: string): string | undefined {
  const [scheme = '', value = ''] = header.split(' ', 2);
  if (/^bearer$/i.test(scheme)) return value || undefined;
  if (!/^basic$/i.test(scheme)) return undefined;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : pair.slice(colon + 1) || undefined;
}

function callerBySession(forge: Forge, credential: { secret: string | undefined; address: string }): Caller {
  const { secret, address } = credential;
  if (secret === undefined) return anonymous(address);
  const now = forge.clock.now();
  const session = findSession(forge.db, { hash: hashSecret(secret), now });
  const account = session && findActiveAccount(forge.db, session.accountId);
  if (session === undefined || account === undefined) return anonymous(address);
  stampLastUse(forge.db, 'sessions', { id: session.id, now });
  return { account, scope: 'admin', credential: `session ${session.id}`, address };
}

export function readCookie(request: Request, name: string): string | undefined {
  for (const pair of (request.get('cookie') ?? '').split(';')) {
    const [key, value] = pair.trim().split('=', 2);
    if (key === name && value) return value;
  }
  return undefined;
}

const formTokenOf = (sessionSecret: string): string =>
  createHmac('sha256', sessionSecret).update('form').digest('base64url');
