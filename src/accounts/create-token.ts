import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { hashSecret, newSecret } from '../lib/secrets.ts';
import type { TokenScope } from './model.ts';
import { insertToken, listTokens } from './store.ts';

export interface NewTokenOrder {
  accountId: number;
  scope: TokenScope;
  label?: string;
  expiresAt?: number | undefined;
  /** Good for this repository alone. */
  repoId?: number | undefined;
}

/**
 * Makes an API token and answers the secret, which is shown once and stored only as its hash. Refuses (`limited`) an
 * account that has too many.
 */
export const createToken = (forge: Forge, order: NewTokenOrder): string =>
  createTokenRow(forge, order).secret;

/** As `createToken`, with the number under which the token is listed. */
export function createTokenRow(forge: Forge, order: NewTokenOrder): { id: number; secret: string } {
  const now = forge.clock.now();
  const { maxTokensPerAccount } = forge.config.limits;
  const inUse = listTokens(forge.db, order.accountId).filter(
    ({ expiresAt }) => expiresAt === null || expiresAt > now,
  );
  if (inUse.length >= maxTokensPerAccount) {
    throw new ForgeError(
      'limited',
      `An account has at most ${maxTokensPerAccount} tokens; revoke some that are not used any more.`,
    );
  }
  const secret = newSecret('pika');
  const id = insertToken(forge.db, {
    accountId: order.accountId,
    hash: hashSecret(secret),
    scope: order.scope,
    repoId: order.repoId ?? null,
    label: order.label?.trim().slice(0, 100) || 'token',
    createdAt: now,
    expiresAt: order.expiresAt ?? null,
  });
  return { id, secret };
}
