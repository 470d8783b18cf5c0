// The secrets in links of mails. They are made from the forge's key and what they are good for, so that none is stored: a
// copy of the database holds no link that works.
import { createHmac } from 'node:crypto';
import { readSealKey } from '../lib/seal.ts';
import type { Forge } from '../forge/open.ts';
import { isSameText } from '../lib/secrets.ts';
import type { MailChoice } from './model.ts';
import { findChoice } from './store.ts';

type Purpose = 'confirm' | 'stop';

/** Bound to the address; a link to confirm is also bound to the moment of its asking, so that a newer one replaces it. */
export function secretOf(forge: Forge, purpose: Purpose, choice: MailChoice): string {
  const { accountId, address, askedAt } = choice;
  const bound = [purpose, accountId, address, ...(purpose === 'confirm' ? [askedAt] : [])].join('\n');
  const sum = createHmac('sha256', readSealKey(forge.config.paths.keys)).update(`mail\n${bound}`);
  return `${accountId}-${sum.digest('base64url')}`;
}

/** The choice that a secret was made for; undefined when it is wrong or belongs to an address of the past. */
export function choiceBySecret(forge: Forge, purpose: Purpose, secret: string): MailChoice | undefined {
  const accountId = Number(/^(\d{1,15})-/.exec(secret)?.[1] ?? Number.NaN);
  const choice = Number.isSafeInteger(accountId) ? findChoice(forge.db, accountId) : undefined;
  if (choice === undefined || !isSameText(secret, secretOf(forge, purpose, choice))) return undefined;
  return choice;
}
