// The Nostr keys of accounts: whom one signs in, adding one that its holder has proved, and those of the admins that
// the configuration names.
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import type { NostrEvent } from '../lib/nostr-event.ts';
import { npubOf, readPublicKey } from '../lib/nostr.ts';
import { recordAudit } from './audit.ts';
import { createAccount } from './create-account.ts';
import { findAccountByName, getActiveAccount } from './find.ts';
import type { Account, Caller, NostrKey } from './model.ts';
import { requireNostrProof } from './nostr-proof.ts';
import {
  deleteNostrKey,
  findNostrKey,
  insertNostrKey,
  listNostrKeys,
  stampLastUse,
  type NostrKeyRow,
} from './store.ts';
import { systemCaller } from './system.ts';

const maxKeys = 20;

/** The account whose key signed the event for a POST to `path`; refuses (`unauthenticated`) with the way out. */
export function signInWithNostr(forge: Forge, event: NostrEvent, path: string): Account {
  const row = findNostrKey(forge.db, event.pubkey);
  if (row === undefined) {
    // Said before the signature is looked at, which takes long: a stranger cannot keep the forge busy with it.
    throw new ForgeError(
      'unauthenticated',
      `The Nostr key ${npubOf(event.pubkey)} belongs to no account of this forge. Sign in another way and add it on your account page, or ask an admin for: pika-git account add NAME --npub ${npubOf(event.pubkey)}`,
    );
  }
  requireNostrProof(forge, event, path);
  stampLastUse(forge.db, 'nostr_keys', { id: row.id, now: forge.clock.now() });
  return getActiveAccount(forge, row.accountId);
}

/** Gives an account the key (hex). Refuses one that is in use (`conflict`), and more than twenty (`limited`). */
export function addNostrKey(
  forge: Forge,
  key: { accountId: number; publicKey: string; label?: string | undefined },
): NostrKey {
  const { accountId, publicKey } = key;
  if (findNostrKey(forge.db, publicKey) !== undefined) {
    throw new ForgeError('conflict', `The key ${npubOf(publicKey)} belongs to an account already.`);
  }
  if (listNostrKeys(forge.db, accountId).length >= maxKeys) {
    throw new ForgeError('limited', `An account has at most ${maxKeys} Nostr keys; remove one first.`);
  }
  const label = key.label?.trim().slice(0, 100) || 'Nostr key';
  const createdAt = forge.clock.now();
  const id = insertNostrKey(forge.db, { accountId, publicKey, label, createdAt });
  return { id, npub: npubOf(publicKey), label, createdAt, lastUsedAt: undefined };
}

export function removeNostrKey(
  forge: Forge,
  { caller, account, id }: { caller: Caller; account: Account; id: number },
): void {
  if (!deleteNostrKey(forge.db, { id, accountId: account.id })) {
    throw new ForgeError('not_found', `You have no Nostr key ${id}; it may be gone already.`);
  }
  recordAudit(forge, caller, { action: 'nostr-key.remove', subject: account.name, detail: { id } });
}

export const nostrKeysOf = (forge: Forge, accountId: number): NostrKey[] =>
  listNostrKeys(forge.db, accountId).map(keyOf);

/** A key that somebody typed, as hex; refuses (`invalid`) what is none. */
export function parseNpub(text: string): string {
  const publicKey = readPublicKey(text);
  if (publicKey !== undefined) return publicKey;
  const why = /^nsec1/i.test(text.trim())
    ? 'that is a secret key; keep it'
    : 'it is written npub1…, or as 64 hex digits';
  throw new ForgeError('invalid', `This is no public key of Nostr: ${why}.`);
}

/** Makes the admins that the configuration names. Refuses (`conflict`) a name that somebody else has. */
export function ensureAdmins(forge: Forge): void {
  for (const { name, npub } of forge.config.admins) {
    const publicKey = parseNpub(npub);
    if (findNostrKey(forge.db, publicKey) !== undefined) continue;
    forge.db.transaction(() => {
      const existing = findAccountByName(forge, name);
      if (existing !== undefined && existing.role !== 'admin') {
        throw new ForgeError(
          'conflict',
          `Configuration: admins names "${name}", which is the account of a member. Choose another name.`,
        );
      }
      const account = existing ?? createAccount(forge, { name, role: 'admin' });
      addNostrKey(forge, { accountId: account.id, publicKey, label: 'from the configuration' });
      recordAudit(forge, systemCaller(forge), {
        action: existing === undefined ? 'account.create' : 'nostr-key.add',
        subject: name,
        detail: { npub: npubOf(publicKey), from: 'configuration' },
      });
    });
  }
}

const keyOf = ({ id, publicKey, label, createdAt, lastUsedAt }: NostrKeyRow): NostrKey => ({
  id,
  npub: npubOf(publicKey),
  label,
  createdAt,
  lastUsedAt: lastUsedAt ?? undefined,
});
