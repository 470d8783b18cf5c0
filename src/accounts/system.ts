import type { Forge } from '../forge/open.ts';
import type { Caller } from './model.ts';
import { findAccount, insertAccount } from './store.ts';

const systemName = 'pika-git';

/**
 * The forge itself as an actor: the operator's commands and the welcome repository act as it. Its account has no
 * key, token or link, so nobody can sign in as it.
 */
export function systemCaller(forge: Forge): Caller {
  const account =
    findAccount(forge.db, { name: systemName }) ??
    insertAccount(forge.db, {
      name: systemName,
      email: 'pika-git@forge.invalid',
      kind: 'system',
      role: 'admin',
      createdAt: forge.clock.now(),
    });
  return { account, scope: 'admin', credential: 'console', address: 'local' };
}
