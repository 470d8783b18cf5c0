// The signed event (NIP-98) that answers a challenge: proof that the caller holds a Nostr key.
import { publicOrigin, type Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { httpAuthKind, type NostrEvent } from '../lib/nostr-event.ts';
import { isGenuine } from '../lib/nostr.ts';
import { Challenges } from './challenges.ts';
import type { NostrChallenge } from './model.ts';

const windowMs = 60_000;
// A verification takes about 2 ms of the only thread; more proofs than this in one window are no people.
const challenges = new Challenges({ windowMs, maxUsed: 2000 });

/** What to sign, for a request to `path` of this forge's own origin within a minute. */
export function createNostrChallenge(forge: Forge, path: string): NostrChallenge {
  const { challenge, expiresAt } = challenges.create(forge, path);
  return {
    challenge,
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
  const problem = challenges.useUp(forge, onlyTag(event, 'challenge'), path);
  if (problem !== undefined) throw refusal(problem);
  if (!isGenuine(event)) throw refusal('its signature is not that of its key');
}

function onlyTag(event: NostrEvent, name: string): string {
  const values = event.tags.filter((tag) => tag[0] === name).map((tag) => tag[1]);
  const [value] = values;
  if (values.length === 1 && value !== undefined) return value;
  throw refusal(values.length === 0 ? `it has no tag "${name}"` : `it has more than one tag "${name}"`);
}

const refusal = (why: string): ForgeError =>
  new ForgeError('unauthenticated', `The signed event was refused: ${why}. Start the sign-in anew.`);
