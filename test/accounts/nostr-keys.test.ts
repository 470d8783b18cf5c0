import { expect, test } from 'vitest';
import { hasAdmin } from '../../src/accounts/find.ts';
import { addNostrKey, ensureAdmins, nostrKeysOf, parseNpub } from '../../src/accounts/nostr-keys.ts';
import { readConfig } from '../../src/forge/config.ts';
import { npubOf } from '../../src/lib/nostr.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const npub = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg';
const publicKey = parseNpub(npub);

test('a key belongs to one account', async () => {
  const { forge, account } = await open();
  const [ada, bob] = [account('ada').account.id, account('bob').account.id];
  expect(addNostrKey(forge, { accountId: ada, publicKey, label: ' my phone ' })).toMatchObject({
    npub,
    label: 'my phone',
    lastUsedAt: undefined,
  });
  expect(() => addNostrKey(forge, { accountId: bob, publicKey })).toThrow(/belongs to an account already/);
  expect(nostrKeysOf(forge, ada).map((key) => key.npub)).toEqual([npub]);
  expect(nostrKeysOf(forge, bob)).toEqual([]);
});

test('an account has twenty keys at most', async () => {
  const { forge, account } = await open();
  const accountId = account('ada').account.id;
  for (let number = 10; number < 30; number += 1) {
    addNostrKey(forge, { accountId, publicKey: String(number).repeat(32) });
  }
  expect(() => addNostrKey(forge, { accountId, publicKey })).toThrow(/at most 20 Nostr keys/);
});

test('a secret key that is typed for a public one is named as what it is', () => {
  const nsec = 'nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5';
  expect(() => parseNpub(nsec)).toThrow(/that is a secret key; keep it/);
  expect(() => parseNpub('npub1')).toThrow(/no public key of Nostr/);
});

test('the admins of the configuration are there after the start, and stay one each', async () => {
  const { forge } = await open({ settings: { admins: [{ name: 'ada', npub }] } });
  ensureAdmins(forge);
  ensureAdmins(forge);
  expect(hasAdmin(forge)).toBe(true);
  expect(forge.db.all("SELECT name FROM accounts WHERE role = 'admin' AND kind = 'person'")).toEqual([
    { name: 'ada' },
  ]);
});

test('an admin of the configuration who is there already gets the key', async () => {
  const { forge, account } = await open({ settings: { admins: [{ name: 'ada', npub }] } });
  const { id } = account('ada', 'admin').account;
  ensureAdmins(forge);
  expect(nostrKeysOf(forge, id).map((key) => key.npub)).toEqual([npub]);
});

test('the configuration makes no admin of a member', async () => {
  const { forge, account } = await open({ settings: { admins: [{ name: 'ada', npub }] } });
  const { id } = account('ada').account;
  expect(() => ensureAdmins(forge)).toThrow(/admins names "ada", which is the account of a member/);
  expect(nostrKeysOf(forge, id)).toEqual([]);
});

test('a configuration with a key that is none is refused with its place', () => {
  const admins = [{ name: 'ada', npub: npubOf(publicKey).slice(0, -1) }];
  expect(() => readConfig('/nowhere', { admins }, {})).toThrow(/admins\.0\.npub: a public key of Nostr/);
});
