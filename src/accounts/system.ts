import type { Forge } from '../forge/open.ts';
import type { Account, Caller } from './model.ts';
import { findAccount, insertAccount } from './store.ts';

const systemName = 'pika-git';
// No account that somebody makes can be called so: it has a space.
const deployKeyName = 'deploy key';

/**
 * The forge itself as an actor: the operator's commands and the welcome repository act as it. Its account has no
 * key, token or link, so nobody can sign in as it.
 */
export function systemCaller(forge: Forge): Caller {
  const account = systemAccount(forge, systemName, 'admin');
  return { account, scope: 'admin', credential: 'console', address: 'local' };
}

/** The actor of every deploy key. It has no right anywhere: a key has its own, in its one repository. */
export const deployKeyAccount = (forge: Forge): Account => systemAccount(forge, deployKeyName, 'member');

const systemAccount = (forge: Forge, name: string, role: Account['role']): Account =>
  findAccount(forge.db, { name }) ??
  insertAccount(forge.db, {
    name,
    email: `${name.replace(' ', '-')}@forge.invalid`,
    kind: 'system',
    role,
    createdAt: forge.clock.now(),
  });
