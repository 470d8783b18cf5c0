import type { Forge } from '../forge/open.ts';
import { hashSecret, newSecret } from '../lib/secrets.ts';
import type { TokenScope } from './model.ts';
import { insertToken } from './store.ts';

/** Makes an API token and answers the secret, which is shown once and stored only as its hash. */
export function createToken(
  forge: Forge,
  request: { accountId: number; scope: TokenScope; label?: string; expiresAt?: number },
): string {
  const secret = newSecret('pika');
  insertToken(forge.db, {
    accountId: request.accountId,
    hash: hashSecret(secret),
    scope: request.scope,
    label: request.label?.trim().slice(0, 100) || 'token',
    createdAt: forge.clock.now(),
    expiresAt: request.expiresAt ?? null,
  });
  return secret;
}
