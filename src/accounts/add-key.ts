// Takes one OpenSSH public key line and nothing else: no options, no second line, no weak type.
import { createHash } from 'node:crypto';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { isKnownKey } from './known-key.ts';
import { insertKey, listKeys } from './store.ts';

const keyTypes = new Set([
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
]);
const maxKeyBytes = 8192;
const minRsaBits = 2048;

export interface PublicKey {
  algorithm: string;
  /** Base64 of the wire form, in its one canonical spelling. */
  blob: string;
  fingerprint: string;
  comment: string;
}

/** Parses a line such as `ssh-ed25519 AAAA… comment`; refuses (`invalid`) with what was wrong. */
export function parsePublicKey(text: string): PublicKey {
  const line = text.trim();
  if (line.length > maxKeyBytes) throw refusal('it is longer than any key');
  if (/[\r\n\0]/.test(line)) throw refusal('it has more than one line');
  if (line.includes('PRIVATE KEY'))
    throw refusal('that is a private key; keep it, and paste the file ending in .pub');
  const [algorithm = '', encoded = '', ...comment] = line.split(/[ \t]+/);
  if (!keyTypes.has(algorithm)) {
    throw refusal(`it must start with one of ${[...keyTypes].join(', ')}, without options before it`);
  }
  const wire = Buffer.from(encoded, 'base64');
  const blob = wire.toString('base64');
  if (blob.replace(/=+$/, '') !== encoded.replace(/=+$/, '')) throw refusal('its middle part is not base64');
  const fields = readFields(wire);
  if (fields?.[0]?.toString('latin1') !== algorithm) throw refusal('its type and its content do not agree');
  if (algorithm === 'ssh-rsa' && bitLength(fields[2]) < minRsaBits) {
    throw refusal(`an RSA key needs at least ${minRsaBits} bits; ssh-keygen -t ed25519 makes a good key`);
  }
  const digest = createHash('sha256').update(wire).digest('base64').replace(/=+$/, '');
  return { algorithm, blob, fingerprint: `SHA256:${digest}`, comment: comment.join(' ').slice(0, 100) };
}

/** Gives an account one more key. Refuses a malformed key (`invalid`), one in use (`conflict`) and too many (`limited`). */
export function addKey(
  forge: Forge,
  request: { accountId: number; text: string; label?: string },
): { fingerprint: string } {
  const key = parsePublicKey(request.text);
  refuseKnownKey(forge, key);
  const { maxKeysPerAccount } = forge.config.limits;
  if (listKeys(forge.db, request.accountId).length >= maxKeysPerAccount) {
    throw new ForgeError(
      'limited',
      `An account has at most ${maxKeysPerAccount} SSH keys; remove one first.`,
    );
  }
  insertKey(forge.db, {
    accountId: request.accountId,
    algorithm: key.algorithm,
    blob: key.blob,
    fingerprint: key.fingerprint,
    label: request.label?.trim().slice(0, 100) || key.comment || key.algorithm,
    createdAt: forge.clock.now(),
  });
  return { fingerprint: key.fingerprint };
}

/** A key signs in one account or opens one repository, so that who comes with it is never in doubt. */
export function refuseKnownKey(forge: Forge, key: { blob: string; fingerprint: string }): void {
  if (!isKnownKey(forge, key.blob)) return;
  throw new ForgeError(
    'conflict',
    `The key ${key.fingerprint} belongs to an account already, or to a repository as its deploy key. Remove it there, or make another one.`,
  );
}

const refusal = (why: string): ForgeError =>
  new ForgeError('invalid', `This is no SSH public key we take: ${why}.`);

/** The length-prefixed fields of an SSH wire string (RFC 4253, section 6.6), or undefined when they do not fit. */
function readFields(wire: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = [];
  for (let at = 0; at < wire.length;) {
    if (at + 4 > wire.length) return undefined;
    const end = at + 4 + wire.readUInt32BE(at);
    if (end > wire.length) return undefined;
    fields.push(wire.subarray(at + 4, end));
    at = end;
  }
  return fields.length >= 2 ? fields : undefined;
}

function bitLength(integer: Buffer | undefined): number {
  if (integer === undefined) return 0;
  const start = integer.findIndex((byte) => byte !== 0);
  return start < 0 ? 0 : (integer.length - start) * 8 - (Math.clz32(integer[start] ?? 0) - 24);
}
