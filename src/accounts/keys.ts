// The SSH keys of an account as somebody manages them: his own, or an admin those of an agent.
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { addKey } from './add-key.ts';
import { recordAudit } from './audit.ts';
import type { KeyView } from './credentials-model.ts';
import type { Account, Caller } from './model.ts';
import { deleteKey, listKeys } from './store.ts';
import { isoTime, isoTimeOrNull } from '../lib/iso-time.ts';

interface Order {
  caller: Caller;
  /** Whose keys they are. */
  account: Account;
}

export const keysOf = (forge: Forge, { id }: Account): KeyView[] =>
  listKeys(forge.db, id).map(({ accountId: _account, createdAt, lastUsedAt, ...key }) => ({
    ...key,
    createdAt: isoTime(createdAt),
    lastUsedAt: isoTimeOrNull(lastUsedAt),
  }));

/** Refuses as `addKey` does. */
export function addKeyOf(forge: Forge, order: Order & { text: string; label?: string | undefined }): KeyView {
  const { caller, account, text, label } = order;
  const named = label === undefined ? {} : { label };
  const { fingerprint } = addKey(forge, { accountId: account.id, text, ...named });
  recordAudit(forge, caller, { action: 'key.add', subject: account.name, detail: { fingerprint } });
  const added = keysOf(forge, account).find((key) => key.fingerprint === fingerprint);
  if (added === undefined) throw new Error('the new key is gone');
  return added;
}

export function removeKeyOf(forge: Forge, { caller, account, id }: Order & { id: number }): void {
  const gone = listKeys(forge.db, account.id).find((key) => key.id === id);
  if (gone === undefined || !deleteKey(forge.db, { id, accountId: account.id })) {
    throw new ForgeError('not_found', `${account.name} has no SSH key ${id}; it may be gone already.`);
  }
  const { fingerprint } = gone;
  recordAudit(forge, caller, { action: 'key.remove', subject: account.name, detail: { id, fingerprint } });
}
