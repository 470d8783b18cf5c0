// What the owner of an inbox does with it: reading and dismissing. Both are about the owner alone, so nobody else is told.
import { recordAudit } from '../accounts/audit.ts';
import { requireOwnAccount } from '../accounts/guard.ts';
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { listInbox } from './find.ts';
import { dismissItems, readItems } from './store.ts';

/** One after the other until a page is empty; more than this is not dismissed at once. */
const maxDismissed = 10_000;

/** Takes branches out of the caller's own inbox, or everything that is in it; answers how many were there. */
export function dismissEntries(
  forge: Forge,
  { caller, branches }: { caller: Caller; branches: readonly number[] | 'all' },
): number {
  const account = requireOwnAccount(caller, 'write');
  const branchIds =
    branches === 'all'
      ? listInbox(forge, caller, { limit: maxDismissed }).entries.map(({ branchId }) => branchId)
      : branches;
  const dismissed = forge.db.transaction(() => {
    const count = dismissItems(forge.db, { accountId: account.id, branchIds, now: forge.clock.now() });
    if (count > 0)
      recordAudit(forge, caller, { action: 'inbox.dismiss', subject: account.name, detail: { count } });
    return count;
  });
  if (dismissed > 0) forge.events.emit('inbox-changed', { accountIds: [account.id] });
  return dismissed;
}

/** Whoever opens the page of a branch has read what the inbox said of it. */
export function readBranch(forge: Forge, { caller, branchId }: { caller: Caller; branchId: number }): void {
  const { account } = caller;
  if (account === undefined) return;
  if (!readItems(forge.db, { accountId: account.id, branchId, now: forge.clock.now() })) return;
  forge.events.emit('inbox-changed', { accountIds: [account.id] });
}
