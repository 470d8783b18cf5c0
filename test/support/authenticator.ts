// A passkey's authenticator (Web Authentication, level 3) that keeps its keys here: it answers as a browser with one does,
// or as one that lies.
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import type { PasskeyProof, PasskeyRegistration } from '../../src/accounts/credentials-model.ts';

export interface Lie {
  origin?: string;
  rpId?: string;
  challenge?: string;
  /** Nobody touched it. */
  untouched?: boolean;
  /** It saw neither PIN nor finger. */
  unverified?: boolean;
  /** Signs something else than it says. */
  otherData?: boolean;
  counter?: number;
  userHandle?: string;
  type?: string;
}

const present = 0x01;
const verified = 0x04;
const hasKey = 0x40;

export class Authenticator {
  readonly #origin: string;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #id = randomBytes(32);
  #counter = 0;

  constructor(origin: string) {
    this.#origin = origin;
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#privateKey = pair.privateKey;
    this.#publicKey = pair.publicKey;
  }

  create(options: { challenge: string }, lie: Lie = {}): PasskeyRegistration {
    const { x = '', y = '' } = this.#publicKey.export({ format: 'jwk' });
    // COSE (RFC 9052): EC2, ES256, P-256, and the two coordinates.
    const cose = Buffer.concat([
      Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]),
      Buffer.from(x, 'base64url'),
      Buffer.from([0x22, 0x58, 0x20]),
      Buffer.from(y, 'base64url'),
    ]);
    const length = Buffer.from([0, this.#id.length]);
    const attested = Buffer.concat([Buffer.alloc(16), length, this.#id, cose]);
    const authData = Buffer.concat([this.#head(lie, hasKey), attested]);
    const attestationObject = Buffer.concat([
      Buffer.from([0xa3]),
      cborText('fmt'),
      cborText('none'),
      cborText('attStmt'),
      Buffer.from([0xa0]),
      cborText('authData'),
      Buffer.from([0x59, authData.length >> 8, authData.length & 0xff]),
      authData,
    ]);
    return {
      ...this.#named(),
      response: {
        clientDataJSON: this.#clientData('webauthn.create', options.challenge, lie),
        attestationObject: attestationObject.toString('base64url'),
        transports: ['internal'],
      },
    };
  }

  get(options: { challenge: string }, lie: Lie = {}): PasskeyProof {
    this.#counter += 1;
    const clientDataJSON = this.#clientData('webauthn.get', options.challenge, lie);
    const authenticatorData = this.#head(lie, 0);
    const clientHash = sha256(Buffer.from(clientDataJSON, 'base64url'));
    const signed = Buffer.concat([authenticatorData, clientHash, Buffer.alloc(lie.otherData ? 1 : 0)]);
    return {
      ...this.#named(),
      response: {
        clientDataJSON,
        authenticatorData: authenticatorData.toString('base64url'),
        signature: sign('sha256', signed, this.#privateKey).toString('base64url'),
        userHandle: lie.userHandle ?? null,
      },
    };
  }

  #named() {
    const id = this.#id.toString('base64url');
    return { id, rawId: id, type: 'public-key' as const };
  }

  #clientData(type: string, challenge: string, lie: Lie): string {
    const content = {
      type: lie.type ?? type,
      challenge: lie.challenge ?? challenge,
      origin: lie.origin ?? this.#origin,
      crossOrigin: false,
    };
    return Buffer.from(JSON.stringify(content)).toString('base64url');
  }

  #head(lie: Lie, more: number): Buffer {
    const rpIdHash = sha256(lie.rpId ?? new URL(this.#origin).hostname);
    const flags = (lie.untouched ? 0 : present) | (lie.unverified ? 0 : verified) | more;
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(lie.counter ?? this.#counter);
    return Buffer.concat([rpIdHash, Buffer.from([flags]), counter]);
  }
}

const sha256 = (content: Buffer | string): Buffer => createHash('sha256').update(content).digest();

const cborText = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0x60 | text.length]), Buffer.from(text)]);
