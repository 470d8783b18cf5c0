// A challenge, and the signed event (NIP-98) that answers it: proof that the caller holds a Nostr key. A challenge is
// signed and not stored, so that asking for a million of them costs nothing; only those that were used are remembered.
import { createHmac, randomBytes } from 'node:crypto';
import { publicOrigin, type Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { httpAuthKind, type NostrEvent } from '../lib/nostr-event.ts';
import { isGenuine } from '../lib/nostr.ts';
import { isSameText } from '../lib/secrets.ts';
import type { NostrChallenge } from './model.ts';

const windowMs = 60_000;
// A verification takes about 2 ms of the only thread; more proofs than this in one window are no people.
const maxUsed = 2000;

// A restart of the forge ends the challenges of the minute before it.
const key = randomBytes(32);
const used = new Map<string, number>();

/** What to sign, for a request to `path` of this forge's own origin within a minute. */
export function createNostrChallenge(forge: Forge, path: string): NostrChallenge {
  const expiresAt = forge.clock.now() + windowMs;
  const text = `${expiresAt}.${randomBytes(16).toString('base64url')}`;
  return {
    challenge: `${text}.${signatureOf(text, path)}`,
    url: `${publicOrigin(forge.config)}${path}`,
    method: 'POST',
    kind: httpAuthKind,
    expiresAt: new Date(expiresAt).toISOString(),
  };
}

/**
 * Refuses (`unauthenticated`) an event that does not prove its public key for a POST to `path` now. Each challenge is good
 * once; it is used up by the first proof whose signature was looked at, whatever came of that.
 */
export function requireNostrProof(forge: Forge, event: NostrEvent, path: string): void {
  const now = forge.clock.now();
  if (event.kind !== httpAuthKind) throw refusal(`its kind is ${event.kind} and not ${httpAuthKind}`);
  const url = `${publicOrigin(forge.config)}${path}`;
  const given = onlyTag(event, 'u');
  if (given !== url) throw refusal(`it is for ${given} and not for ${url}`);
  const method = onlyTag(event, 'method');
  if (method !== 'POST') throw refusal(`it is for the method ${method} and not for POST`);
  const skew = Math.abs(event.created_at * 1000 - now);
  if (skew > windowMs) {
    throw refusal('it was made more than a minute from now; is the clock of your computer right?');
  }
  useUp(onlyTag(event, 'challenge'), { path, now });
  if (!isGenuine(event)) throw refusal('its signature is not that of its key');
}

function useUp(challenge: string, { path, now }: { path: string; now: number }): void {
  const [end = '', nonce = '', signature = ''] = challenge.split('.', 3);
  const text = `${end}.${nonce}`;
  if (!isSameText(signature, signatureOf(text, path)) || challenge !== `${text}.${signature}`) {
    throw refusal('it answers no challenge of this forge');
  }
  if (Number(end) <= now) throw refusal('its challenge has expired');
  for (const [old, until] of used) if (until <= now) used.delete(old);
  if (used.has(nonce)) throw refusal('its challenge was used already');
  if (used.size >= maxUsed) {
    throw new ForgeError('unavailable', 'Too many sign-ins with Nostr at once. Try again in a minute.');
  }
  used.set(nonce, Number(end));
}

function onlyTag(event: NostrEvent, name: string): string {
  const values = event.tags.filter((tag) => tag[0] === name).map((tag) => tag[1]);
  const [value] = values;
  if (values.length === 1 && value !== undefined) return value;
  throw refusal(values.length === 0 ? `it has no tag "${name}"` : `it has more than one tag "${name}"`);
}

const signatureOf = (text: string, path: string): string =>
  createHmac('sha256', key).update(`${text} ${path}`).digest('base64url');

const refusal = (why: string): ForgeError =>
  new ForgeError('unauthenticated', `The signed event was refused: ${why}. Start the sign-in anew.`);
