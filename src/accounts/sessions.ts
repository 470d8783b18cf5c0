// The browser sessions of an account: which there are, and ending them.
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { recordAudit } from './audit.ts';
import type { SessionView } from './credentials-model.ts';
import { requireOwnAccount } from './guard.ts';
import type { Account, Caller } from './model.ts';
import { deleteOtherSessions, deleteSession, listSessions } from './store.ts';
import { isoTime } from '../lib/iso-time.ts';

interface Order {
  caller: Caller;
  account: Account;
}

/** Those that still work, newest first. */
export const sessionsOf = (forge: Forge, { caller, account }: Order): SessionView[] =>
  listSessions(forge.db, { accountId: account.id, now: forge.clock.now() }).map((session) => ({
    id: session.id,
    address: session.address,
    userAgent: session.userAgent,
    createdAt: isoTime(session.createdAt),
    lastUsedAt: isoTime(session.lastUsedAt),
    expiresAt: isoTime(session.expiresAt),
    isCurrent: session.id === sessionIdOf(caller),
  }));

export function endSession(forge: Forge, { caller, account, id }: Order & { id: number }): void {
  if (!deleteSession(forge.db, { id, accountId: account.id })) {
    throw new ForgeError('not_found', `You have no session ${id}; it may be over already.`);
  }
  recordAudit(forge, caller, { action: 'session.remove', subject: account.name, detail: { id } });
}

/** Ends every session but the one that asks; answers how many. */
export function endOtherSessions(forge: Forge, caller: Caller): number {
  const account = requireOwnAccount(caller, 'admin');
  const keepId = sessionIdOf(caller) ?? 0;
  const ended = deleteOtherSessions(forge.db, { accountId: account.id, keepId });
  recordAudit(forge, caller, { action: 'session.remove', subject: account.name, detail: { ended } });
  return ended;
}

/** The session of a caller who came with one. */
export function sessionIdOf({ credential }: Caller): number | undefined {
  const number = /^session (\d+)$/.exec(credential)?.[1];
  return number === undefined ? undefined : Number(number);
}
