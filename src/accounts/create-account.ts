import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { accountName, type Account, type AccountRole } from './model.ts';
import { findAccount, insertAccount } from './store.ts';

export interface NewAccount {
  name: string;
  role: AccountRole;
  /** Stands in the commits the forge makes for this account; by default `name@` the forge's host. */
  email?: string;
  kind?: Account['kind'];
}

/** Makes an account. Refuses a bad name (`invalid`) and one that is taken (`conflict`). */
export function createAccount(forge: Forge, request: NewAccount): Account {
  const name = accountName.safeParse(request.name);
  if (!name.success) {
    throw new ForgeError(
      'invalid',
      `"${request.name}" is no account name: ${name.error.issues[0]?.message}.`,
    );
  }
  if (findAccount(forge.db, { name: name.data }) !== undefined) {
    throw new ForgeError('conflict', `The account "${name.data}" exists already; choose another name.`);
  }
  return insertAccount(forge.db, {
    name: name.data,
    email: request.email ?? `${name.data.toLowerCase()}@${mailHost(forge)}`,
    kind: request.kind ?? 'person',
    role: request.role,
    createdAt: forge.clock.now(),
  });
}

function mailHost(forge: Forge): string {
  const { publicUrl } = forge.config;
  return publicUrl === undefined ? 'forge.invalid' : new URL(publicUrl).hostname;
}
