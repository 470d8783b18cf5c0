// Makes an Ed25519 key pair in the formats of OpenSSH (PROTOCOL.key), which every version of it reads.
import { generateKeyPairSync, randomBytes } from 'node:crypto';

export interface OpensshKey {
  /** A whole file, without a passphrase. */
  privateKey: string;
  /** One line, as it stands in `authorized_keys`. */
  publicText: string;
}

const keyType = 'ssh-ed25519';
const blockBytes = 8;
const charactersPerLine = 70;

export function makeOpensshKey(comment: string): OpensshKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');
  const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const shared = Buffer.concat([lengthed(keyType), lengthed(point)]);
  const check = randomBytes(4);
  const secret = padded(
    Buffer.concat([check, check, shared, lengthed(Buffer.concat([seed, point])), lengthed(comment)]),
  );
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    lengthed('none'),
    lengthed('none'),
    lengthed(''),
    number(1),
    lengthed(shared),
    lengthed(secret),
  ]);
  const lines = whole.toString('base64').match(new RegExp(`.{1,${charactersPerLine}}`, 'g')) ?? [];
  const privateText = ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----'];
  return {
    privateKey: `${privateText.join('\n')}\n`,
    publicText: `${keyType} ${shared.toString('base64')} ${comment}`,
  };
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function lengthed(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([number(bytes.length), bytes]);
}

/** Up to a whole block, with 1, 2, 3 and so on. */
function padded(bytes: Buffer): Buffer {
  const missing = (blockBytes - (bytes.length % blockBytes)) % blockBytes;
  return Buffer.concat([bytes, Buffer.from(Array.from({ length: missing }, (_, place) => place + 1))]);
}
