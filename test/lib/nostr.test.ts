import { readFileSync } from 'node:fs';
import { bech32 } from '@scure/base';
import { describe, expect, test } from 'vitest';
import { nostrEvent } from '../../src/lib/nostr-event.ts';
import {
  eventId,
  isGenuine,
  npubOf,
  publicKeyOf,
  readPublicKey,
  readSecretKey,
  signEvent,
  verifySchnorr,
} from '../../src/lib/nostr.ts';

// The published vectors 0 to 16 of BIP-340, without the random bytes that only a signer needs.
const vectors = readFileSync(new URL('./bip340-vectors.csv', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line, number) => {
    const [secretKey = '', publicKey = '', message = '', signature = '', result = ''] = line.split(',');
    return { number, secretKey, publicKey, message, signature, isValid: result === 'TRUE' };
  });

test.each(vectors)('BIP-340 vector $number is verified: $isValid', (vector) => {
  expect(verifySchnorr(vector)).toBe(vector.isValid);
});

test.each(vectors.filter(({ secretKey }) => secretKey !== ''))(
  'BIP-340 vector $number: the secret key has the public key',
  ({ secretKey, publicKey }) => {
    expect(publicKeyOf(Buffer.from(secretKey, 'hex'))).toBe(publicKey.toLowerCase());
  },
);

test('there are seventeen vectors, and both answers among them', () => {
  expect(vectors.length).toBe(17);
  expect(new Set(vectors.map(({ isValid }) => isValid)).size).toBe(2);
});

describe('an event that another program signed', () => {
  const published = nostrEvent.parse({
    content: 'This is a message from nostr-bench client',
    created_at: 1_679_398_712,
    id: '7c3d4ede274a5ee7b4902ca0b1b0c66455668a726c3f13d0e4df98001d265ab2',
    kind: 1,
    pubkey: '9995b312995668064f9418db06a99758e80d9b35e7a4e76cba899e5f7abc3614',
    sig: '4de6d7457f6194122949f87fce5acaab37cef9867aca59980399dd0ab055a54f8cf22f277f3a91a6f5546c88e42c5abb87fac69839c64119b99cee679190a105',
    tags: [
      ['p', '9995b312995668064f9418db06a99758e80d9b35e7a4e76cba899e5f7abc3614'],
      ['e', '378f145897eea948952674269945e88612420db35791784abf0616b4fed56ef7'],
      ['t', 'nostr-bench-'],
      ['t', 'nostr-bench-515'],
    ],
  });

  test('is genuine, and its id is that of its content', () => {
    expect(eventId(published)).toBe(published.id);
    expect(isGenuine(published)).toBe(true);
  });

  test.each([
    { created_at: published.created_at + 1 },
    { kind: 2 },
    { content: ' ' },
    { tags: published.tags.slice(1) },
    { pubkey: '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798' },
    { sig: published.sig.replace(/^4/, '5') },
    { id: published.id.replace(/^7/, '8') },
  ])('is not genuine any more with %j', (change) => {
    expect(isGenuine({ ...published, ...change })).toBe(false);
  });

  test('is not genuine with another content under its own new id', () => {
    const forged = { ...published, content: 'x' };
    expect(isGenuine({ ...forged, id: eventId(forged) })).toBe(false);
  });
});

test('the example in the text of NIP-98 is not genuine: its id is not that of its content', () => {
  const example = nostrEvent.parse({
    id: 'fe964e758903360f28d8424d092da8494ed207cba823110be3a57dfe4b578734',
    pubkey: '63fe6318dc58583cfe16810f86dd09e18bfd76aabc24a0081ce2856f330504ed',
    content: '',
    kind: 27_235,
    created_at: 1_682_327_852,
    tags: [
      ['u', 'https://api.snort.social/api/v1/n5sp/list'],
      ['method', 'GET'],
    ],
    sig: '5ed9d8ec958bc854f997bdc24ac337d005af372324747efe4a00e24f4c30437ff4dd8308684bed467d9d6be3e5a517bb43b1732cc7d33949a3aaf86705c22184',
  });
  expect(isGenuine(example)).toBe(false);
});

describe('keys as people write them', () => {
  // The two examples of NIP-19.
  const [npub, publicKey] = [
    'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg',
    '7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e',
  ];
  const [nsec, secretKey] = [
    'nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5',
    '67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa',
  ];

  test('are read and written as NIP-19 says', () => {
    expect(readPublicKey(npub)).toBe(publicKey);
    expect(readPublicKey(` ${publicKey}\n`)).toBe(publicKey);
    expect(npubOf(publicKey)).toBe(npub);
    expect(Buffer.from(readSecretKey(nsec) ?? []).toString('hex')).toBe(secretKey);
  });

  test.each([
    '',
    'npub1',
    npub.slice(0, -1),
    npub.replace('e', 'f'),
    nsec,
    `${npub}1`,
    // Right in itself, and of another prefix; and of 20 bytes.
    bech32.encode('npub1x', bech32.toWords(new Uint8Array(32))),
    bech32.encode('npub', bech32.toWords(new Uint8Array(20))),
    'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8',
    'x'.repeat(100_000),
    `npub1${'q'.repeat(100_000)}`,
  ])('a text that is no public key is not taken for one', (text) => {
    expect(readPublicKey(text)).toBeUndefined();
  });

  test('a secret key that is no number of the curve is refused', () => {
    expect(readSecretKey('0'.repeat(64))).toBeUndefined();
    expect(readSecretKey('f'.repeat(64))).toBeUndefined();
    expect(readSecretKey(npub)).toBeUndefined();
  });
});

test('what is signed here is genuine', () => {
  const secretKey = Buffer.from('1'.repeat(64), 'hex');
  const event = signEvent(secretKey, {
    created_at: 1,
    kind: 1,
    tags: [['a', 'ü\n"\\\u0001']],
    content: '\u2028',
  });
  expect(event.pubkey).toBe(publicKeyOf(secretKey));
  expect(isGenuine(event)).toBe(true);
});
