// Challenges that somebody signs to prove a key. They are signed by the forge and not stored, so that asking for a
// million of them costs nothing; only those that were used are remembered, until they end.
import { createHmac, randomBytes } from 'node:crypto';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { isSameText } from '../lib/secrets.ts';

// A restart of the forge ends the challenges before it.
const key = randomBytes(32);

export class Challenges {
  readonly #windowMs: number;
  readonly #maxUsed: number;
  readonly #used = new Map<string, number>();

  constructor({ windowMs, maxUsed }: { windowMs: number; maxUsed: number }) {
    this.#windowMs = windowMs;
    this.#maxUsed = maxUsed;
  }

  /** A text that is good for `purpose` alone, until `expiresAt`. */
  create(forge: Forge, purpose: string): { challenge: string; expiresAt: number } {
    const expiresAt = forge.clock.now() + this.#windowMs;
    const text = `${expiresAt}.${randomBytes(16).toString('base64url')}`;
    return { challenge: `${text}.${signatureOf(text, purpose)}`, expiresAt };
  }

  /** Why it is not good, as the end of a sentence; undefined when it is, whether or not it was used. */
  problemOf(forge: Forge, challenge: string, purpose: string): string | undefined {
    const [end = '', nonce = '', signature = ''] = challenge.split('.', 3);
    const text = `${end}.${nonce}`;
    if (!isSameText(signature, signatureOf(text, purpose)) || challenge !== `${text}.${signature}`) {
      return 'it answers no challenge of this forge';
    }
    return Number(end) <= forge.clock.now() ? 'its challenge has expired' : undefined;
  }

  /** As `problemOf`, and uses it up: the next who comes with it is told so. Refuses (`unavailable`) too many at once. */
  useUp(forge: Forge, challenge: string, purpose: string): string | undefined {
    const problem = this.problemOf(forge, challenge, purpose);
    if (problem !== undefined) return problem;
    const [end = '', nonce = ''] = challenge.split('.', 2);
    const now = forge.clock.now();
    for (const [old, until] of this.#used) if (until <= now) this.#used.delete(old);
    if (this.#used.has(nonce)) return 'its challenge was used already';
    if (this.#used.size >= this.#maxUsed) {
      throw new ForgeError('unavailable', 'Too many sign-ins at once. Try again in a minute.');
    }
    this.#used.set(nonce, Number(end));
    return undefined;
  }
}

const signatureOf = (text: string, purpose: string): string =>
  createHmac('sha256', key).update(`${text} ${purpose}`).digest('base64url');
