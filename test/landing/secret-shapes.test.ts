import { expect, test } from 'vitest';
import { findSecrets } from '../../src/landing/gate/secret-shapes.ts';

const key = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDKx';
const letters = 'aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY';
const dashes = '-----';
// Put together here, so that nobody who searches this file takes them for real.
const pem = (kind: string) => `${dashes}BEGIN ${kind}PRIVATE KEY${dashes}\n${key}\n`;

const secrets: [what: string, text: string][] = [
  ['a private key', pem('')],
  ['a private key', pem('RSA ')],
  ['a private key', pem('OPENSSH ')],
  ['a private key', pem('ENCRYPTED ').replaceAll('\n', String.raw`\n`)],
  ['a token of GitHub', `token = "ghp_${letters}Aa1z"`],
  ['a token of GitHub', `github_pat_${letters}_${letters}`],
  ['an access key of AWS', 'AKIAQ3EGT5XZ2WKLVBN7'],
  ['a token of this forge', `pika_${letters}${letters.slice(0, 11)}`],
  ['a secret key of Nostr', `nsec1${'qpzry9x8gf2tvdw0s3jn54khce6mua7l'.repeat(2).slice(0, 58)}`],
  ['a token of Slack', `xoxb-${letters}`],
];

test.each(secrets)('%s is found', (what, text) => {
  const { found } = findSecrets(Buffer.from(`one\ntwo\nsecret: ${text}\n`));
  expect(found).toEqual([{ what, line: 3, digest: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
});

const harmless = [
  'if (text.includes("-----BEGIN PRIVATE KEY-----")) throw refusal();\n'.repeat(3),
  `${dashes}BEGIN PUBLIC KEY${dashes}\n${key}\n`,
  'ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
  'AKIAIOSFODNN7EXAMPLE',
  `sighp_${letters}Aa1z`,
  'ghp_short',
];

test.each(harmless)('%j is no secret', (text) => {
  expect(findSecrets(Buffer.from(text))).toEqual({ found: [], isWhole: true });
});

test('the same secret is told once, another one beside it too', () => {
  const other = `ghp_${letters.split('').reverse().join('')}Aa1z`;
  const one = `ghp_${letters}Aa1z`;
  expect(findSecrets(Buffer.from([one, one, other].join('\n'))).found).toHaveLength(2);
});

test('a text made to be slow is given up, and says so', () => {
  expect(findSecrets(Buffer.from('ghp_'.repeat(200_000))).isWhole).toBe(false);
  expect(findSecrets(Buffer.from('-----BEGIN '.repeat(200_000))).isWhole).toBe(false);
});
