// What admins do to accounts: another role, disabling, and agents with their tokens.
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { recordAudit } from './audit.ts';
import { createAccount } from './create-account.ts';
import { createToken } from './create-token.ts';
import { getAccountByName } from './find.ts';
import type { Account, AccountRole, Caller, TokenScope } from './model.ts';
import { requireAdmin } from './guard.ts';
import { countAdmins, setDisabled, setRole } from './store.ts';

interface Order {
  caller: Caller;
  name: string;
}

export function changeRole(forge: Forge, order: Order & { role: AccountRole }): Account {
  requireAdmin(order.caller);
  return forge.db.transaction(() => {
    const account = managed(forge, order.name);
    if (account.role === order.role) return account;
    if (account.kind === 'agent' && order.role === 'admin') {
      throw new ForgeError('invalid', `"${account.name}" is an agent, and agents are no admins.`);
    }
    if (order.role === 'member') keepAnAdmin(forge, account);
    setRole(forge.db, { id: account.id, role: order.role });
    recordAudit(forge, order.caller, {
      action: 'account.role',
      subject: account.name,
      detail: { role: order.role },
    });
    return { ...account, role: order.role };
  });
}

/** A disabled account keeps its name and its history, and none of its keys, tokens and sessions works. */
export function disableAccount(forge: Forge, order: Order & { disabled: boolean }): Account {
  const admin = requireAdmin(order.caller);
  return forge.db.transaction(() => {
    const account = managed(forge, order.name);
    if (order.disabled && account.id === admin.id) {
      throw new ForgeError('conflict', 'You cannot disable the account you are signed in with.');
    }
    if (order.disabled) keepAnAdmin(forge, account);
    const at = order.disabled ? forge.clock.now() : undefined;
    setDisabled(forge.db, { id: account.id, at: at ?? null });
    const action = order.disabled ? 'account.disable' : 'account.enable';
    recordAudit(forge, order.caller, { action, subject: account.name });
    return { ...account, disabledAt: at };
  });
}

/** An account for a coding agent, with its first token, which is shown once. */
export function createAgent(
  forge: Forge,
  order: Order & { scope: Exclude<TokenScope, 'admin'> },
): { account: Account; token: string } {
  requireAdmin(order.caller);
  return forge.db.transaction(() => {
    const account = createAccount(forge, { name: order.name, role: 'member', kind: 'agent' });
    const token = createToken(forge, { accountId: account.id, scope: order.scope, label: 'agent' });
    recordAudit(forge, order.caller, {
      action: 'account.create',
      subject: account.name,
      detail: { kind: 'agent', scope: order.scope },
    });
    return { account, token };
  });
}

/** The agent of that name, for an admin who manages its credentials. */
export function getAgent(forge: Forge, name: string): Account {
  const account = getAccountByName(forge, name);
  if (account.kind === 'agent') return account;
  throw new ForgeError(
    'invalid',
    `"${account.name}" is no agent: people manage their keys and tokens themselves.`,
  );
}

function managed(forge: Forge, name: string): Account {
  const account = getAccountByName(forge, name);
  if (account.kind !== 'system') return account;
  throw new ForgeError('invalid', `"${account.name}" is the forge itself; it cannot be changed.`);
}

function keepAnAdmin(forge: Forge, account: Account): void {
  const isActive = account.role === 'admin' && account.disabledAt === undefined;
  if (!isActive || countAdmins(forge.db) > 1) return;
  throw new ForgeError(
    'conflict',
    `"${account.name}" is the only admin. Make another account an admin first.`,
  );
}
