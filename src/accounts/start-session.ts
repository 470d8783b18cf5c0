// Signing a browser in. Who has a second factor first gets a promise in a cookie, which becomes a session when he shows
// a passkey; everybody else gets the session at once.
import type { Request, Response } from 'express';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { recordAudit } from './audit.ts';
import { Challenges } from './challenges.ts';
import { getActiveAccount } from './find.ts';
import { callerOf, readCookie, sessionCookie } from './guard.ts';
import type { Account } from './model.ts';
import { createSession } from './sign-in.ts';

interface Exchange {
  request: Request;
  response: Response;
}

const halfCookie = 'pika_half';
const halfMs = 5 * 60_000;
const promises = new Challenges({ windowMs: halfMs, maxUsed: 0 });
const promiseFor = (accountId: number): string => `second-factor ${accountId}`;

export const secondFactorPage = '/login/second';

/** Who signs in, and with what, for the record. */
export interface Proven {
  account: Account;
  credential: string;
}

/** Signs the browser in after one proof; answers where it goes next. */
export function beginSession(forge: Forge, exchange: Exchange, { account, credential }: Proven): string {
  if (account.secondFactorSince === undefined) {
    startSession(forge, exchange, { account, credential });
    return '/';
  }
  const { challenge, expiresAt } = promises.create(forge, promiseFor(account.id));
  exchange.response.cookie(halfCookie, `${account.id}~${challenge}`, {
    ...cookieOf(forge),
    expires: new Date(expiresAt),
  });
  return secondFactorPage;
}

/** Who has shown the first proof in this browser; refuses (`unauthenticated`) when that is too long ago. */
export function halfSignedIn(forge: Forge, request: Request): Account {
  const [number = '', challenge = ''] = (readCookie(request, halfCookie) ?? '').split('~', 2);
  const accountId = Number(number);
  if (promises.problemOf(forge, challenge, promiseFor(accountId)) === undefined) {
    return getActiveAccount(forge, accountId);
  }
  throw new ForgeError('unauthenticated', 'Sign in first; the passkey is asked for after that.');
}

/** A new session of a browser that has shown everything, in a cookie that no script can read. */
export function startSession(
  forge: Forge,
  { request, response }: Exchange,
  { account, credential }: Proven,
): void {
  const session = createSession(forge, {
    accountId: account.id,
    address: request.ip ?? '',
    userAgent: request.get('user-agent') ?? '',
  });
  response.clearCookie(halfCookie, { path: '/' });
  response.cookie(sessionCookie, session.secret, {
    ...cookieOf(forge),
    expires: new Date(session.expiresAt),
  });
  const caller = { ...callerOf(response), account, credential };
  recordAudit(forge, caller, { action: 'session.create', subject: account.name });
}

const cookieOf = (forge: Forge) =>
  ({
    httpOnly: true,
    sameSite: 'lax',
    secure: forge.config.publicUrl?.startsWith('https:') ?? false,
    path: '/',
  }) as const;
