// The way back for somebody who lost every key and passkey: an admin gives a link that signs in without them, once.
import type { Forge } from '../forge/open.ts';
import { publicOrigin } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { hashSecret, newSecret } from '../lib/secrets.ts';
import { recordAudit } from './audit.ts';
import { getAccountByName, getActiveAccount } from './find.ts';
import { requireAdmin } from './guard.ts';
import type { Caller } from './model.ts';
import { expireRecoveryLinks, insertLink } from './store.ts';

const openMs = 24 * 60 * 60_000;

/** Good once, for a day; the newest of an account alone. Only for admins, and for people's accounts. */
export function createRecoveryLink(
  forge: Forge,
  order: { caller: Caller; name: string },
): { link: string; expiresAt: number } {
  requireAdmin(order.caller);
  const { id, name, kind } = getAccountByName(forge, order.name);
  if (kind !== 'person') {
    throw new ForgeError('invalid', `"${name}" is no person, and signs in with no browser.`);
  }
  getActiveAccount(forge, id);
  const now = forge.clock.now();
  const expiresAt = now + openMs;
  const secret = newSecret('recover');
  forge.db.transaction(() => {
    expireRecoveryLinks(forge.db, { accountId: id, now });
    insertLink(forge.db, { hash: hashSecret(secret), accountId: id, purpose: 'recovery', now, expiresAt });
    recordAudit(forge, order.caller, { action: 'account.recovery-link', subject: name });
  });
  return { link: `${publicOrigin(forge.config)}/login/${secret}`, expiresAt };
}
