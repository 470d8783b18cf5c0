// One-time links and what they become: a browser session or, for `ph`, a token.
import type { Forge } from '../forge/open.ts';
import { publicOrigin } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { hashSecret, newSecret } from '../lib/secrets.ts';
import { recordAudit } from './audit.ts';
import { createAccount } from './create-account.ts';
import { createToken } from './create-token.ts';
import { getActiveAccount, hasAdmin } from './find.ts';
import type { Account, TokenScope } from './model.ts';
import {
  claimLink,
  deleteOtherSessions,
  deleteSession,
  expireAdminLinks,
  findLink,
  insertLink,
  insertSession,
  listSessions,
  setSecondFactor,
  type LinkRow,
} from './store.ts';

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
  const { accountId } = findLiveLink(forge, secret);
  return accountId === null ? undefined : getActiveAccount(forge, accountId);
}

/** Whether a link is for somebody who lost his passkeys. */
export const isRecoveryLink = (forge: Forge, secret: string): boolean =>
  findLiveLink(forge, secret).purpose === 'recovery';

function findLiveLink(forge: Forge, secret: string): LinkRow {
  const link = findLink(forge.db, { hash: hashSecret(secret), now: forge.clock.now() });
  if (link === undefined || (link.accountId === null && hasAdmin(forge))) {
    throw new ForgeError(
      'invalid',
      'This sign-in link was used already, has expired or was cut short. Get a new one with: ssh -p PORT git@HOST login',
    );
  }
  return link;
}

/**
 * Uses the link up and answers whose it is; the first admin is created with `name`. A recovery link also ends the
 * sessions of the account and its second factor, for who asked for it has lost the things that they are on.
 */
export function redeemLoginLink(
  forge: Forge,
  request: { secret: string; name?: string | undefined; address?: string },
): Account {
  return forge.db.transaction(() => {
    const existing = readLoginLink(forge, request.secret);
    const isRecovery = isRecoveryLink(forge, request.secret);
    const account = existing ?? createAccount(forge, { name: request.name ?? 'admin', role: 'admin' });
    claimLink(forge.db, { hash: hashSecret(request.secret), now: forge.clock.now() });
    return isRecovery ? recover(forge, account, request.address ?? '') : account;
  });
}

function recover(forge: Forge, account: Account, address: string): Account {
  const ended = deleteOtherSessions(forge.db, { accountId: account.id, keepId: 0 });
  setSecondFactor(forge.db, { id: account.id, at: null });
  const caller = { account, scope: 'admin', credential: 'recovery link', address } as const;
  recordAudit(forge, caller, {
    action: 'account.recover',
    subject: account.name,
    detail: { endedSessions: ended, hadSecondFactor: account.secondFactorSince !== undefined },
  });
  return { ...account, secondFactorSince: undefined };
}

/** A new browser session; answers the secret for the cookie and when it ends. */
export function createSession(
  forge: Forge,
  request: { accountId: number; address: string; userAgent: string },
): { secret: string; expiresAt: number } {
  const now = forge.clock.now();
  const expiresAt = now + forge.config.limits.sessionDays * day;
  const secret = newSecret('session');
  const { maxSessionsPerAccount } = forge.config.limits;
  const open = listSessions(forge.db, { accountId: request.accountId, now });
  // Who signs in is never refused for the sessions that he forgot: the oldest of them end.
  for (const old of open.slice(maxSessionsPerAccount - 1)) deleteSession(forge.db, old);
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

/** What `ph login --ssh` gets for a link: a token of its own, which `ph logout` revokes. */
export function exchangeLinkForToken(
  forge: Forge,
  secret: string,
  scope: TokenScope = 'write',
): { token: string; account: Account } {
  return forge.db.transaction(() => {
    const existing = readLoginLink(forge, secret);
    if (existing !== undefined) refuseSecondFactor(existing);
    const account = redeemLoginLink(forge, { secret });
    return { token: createProgramToken(forge, account.id, scope), account };
  });
}

/** Refuses (`forbidden`) a program that signs in alone as somebody who must show a passkey as well. */
export function refuseSecondFactor(account: Account): void {
  if (account.secondFactorSince === undefined) return;
  throw new ForgeError(
    'forbidden',
    `"${account.name}" signs in with a passkey as well, which only a browser can ask for. Use: ph login --web`,
  );
}

/** The token of a `ph` that signed in, which ends with it: by `ph logout`, or as a browser's session would. */
export function createProgramToken(forge: Forge, accountId: number, scope: TokenScope = 'write'): string {
  const expiresAt = forge.clock.now() + forge.config.limits.sessionDays * day;
  return createToken(forge, { accountId, scope, label: 'ph', expiresAt });
}
