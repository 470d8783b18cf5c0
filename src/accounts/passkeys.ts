// The passkeys of an account: adding, naming and removing them, and whether one is asked for at every sign-in.
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { recordAudit } from './audit.ts';
import type { PasskeyRegistration, PasskeyView } from './credentials-model.ts';
import type { Account, Caller } from './model.ts';
import { verifyRegistration } from './passkey-proof.ts';
import { setSecondFactor } from './store.ts';
import {
  deletePasskey,
  findPasskey,
  insertPasskey,
  listPasskeyRows,
  renamePasskeyRow,
  type PasskeyRow,
} from './store-passkeys.ts';
import { isoTime, isoTimeOrNull } from '../lib/iso-time.ts';

interface Order {
  caller: Caller;
  account: Account;
}

export const passkeysOf = (forge: Forge, { id }: Account): PasskeyView[] =>
  listPasskeyRows(forge.db, id).map(viewOf);

/** Refuses (`invalid`) what does not answer our challenge, and (`conflict`, `limited`) one too many. */
export async function addPasskey(
  forge: Forge,
  order: Order & { credential: PasskeyRegistration; label?: string | undefined },
): Promise<PasskeyView> {
  const { caller, account, credential } = order;
  const { maxPasskeysPerAccount } = forge.config.limits;
  if (listPasskeyRows(forge.db, account.id).length >= maxPasskeysPerAccount) {
    throw new ForgeError(
      'limited',
      `An account has at most ${maxPasskeysPerAccount} passkeys; remove one first.`,
    );
  }
  const made = await verifyRegistration(forge, account, credential);
  if (findPasskey(forge.db, made.id) !== undefined) {
    throw new ForgeError('conflict', 'This passkey belongs to an account already.');
  }
  const createdAt = forge.clock.now();
  const label = order.label ?? `Passkey of ${new Date(createdAt).toISOString().slice(0, 10)}`;
  const row = {
    accountId: account.id,
    credentialId: made.id,
    publicKey: Buffer.from(made.publicKey).toString('base64url'),
    counter: made.counter,
    transports: JSON.stringify(credential.response.transports),
    label,
    createdAt,
  };
  const id = insertPasskey(forge.db, row);
  recordAudit(forge, caller, { action: 'passkey.add', subject: account.name, detail: { id, label } });
  return viewOf({ ...row, id, lastUsedAt: null });
}

export function renamePasskey(forge: Forge, order: Order & { id: number; label: string }): PasskeyView {
  const { caller, account, id, label } = order;
  if (!renamePasskeyRow(forge.db, { id, accountId: account.id, label })) throw noSuch(id);
  recordAudit(forge, caller, { action: 'passkey.rename', subject: account.name, detail: { id, label } });
  const renamed = passkeysOf(forge, account).find((passkey) => passkey.id === id);
  if (renamed === undefined) throw noSuch(id);
  return renamed;
}

/** With the last one the second factor ends, which nobody could give any more. */
export function removePasskey(forge: Forge, { caller, account, id }: Order & { id: number }): void {
  forge.db.transaction(() => {
    if (!deletePasskey(forge.db, { id, accountId: account.id })) throw noSuch(id);
    recordAudit(forge, caller, { action: 'passkey.remove', subject: account.name, detail: { id } });
    if (account.secondFactorSince === undefined || passkeysOf(forge, account).length > 0) return;
    setSecondFactor(forge.db, { id: account.id, at: null });
    recordAudit(forge, caller, { action: 'second-factor.off', subject: account.name });
  });
}

/** Whether a browser that signs in otherwise must show a passkey as well; refuses (`conflict`) who has none. */
export function requirePasskeys(
  forge: Forge,
  { caller, account, required }: Order & { required: boolean },
): Account {
  if (required && passkeysOf(forge, account).length === 0) {
    throw new ForgeError('conflict', 'Add a passkey first; without one nobody could sign in any more.');
  }
  if (required === (account.secondFactorSince !== undefined)) return account;
  const at = required ? forge.clock.now() : undefined;
  setSecondFactor(forge.db, { id: account.id, at: at ?? null });
  const action = required ? 'second-factor.on' : 'second-factor.off';
  recordAudit(forge, caller, { action, subject: account.name });
  return { ...account, secondFactorSince: at };
}

const noSuch = (id: number): ForgeError =>
  new ForgeError('not_found', `You have no passkey ${id}; it may be gone already.`);

const viewOf = ({ id, label, createdAt, lastUsedAt }: PasskeyRow): PasskeyView => ({
  id,
  label,
  createdAt: isoTime(createdAt),
  lastUsedAt: isoTimeOrNull(lastUsedAt),
});
