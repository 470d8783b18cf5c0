import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addKey, parsePublicKey } from '../../src/accounts/add-key.ts';
import { findCallerByKey } from '../../src/accounts/find.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pika-keys-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function generate(...options: string[]): { text: string; fingerprint: string } {
  const file = join(folder, options.join(''));
  execFileSync('ssh-keygen', ['-q', '-N', '', '-C', 'a comment', '-f', file, ...options]);
  const [, fingerprint = ''] = execFileSync('ssh-keygen', ['-l', '-f', file], { encoding: 'utf8' }).split(
    ' ',
  );
  return { text: readFileSync(`${file}.pub`, 'utf8'), fingerprint };
}

describe('parsePublicKey', () => {
  test.each([
    ['ed25519', ['-t', 'ed25519']],
    ['rsa of 2048 bits', ['-t', 'rsa', '-b', '2048']],
    ['ecdsa', ['-t', 'ecdsa', '-b', '384']],
  ])('takes an %s key with the fingerprint that ssh-keygen prints', (_name, options) => {
    const { text, fingerprint } = generate(...options);
    expect(parsePublicKey(text)).toMatchObject({ fingerprint, comment: 'a comment' });
  });

  test('refuses a short RSA key and says what makes a good one', () => {
    const { text } = generate('-t', 'rsa', '-b', '1024');
    expect(() => parsePublicKey(text)).toThrow(/2048 bits.*ssh-keygen -t ed25519/);
  });
});

describe('S4: what is not one plain public key is refused', () => {
  test.each([
    ['options before the type', (key: string) => `command="sh" ${key}`, /without options/],
    ['a second line', (key: string) => `${key.trim()}\n${key}`, /more than one line/],
    ['a carriage return', (key: string) => `${key.trim()}\r${key}`, /more than one line/],
    [
      'a type that the content does not have',
      (key: string) => key.replace('ssh-ed25519', 'ssh-rsa'),
      /do not agree/,
    ],
    ['an unknown type', (key: string) => key.replace('ssh-ed25519', 'ssh-dss'), /must start with/],
    ['a megabyte', (key: string) => key + 'A'.repeat(1_000_000), /longer than any key/],
    ['bytes that are not base64', () => 'ssh-ed25519 !!!!', /not base64/],
    ['a private key', () => '-----BEGIN OPENSSH PRIVATE KEY-----', /private key/],
    ['nothing', () => '', /must start with/],
  ])('%s', (_name, spoil, message) => {
    const { text } = { text: valid };
    expect(() => parsePublicKey(spoil(text))).toThrow(message);
  });
});

const valid = `ssh-ed25519 ${Buffer.concat([
  Buffer.from([0, 0, 0, 11]),
  Buffer.from('ssh-ed25519'),
  Buffer.from([0, 0, 0, 32]),
  Buffer.alloc(32, 7),
]).toString('base64')} someone`;

test('a key signs in as its account, and belongs to one account only', async () => {
  const { forge, account } = await open();
  const ada = account('ada').account;
  const bea = account('bea').account;
  addKey(forge, { accountId: ada.id, text: valid });
  const blob = parsePublicKey(valid).blob;
  expect(findCallerByKey(forge, { blob, address: '::1' })?.account?.name).toBe('ada');
  expect(() => addKey(forge, { accountId: bea.id, text: valid })).toThrow(/belongs to an account already/);
});
