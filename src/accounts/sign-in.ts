// One-time links and what they become: a browser session or, for `ph`, a token.
import type { Forge } from '../forge/open.ts';
import { publicOrigin } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { hashSecret, newSecret } from '../lib/secrets.ts';
import { createAccount } from './create-account.ts';
import { createToken } from './create-token.ts';
import { getActiveAccount, hasAdmin } from './find.ts';
import type { Account } from './model.ts';
import { claimLink, expireAdminLinks, findLink, insertLink, insertSession } from './store.ts';

const minute = 60_000;
const linkMs = 5 * minute;
// The first link waits for the operator to come back from the console; no other account exists meanwhile.
const adminLinkMs = 24 * 60 * minute;
const day = 24 * 60 * minute;

/**
 * A link that signs in once, as `accountId`, within five minutes. Without an account it creates the first
 * admin: valid for a day, and only the newest one.
 */
export function createLoginLink(forge: Forge, request: { accountId?: number } = {}): string {
  const now = forge.clock.now();
  const secret = newSecret('login');
  forge.db.transaction(() => {
    if (request.accountId === undefined) expireAdminLinks(forge.db, now);
    insertLink(forge.db, {
      hash: hashSecret(secret),
      accountId: request.accountId ?? null,
      purpose: 'sign-in',
      now,
      expiresAt: now + (request.accountId === undefined ? adminLinkMs : linkMs),
    });
  });
  return `${publicOrigin(forge.config)}/login/${secret}`;
}

/** Whom a link would sign in: an account, `undefined` for the first admin; refuses (`invalid`) a dead link. */
export function readLoginLink(forge: Forge, secret: string): Account | undefined {
  const link = findLink(forge.db, { hash: hashSecret(secret), now: forge.clock.now() });
  if (link === undefined || (link.accountId === null && hasAdmin(forge))) {
    throw new ForgeError(
      'invalid',
      'This sign-in link was used already, has expired or was cut short. Get a new one with: ssh -p PORT git@HOST login',
    );
  }
  return link.accountId === null ? undefined : getActiveAccount(forge, link.accountId);
}

/** Uses the link up and answers whose it is; the first admin is created with `name`. */
export function redeemLoginLink(
  forge: Forge,
  request: { secret: string; name?: string | undefined },
): Account {
  return forge.db.transaction(() => {
    const existing = readLoginLink(forge, request.secret);
    const account = existing ?? createAccount(forge, { name: request.name ?? 'admin', role: 'admin' });
    claimLink(forge.db, { hash: hashSecret(request.secret), now: forge.clock.now() });
    return account;
  });
}

/** A new browser session; answers the secret for the cookie and when it ends. */
export function createSession(
  forge: Forge,
  request: { accountId: number; address: string; userAgent: string },
): { secret: string; expiresAt: number } {
  const now = forge.clock.now();
  const expiresAt = now + forge.config.limits.sessionDays * day;
  const secret = newSecret('session');
  insertSession(forge.db, {
    accountId: request.accountId,
    hash: hashSecret(secret),
    address: request.address,
    userAgent: request.userAgent.slice(0, 200),
    createdAt: now,
    expiresAt,
  });
  return { secret, expiresAt };
}

/** What `ph login --ssh` gets for a link: a write token of its own, which `ph logout` revokes. */
export function exchangeLinkForToken(forge: Forge, secret: string): { token: string; account: Account } {
  const account = redeemLoginLink(forge, { secret });
  return { token: createProgramToken(forge, account.id), account };
}

/** The write token of a `ph` that signed in, which ends with it: by `ph logout`, or as a browser's session would. */
export function createProgramToken(forge: Forge, accountId: number): string {
  const expiresAt = forge.clock.now() + forge.config.limits.sessionDays * day;
  return createToken(forge, { accountId, scope: 'write', label: 'ph', expiresAt });
}
