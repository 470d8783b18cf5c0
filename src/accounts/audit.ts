import type { Forge } from '../forge/open.ts';
import type { Caller } from './model.ts';
import { insertAudit, listAudit, type AuditRow } from './store.ts';

/** One row for every write: who, with what, from where, did what to what. Never put a secret in `detail`. */
export function recordAudit(
  forge: Forge,
  caller: Caller,
  entry: { action: string; subject: string; detail?: Record<string, unknown> },
): void {
  insertAudit(forge.db, {
    at: forge.clock.now(),
    accountId: caller.account?.id ?? null,
    credential: caller.credential,
    address: caller.address,
    action: entry.action,
    subject: entry.subject,
    detail: JSON.stringify(entry.detail ?? {}),
  });
}

/** The newest entries of the audit log, with the account's name where there is one. */
export const recentAudit = (forge: Forge, limit: number): (AuditRow & { account: string | null })[] =>
  listAudit(forge.db, limit);
