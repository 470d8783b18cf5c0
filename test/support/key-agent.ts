// An ssh-agent (draft-miller-ssh-agent) that holds made FIDO keys, for which no hardware is needed here: it signs as a
// security key does (OpenSSH's PROTOCOL.u2f), or as one that lies.
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:net';

export const securityKeyKinds = ['sk-ssh-ed25519@openssh.com', 'sk-ecdsa-sha2-nistp256@openssh.com'] as const;
export type SecurityKeyKind = (typeof securityKeyKinds)[number];

const application = 'ssh:';
const present = 0x01;

export interface MadeKey {
  kind: SecurityKeyKind;
  /** The public key's wire form. */
  blob: Buffer;
  /** The line of the public key's file. */
  publicText: string;
  privateKey: KeyObject;
}

export function makeSecurityKey(kind: SecurityKeyKind): MadeKey {
  const isEd25519 = kind === 'sk-ssh-ed25519@openssh.com';
  const { publicKey, privateKey } = isEd25519
    ? generateKeyPairSync('ed25519')
    : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const [left, right] = [Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')];
  const point = isEd25519 ? [left] : ['nistp256', Buffer.concat([Buffer.from([4]), left, right])];
  const blob = wire(kind, ...point, application);
  return { kind, blob, privateKey, publicText: `${kind} ${blob.toString('base64')} made` };
}

export interface Lie {
  /** Nobody touched the key. */
  untouched?: boolean;
  /** Signs with another key than the one that is offered. */
  signer?: MadeKey;
  /** Signs for another application. */
  application?: string;
  /** Signs something else than it was asked to. */
  otherData?: boolean;
}

/** Listens on the socket at `path` and offers one key. */
export async function openAgent(path: string, key: MadeKey, lie: Lie = {}): Promise<Server> {
  const server = createServer((socket) => {
    let read = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      read = Buffer.concat([read, chunk]);
      while (read.length >= 4 && read.length >= 4 + read.readUInt32BE(0)) {
        const end = 4 + read.readUInt32BE(0);
        socket.write(wire(answer(read.subarray(4, end), key, lie)));
        read = read.subarray(end);
      }
    });
  });
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  return server;
}

function answer(message: Buffer, key: MadeKey, lie: Lie): Buffer {
  const [type] = message;
  if (type === 11) return Buffer.concat([Buffer.from([12, 0, 0, 0, 1]), wire(key.blob, 'made')]);
  if (type !== 13) return Buffer.from([5]);
  const blobEnd = 5 + message.readUInt32BE(1);
  const data = message.subarray(blobEnd + 4, blobEnd + 4 + message.readUInt32BE(blobEnd));
  return Buffer.concat([Buffer.from([14]), wire(signature(data, lie.signer ?? key, lie))]);
}

function signature(data: Buffer, { kind, privateKey }: MadeKey, lie: Lie): Buffer {
  const trailer = Buffer.from([lie.untouched === true ? 0 : present, 0, 0, 0, 7]);
  const signed = lie.otherData === true ? Buffer.concat([data, Buffer.from('!')]) : data;
  const message = Buffer.concat([sha256(lie.application ?? application), trailer, sha256(signed)]);
  if (kind === 'sk-ssh-ed25519@openssh.com') {
    return Buffer.concat([wire(kind, sign(null, message, privateKey)), trailer]);
  }
  const raw = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return Buffer.concat([wire(kind, wire(integer(raw.subarray(0, 32)), integer(raw.subarray(32)))), trailer]);
}

const sha256 = (bytes: Buffer | string): Buffer => createHash('sha256').update(bytes).digest();

/** Without needless zeros before it, and with the one that keeps it from being negative. */
function integer(bytes: Buffer): Buffer {
  const digits = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
  return (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits;
}

function wire(...strings: (Buffer | string)[]): Buffer {
  return Buffer.concat(
    strings.flatMap((string) => {
      const bytes = Buffer.from(string);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}
