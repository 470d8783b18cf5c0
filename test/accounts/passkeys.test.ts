// Passkeys against an authenticator that proves itself, and against every way that one can lie.
import { expect, test } from 'vitest';
import {
  passkeyAskingOf,
  passkeyCreationOf,
  requireSecondFactor,
  secondFactorAskingOf,
  signInWithPasskey,
} from '../../src/accounts/passkey-proof.ts';
import { addPasskey, passkeysOf, removePasskey, requirePasskeys } from '../../src/accounts/passkeys.ts';
import { findAccountByName } from '../../src/accounts/find.ts';
import type { Account, Caller } from '../../src/accounts/model.ts';
import { createRecoveryLink } from '../../src/accounts/recover-account.ts';
import {
  createLoginLink,
  createSession,
  exchangeLinkForToken,
  redeemLoginLink,
} from '../../src/accounts/sign-in.ts';
import { disableAccount } from '../../src/accounts/manage.ts';
import { listAudit } from '../../src/accounts/store.ts';
import type { Forge } from '../../src/forge/open.ts';
import { runCommand } from '../../src/operator/commands.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { Authenticator, type Lie } from '../support/authenticator.ts';
import { useForge } from '../support/forge.ts';

const origin = 'https://git.example.org';
const open = useForge({ settings: { publicUrl: origin } });
const secretOf = (link: string): string => link.slice(link.lastIndexOf('/') + 1);

interface Person {
  account: Account;
  caller: Caller;
}

async function register(
  forge: Forge,
  person: Person,
  key = new Authenticator(origin),
): Promise<Authenticator> {
  const credential = key.create(await passkeyCreationOf(forge, person.account));
  await addPasskey(forge, { ...person, credential, label: 'laptop' });
  return key;
}

const signIn = async (forge: Forge, key: Authenticator, lie: Lie = {}): Promise<string> =>
  (await signInWithPasskey(forge, key.get(await passkeyAskingOf(forge), lie))).name;

test('a passkey signs its account in alone, each time with an answer of its own', async () => {
  const { forge, account } = await open();
  const ada = account('ada');
  const key = await register(forge, ada);
  expect(await signIn(forge, key)).toBe('ada');
  const again = key.get(await passkeyAskingOf(forge));
  expect((await signInWithPasskey(forge, again)).name).toBe('ada');
  await expect(signInWithPasskey(forge, again)).rejects.toThrow(/challenge was used already/);
  expect(passkeysOf(forge, ada.account)).toMatchObject([{ label: 'laptop', lastUsedAt: expect.any(String) }]);
});

test.each<[string, Lie]>([
  ['for another site', { origin: 'https://evil.example' }],
  ['for another name', { rpId: 'evil.example' }],
  ['to a challenge of somebody else', { challenge: Buffer.from('1.2.3').toString('base64url') }],
  ['that nobody touched', { untouched: true }],
  ['without a PIN or a finger', { unverified: true }],
  ['whose signature is for something else', { otherData: true }],
  ['whose counter goes back', { counter: 0 }],
  ['that names another account', { userHandle: Buffer.from('account 99').toString('base64url') }],
  ['of another kind', { type: 'webauthn.create' }],
])('Z7: an answer %s signs nobody in', async (_what, lie) => {
  const { forge, account } = await open();
  const key = await register(forge, account('ada'));
  await signIn(forge, key);
  await expect(signIn(forge, key, lie)).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('an answer ends with its challenge, and a passkey with its account and its removal', async () => {
  const clock = new SettableClock();
  const { forge, account } = await open({ clock });
  const [ada, root] = [account('ada'), account('root', 'admin')];
  const key = await register(forge, ada);
  const asked = await passkeyAskingOf(forge);
  clock.advance(5 * 60_000 + 1);
  await expect(signInWithPasskey(forge, key.get(asked))).rejects.toThrow(/challenge has expired/);
  disableAccount(forge, { caller: root.caller, name: 'ada', disabled: true });
  await expect(signIn(forge, key)).rejects.toThrow(/is disabled/);
  disableAccount(forge, { caller: root.caller, name: 'ada', disabled: false });
  const [passkey] = passkeysOf(forge, ada.account);
  removePasskey(forge, { ...ada, id: passkey!.id });
  await expect(signIn(forge, key)).rejects.toThrow(/belongs to no account/);
});

test('a new passkey is taken for the account that asked for it, once', async () => {
  const { forge, account } = await open();
  const [ada, bea] = [account('ada'), account('bea')];
  const asked = await passkeyCreationOf(forge, ada.account);
  expect(asked.pubKeyCredParams.map(({ alg }) => alg)).toEqual([-8, -7, -257]);
  const credential = new Authenticator(origin).create(asked);
  await expect(addPasskey(forge, { ...bea, credential })).rejects.toThrow(/answers no challenge/);
  await addPasskey(forge, { ...ada, credential });
  await expect(addPasskey(forge, { ...ada, credential })).rejects.toThrow(/used already/);
  const elsewhere = new Authenticator(origin).create(await passkeyCreationOf(forge, ada.account), {
    origin: 'https://evil.example',
  });
  await expect(addPasskey(forge, { ...ada, credential: elsewhere })).rejects.toMatchObject({
    code: 'invalid',
  });
  const key = await register(forge, bea);
  const known = key.create(await passkeyCreationOf(forge, ada.account));
  await expect(addPasskey(forge, { ...ada, credential: known })).rejects.toMatchObject({ code: 'conflict' });
});

test('the second factor takes a passkey of the account alone, and an answer for a sign-in is none', async () => {
  const { forge, account } = await open();
  const [ada, bea] = [account('ada'), account('bea')];
  const [own, foreign] = [await register(forge, ada), await register(forge, bea)];
  const asked = await secondFactorAskingOf(forge, ada.account);
  await expect(requireSecondFactor(forge, ada.account, foreign.get(asked))).rejects.toThrow(
    /none of the account/,
  );
  await requireSecondFactor(forge, ada.account, own.get(asked, { unverified: true }));
  const other = own.get(await passkeyAskingOf(forge));
  await expect(requireSecondFactor(forge, ada.account, other)).rejects.toThrow(/answers no challenge/);
  const half = own.get(await secondFactorAskingOf(forge, ada.account));
  await expect(signInWithPasskey(forge, half)).rejects.toThrow(/answers no challenge/);
});

test('a program gets no token by a link alone where a passkey is asked for, and the link stays good', async () => {
  const { forge, account } = await open();
  const ada = account('ada');
  expect(() => requirePasskeys(forge, { ...ada, required: true })).toThrow(/Add a passkey first/);
  await register(forge, ada);
  requirePasskeys(forge, { ...ada, required: true });
  const secret = secretOf(createLoginLink(forge, { accountId: ada.account.id }));
  expect(() => exchangeLinkForToken(forge, secret)).toThrow(/ph login --web/);
  expect(redeemLoginLink(forge, { secret }).secondFactorSince).toBeDefined();
});

test('a recovery link ends the second factor and every session, and leaves its trace', async () => {
  const { forge, account } = await open();
  const [ada, root] = [account('ada'), account('root', 'admin')];
  await register(forge, ada);
  requirePasskeys(forge, { ...ada, required: true });
  createSession(forge, { accountId: ada.account.id, address: '', userAgent: '' });
  expect(() => createRecoveryLink(forge, { caller: ada.caller, name: 'root' })).toThrow(/Only an admin/);
  const older = secretOf(createRecoveryLink(forge, { caller: root.caller, name: 'ada' }).link);
  const secret = secretOf(createRecoveryLink(forge, { caller: root.caller, name: 'ada' }).link);
  expect(() => redeemLoginLink(forge, { secret: older })).toThrow(/used already/);
  expect(redeemLoginLink(forge, { secret, address: '192.0.2.9' }).secondFactorSince).toBeUndefined();
  expect(() => redeemLoginLink(forge, { secret })).toThrow(/used already/);
  expect(findAccountByName(forge, 'ada')?.secondFactorSince).toBeUndefined();
  const [row] = listAudit(forge.db, 1);
  expect(row).toMatchObject({ action: 'account.recover', account: 'ada', address: '192.0.2.9' });
  expect(JSON.parse(row!.detail)).toEqual({ endedSessions: 1, hadSecondFactor: true });
});

test('the operator lets in an admin whom no other admin can help', async () => {
  const { forge, account } = await open();
  const root = account('root', 'admin');
  const answer = await runCommand(forge, { command: 'account recover', name: 'root' });
  expect(redeemLoginLink(forge, { secret: secretOf(answer.text) }).id).toBe(root.account.id);
  expect(() => runCommand(forge, { command: 'account recover', name: 'pika-git' })).toThrow(/is no person/);
});

test('with the last passkey the second factor ends, which nobody could give any more', async () => {
  const { forge, account } = await open();
  const ada = account('ada');
  await register(forge, ada);
  requirePasskeys(forge, { ...ada, required: true });
  const now = findAccountByName(forge, 'ada')!;
  removePasskey(forge, { ...ada, account: now, id: passkeysOf(forge, now)[0]!.id });
  expect(findAccountByName(forge, 'ada')?.secondFactorSince).toBeUndefined();
});

test.each(['http://127.0.0.1:8787', 'https://192.0.2.1', 'http://git.example.org'])(
  'at %s, where no browser makes one, nobody is asked for a passkey',
  async (publicUrl) => {
    const { forge, account } = await open({ settings: { publicUrl } });
    await expect(passkeyAskingOf(forge)).rejects.toThrow(/has a name and https/);
    await expect(passkeyCreationOf(forge, account('ada').account)).rejects.toMatchObject({
      code: 'conflict',
    });
  },
);
