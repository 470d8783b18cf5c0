// Signatures of FIDO security keys (OpenSSH's PROTOCOL.u2f), which the ssh2 library does not know. The key signs a hash
// of what was to be signed together with its application, its flags and a counter.
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';

export const securityKeyTypes = ['sk-ssh-ed25519@openssh.com', 'sk-ecdsa-sha2-nistp256@openssh.com'] as const;
type SecurityKeyType = (typeof securityKeyTypes)[number];

const userWasPresent = 0x01;
const trailerBytes = 5;
const scalarBytes = 32;

export const isSecurityKey = (algorithm: string): algorithm is SecurityKeyType =>
  securityKeyTypes.some((type) => type === algorithm);

/**
 * Whether the holder of the key touched it to sign `blob`. `key` is the public key's wire form; `signature` is as the
 * library hands it on: without the name of the algorithm and the length behind it.
 */
export function isSignedBySecurityKey(signed: { key: Buffer; signature: Buffer; blob: Buffer }): boolean {
  const { key, signature, blob } = signed;
  const parsed = parseKey(key);
  const trailer = signature.subarray(-trailerBytes);
  if (parsed === undefined || trailer.length < trailerBytes) return false;
  if (((trailer[0] ?? 0) & userWasPresent) === 0) return false;
  const message = Buffer.concat([sha256(parsed.application), trailer, sha256(blob)]);
  const raw = signature.subarray(0, -trailerBytes);
  if (parsed.type === 'sk-ssh-ed25519@openssh.com') {
    return raw.length === 64 && verify(null, message, parsed.key, raw);
  }
  const scalars = readStrings(raw);
  const [r, s] = (scalars ?? []).map(fixedScalar);
  if (scalars?.length !== 2 || r === undefined || s === undefined) return false;
  return verify('sha256', message, { key: parsed.key, dsaEncoding: 'ieee-p1363' }, Buffer.concat([r, s]));
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

function parseKey(wire: Buffer): { type: SecurityKeyType; key: KeyObject; application: Buffer } | undefined {
  const fields = readStrings(wire);
  const [name, ...rest] = fields ?? [];
  const type = name?.toString('latin1') ?? '';
  if (!isSecurityKey(type)) return undefined;
  const application = rest.at(-1);
  if (application === undefined) return undefined;
  try {
    if (type === 'sk-ssh-ed25519@openssh.com') {
      const [point, ...others] = rest;
      if (point?.length !== 32 || others.length !== 1) return undefined;
      const jwk = { kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') };
      return { type, key: createPublicKey({ key: jwk, format: 'jwk' }), application };
    }
    const [curve, point, ...others] = rest;
    if (curve?.toString('latin1') !== 'nistp256' || point?.length !== 65 || point[0] !== 4) return undefined;
    if (others.length !== 1) return undefined;
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
    return {
      type,
      key: createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' } as never),
      application,
    };
  } catch {
    // A point that is not on the curve.
    return undefined;
  }
}

/** An integer of the wire as 32 bytes, or undefined when it is longer. */
function fixedScalar(integer: Buffer): Buffer | undefined {
  const start = integer.findIndex((byte) => byte !== 0);
  const digits = start < 0 ? Buffer.alloc(0) : integer.subarray(start);
  return digits.length > scalarBytes
    ? undefined
    : Buffer.concat([Buffer.alloc(scalarBytes - digits.length), digits]);
}

/** The strings of the wire (RFC 4251, section 5), or undefined when they do not fill it exactly. */
function readStrings(wire: Buffer): Buffer[] | undefined {
  const strings: Buffer[] = [];
  for (let at = 0; at < wire.length;) {
    if (at + 4 > wire.length) return undefined;
    const end = at + 4 + wire.readUInt32BE(at);
    if (end > wire.length) return undefined;
    strings.push(wire.subarray(at + 4, end));
    at = end;
  }
  return strings;
}
