// Who somebody is: by name, by id, by token, by SSH key.
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { hashSecret } from '../lib/secrets.ts';
import { findDeployKeyCaller } from './deploy-key-caller.ts';
import type { Account, Caller } from './model.ts';
import {
  countAdmins,
  findAccount,
  findActiveAccount,
  findKeyByBlob,
  findToken,
  listAccountRows,
  stampLastUse,
} from './store.ts';

export const findAccountByName = (forge: Forge, name: string): Account | undefined =>
  findAccount(forge.db, { name });

export function getAccount(forge: Forge, id: number): Account {
  const account = findAccount(forge.db, { id });
  if (account === undefined) throw new ForgeError('not_found', `There is no account with id ${id}.`);
  return account;
}

/** The account that signs in by a link or a proof; refuses (`forbidden`) a disabled one. */
export function getActiveAccount(forge: Forge, id: number): Account {
  const account = getAccount(forge, id);
  if (account.disabledAt === undefined) return account;
  throw new ForgeError('forbidden', `The account "${account.name}" is disabled. Ask an admin of this forge.`);
}

/** The named account, or a refusal (`not_found`) that says how to make one. */
export function getAccountByName(forge: Forge, name: string): Account {
  const account = findAccountByName(forge, name);
  if (account === undefined) {
    throw new ForgeError(
      'not_found',
      `There is no account "${name}"; make it with: pika-git account add NAME`,
    );
  }
  return account;
}

export const listAccounts = (forge: Forge): Account[] => listAccountRows(forge.db);

/** Whether anybody can administer the forge; until then the start prints a one-time link. */
export const hasAdmin = (forge: Forge): boolean => countAdmins(forge.db) > 0;

/** The caller behind an API token, or undefined when it is unknown, revoked or expired. */
export function findCallerByToken(forge: Forge, secret: string, address: string): Caller | undefined {
  const now = forge.clock.now();
  const token = findToken(forge.db, { hash: hashSecret(secret), now });
  if (token === undefined) return undefined;
  const account = findActiveAccount(forge.db, token.accountId);
  if (account === undefined) return undefined;
  stampLastUse(forge.db, 'tokens', { id: token.id, now });
  const onlyRepo = token.repoId === null ? {} : { onlyRepo: { id: token.repoId } };
  return { account, scope: token.scope, credential: `token ${token.id}`, address, ...onlyRepo };
}

/**
 * The caller who proved to hold the key, an account's or a repository's; `blob` is the base64 of the wire form in an
 * OpenSSH public key line.
 */
export function findCallerByKey(forge: Forge, key: { blob: string; address: string }): Caller | undefined {
  const row = findKeyByBlob(forge.db, key.blob);
  if (row === undefined) return findDeployKeyCaller(forge, { blob: key.blob }, key.address);
  const account = findActiveAccount(forge.db, row.accountId);
  if (account === undefined) return undefined;
  stampLastUse(forge.db, 'ssh_keys', { id: row.id, now: forge.clock.now() });
  return { account, scope: 'admin', credential: `key ${row.fingerprint}`, address: key.address };
}
