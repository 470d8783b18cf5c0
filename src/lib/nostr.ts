// Keys and events of Nostr: ids and signatures as NIP-01 and BIP-340 define them, and keys as people write them
// (NIP-19). Shared by the forge, which verifies, and by `ph`, which signs.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { hashes, schnorr } from '@noble/secp256k1';
import { bech32 } from '@scure/base';
import type { EventTemplate, NostrEvent } from './nostr-event.ts';

hashes.sha256 = (message) => new Uint8Array(createHash('sha256').update(message).digest());
hashes.hmacSha256 = (key, message) => new Uint8Array(createHmac('sha256', key).update(message).digest());

/** SHA-256 over the one serialisation that NIP-01 allows; hex. */
export function eventId(event: EventTemplate & Pick<NostrEvent, 'pubkey'>): string {
  const { pubkey, created_at, kind, tags, content } = event;
  return createHash('sha256')
    .update(JSON.stringify([0, pubkey, created_at, kind, tags, content]))
    .digest('hex');
}

/** Whether the id is that of the content, and the signature that of the key over the id. */
export function isGenuine(event: NostrEvent): boolean {
  return (
    eventId(event) === event.id &&
    verifySchnorr({ signature: event.sig, message: event.id, publicKey: event.pubkey })
  );
}

/** BIP-340, all in hex; what is malformed is not verified. About 2 ms. */
export function verifySchnorr(claim: { signature: string; message: string; publicKey: string }): boolean {
  try {
    return schnorr.verify(bytesOf(claim.signature), bytesOf(claim.message), bytesOf(claim.publicKey));
  } catch {
    return false;
  }
}

/** Signs an event with a secret key of 32 bytes. */
export function signEvent(secretKey: Uint8Array, template: EventTemplate): NostrEvent {
  const pubkey = publicKeyOf(secretKey);
  const id = eventId({ ...template, pubkey });
  const signature = schnorr.sign(bytesOf(id), secretKey, randomBytes(32));
  return { ...template, pubkey, id, sig: hexOf(signature) };
}

/** The x-only public key, in hex. */
export const publicKeyOf = (secretKey: Uint8Array): string => hexOf(schnorr.getPublicKey(secretKey));

/** `npub1…` of a public key in hex. */
export const npubOf = (publicKey: string): string =>
  bech32.encode('npub', bech32.toWords(bytesOf(publicKey)));

/** A public key in hex, from `npub1…` or hex; undefined when the text is neither. */
export function readPublicKey(text: string): string | undefined {
  const bytes = readKeyText(text.trim(), 'npub');
  return bytes === undefined ? undefined : hexOf(bytes);
}

/** A secret key, from `nsec1…` or hex; undefined when the text is neither, or no key of the curve. */
export function readSecretKey(text: string): Uint8Array | undefined {
  const bytes = readKeyText(text.trim(), 'nsec');
  if (bytes === undefined) return undefined;
  try {
    publicKeyOf(bytes);
    return bytes;
  } catch {
    return undefined;
  }
}

function readKeyText(text: string, prefix: 'npub' | 'nsec'): Uint8Array | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return bytesOf(text);
  if (!text.toLowerCase().startsWith(`${prefix}1`)) return undefined;
  try {
    const decoded = bech32.decode(text as `${string}1${string}`);
    const bytes = bech32.fromWords(decoded.words);
    return decoded.prefix === prefix && bytes.length === 32 ? bytes : undefined;
  } catch {
    return undefined;
  }
}

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
