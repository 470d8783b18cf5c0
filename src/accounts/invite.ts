// Invitations: a link that an admin gives to somebody, who makes an account of his own with it, once.
import type { Forge } from '../forge/open.ts';
import { publicOrigin } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { hashSecret, newSecret } from '../lib/secrets.ts';
import { addKey } from './add-key.ts';
import { recordAudit } from './audit.ts';
import { createAccount } from './create-account.ts';
import { requireAdmin } from './guard.ts';
import type { Account, AccountRole, Caller, Invitation } from './model.ts';
import {
  claimInvitation,
  expireInvitation,
  findInvitation,
  insertInvitation,
  listInvitations,
} from './store-invitations.ts';

const openMs = 7 * 24 * 60 * 60_000;
const maxOpen = 200;

/** Makes an invitation, good for a week; its link is shown once. Only for admins. */
export function createInvitation(
  forge: Forge,
  order: { caller: Caller; role: AccountRole; note: string },
): { id: number; link: string; expiresAt: number } {
  const admin = requireAdmin(order.caller);
  const now = forge.clock.now();
  if (listInvitations(forge.db, now).length >= maxOpen) {
    throw new ForgeError(
      'limited',
      `At most ${maxOpen} invitations are open at a time; take some back first.`,
    );
  }
  const secret = newSecret('invite');
  const note = order.note.trim().slice(0, 100);
  const expiresAt = now + openMs;
  const row = { hash: hashSecret(secret), role: order.role, note, createdBy: admin.id, now, expiresAt };
  const id = insertInvitation(forge.db, row);
  recordAudit(forge, order.caller, {
    action: 'invitation.create',
    subject: note || `invitation ${id}`,
    detail: { id, role: order.role },
  });
  return { id, link: `${publicOrigin(forge.config)}/join/${secret}`, expiresAt };
}

export const openInvitations = (forge: Forge): Invitation[] => listInvitations(forge.db, forge.clock.now());

export function revokeInvitation(forge: Forge, order: { caller: Caller; id: number }): void {
  requireAdmin(order.caller);
  if (!expireInvitation(forge.db, { id: order.id, now: forge.clock.now() })) {
    throw new ForgeError('not_found', `There is no open invitation ${order.id}; it was used, or is over.`);
  }
  recordAudit(forge, order.caller, { action: 'invitation.remove', subject: `invitation ${order.id}` });
}

/** What an invitation gives; refuses (`invalid`) a dead one with the way out. */
export function readInvitation(forge: Forge, secret: string): Invitation {
  const invitation = findInvitation(forge.db, { hash: hashSecret(secret), now: forge.clock.now() });
  if (invitation !== undefined) return invitation;
  throw new ForgeError(
    'invalid',
    'This invitation was used already, was taken back, has expired or was cut short. Ask an admin for a new one.',
  );
}

/** Makes the account and uses the invitation up; nothing is written when the name or the key is refused. */
export function acceptInvitation(
  forge: Forge,
  order: { secret: string; name: string; keyText?: string | undefined; address: string },
): Account {
  return forge.db.transaction(() => {
    const invitation = readInvitation(forge, order.secret);
    const account = createAccount(forge, { name: order.name, role: invitation.role });
    const keyText = order.keyText?.trim() ?? '';
    if (keyText !== '') addKey(forge, { accountId: account.id, text: keyText });
    claimInvitation(forge.db, { id: invitation.id, accountId: account.id, now: forge.clock.now() });
    const caller = {
      account,
      scope: 'admin',
      credential: `invitation ${invitation.id}`,
      address: order.address,
    } as const;
    recordAudit(forge, caller, {
      action: 'account.create',
      subject: account.name,
      detail: { role: account.role },
    });
    return account;
  });
}
