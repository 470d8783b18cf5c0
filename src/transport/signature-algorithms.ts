// Which signatures clients may prove themselves with, and how they learn of them (RFC 8308, server-sig-algs). The
// ssh2 library (1.17) announces a list that lacks a comma, so that no client finds rsa-sha2-512 or ecdsa-sha2-nistp521 in
// it, and that names SHA-1 and DSA, which are refused here. This list is sent in its place.
import type { Connection } from 'ssh2';

export const signatureAlgorithms = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const;

const extInfo = 7;

/** The parts of the library that nobody else can reach; a test with rsa-sha2-512 alone tells when they change. */
interface Protocol {
  _onHandshakeComplete: (...negotiated: unknown[]) => void;
  _kex: { remoteExtInfoEnabled: boolean };
  _packetRW: {
    write: { allocStart: number; alloc(bytes: number): Buffer; finalize(packet: Buffer): Buffer };
  };
  _cipher: { encrypt(packet: Buffer): void };
}

/** Call it before the first key exchange, after which the list must be the first packet. */
export function announceAlgorithms(client: Connection): void {
  const { _protocol: protocol } = client as unknown as { _protocol: Protocol };
  const complete = protocol._onHandshakeComplete;
  let isFirst = true;
  protocol._onHandshakeComplete = (...negotiated) => {
    const isWanted = isFirst && protocol._kex.remoteExtInfoEnabled;
    isFirst = false;
    protocol._kex.remoteExtInfoEnabled = false;
    if (isWanted) send(protocol);
    complete(...negotiated);
  };
}

function send(protocol: Protocol): void {
  const one = Buffer.from([0, 0, 0, 1]);
  const payload = Buffer.concat([
    Buffer.from([extInfo]),
    one,
    wireString('server-sig-algs'),
    wireString(signatureAlgorithms.join(',')),
  ]);
  const { write } = protocol._packetRW;
  const packet = write.alloc(payload.length);
  packet.set(payload, write.allocStart);
  protocol._cipher.encrypt(write.finalize(packet));
}

function wireString(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
