import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { addKey } from '../../src/accounts/add-key.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { findAccountByName, findCallerByKey, findCallerByToken } from '../../src/accounts/find.ts';
import {
  acceptInvitation,
  createInvitation,
  openInvitations,
  readInvitation,
  revokeInvitation,
} from '../../src/accounts/invite.ts';
import { changeRole, createAgent, disableAccount } from '../../src/accounts/manage.ts';
import { anonymous } from '../../src/accounts/model.ts';
import { createPass, findCallerByPass } from '../../src/accounts/pass.ts';
import { createLoginLink, redeemLoginLink } from '../../src/accounts/sign-in.ts';
import { systemCaller } from '../../src/accounts/system.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const secretOf = (link: string): string => link.slice(link.lastIndexOf('/') + 1);

function keyLine(): string {
  const { publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return `ssh-ed25519 ${Buffer.concat([field(Buffer.from('ssh-ed25519')), field(raw)]).toString('base64')}`;
}

describe('an invitation', () => {
  test('makes one account with the role that the admin chose, and its key', async () => {
    const { forge, account } = await open();
    const { caller } = account('ada', 'admin');
    const { link } = createInvitation(forge, { caller, role: 'member', note: 'for Bea' });
    const secret = secretOf(link);
    expect(readInvitation(forge, secret)).toMatchObject({
      role: 'member',
      createdBy: 'ada',
      note: 'for Bea',
    });
    const keyText = keyLine();
    const bea = acceptInvitation(forge, { secret, name: 'bea', keyText, address: '::1' });
    expect(bea).toMatchObject({ name: 'bea', role: 'member', kind: 'person' });
    const blob = keyText.split(' ')[1] ?? '';
    expect(findCallerByKey(forge, { blob, address: '' })?.account?.name).toBe('bea');
    expect(() => acceptInvitation(forge, { secret, name: 'eve', address: '' })).toThrow(/used already/);
    expect(openInvitations(forge)).toEqual([]);
  });

  test('is not used up by a name that is taken or a key that is none', async () => {
    const { forge, account } = await open();
    const { caller } = account('ada', 'admin');
    const secret = secretOf(createInvitation(forge, { caller, role: 'member', note: '' }).link);
    expect(() => acceptInvitation(forge, { secret, name: 'ADA', address: '' })).toThrow(/exists already/);
    expect(() => acceptInvitation(forge, { secret, name: 'bea', keyText: 'x', address: '' })).toThrow(
      /must start with/,
    );
    expect(findAccountByName(forge, 'bea')).toBeUndefined();
    expect(acceptInvitation(forge, { secret, name: 'bea', keyText: ' ', address: '' }).name).toBe('bea');
  });

  test('ends after seven days, and when it is taken back', async () => {
    const clock = new SettableClock();
    const { forge, account } = await open({ clock });
    const { caller } = account('ada', 'admin');
    const [first, second] = [1, 2].map(() => createInvitation(forge, { caller, role: 'admin', note: '' }));
    revokeInvitation(forge, { caller, id: first!.id });
    expect(() => readInvitation(forge, secretOf(first!.link))).toThrow(/taken back/);
    expect(() => revokeInvitation(forge, { caller, id: first!.id })).toThrow(/no open invitation/);
    clock.advance(7 * 24 * 60 * 60_000 + 1);
    expect(() =>
      acceptInvitation(forge, { secret: secretOf(second!.link), name: 'bea', address: '' }),
    ).toThrow(/expired/);
  });

  test('is made and taken back by admins alone', async () => {
    const { forge, account } = await open();
    const { id } = createInvitation(forge, {
      caller: account('ada', 'admin').caller,
      role: 'admin',
      note: '',
    });
    const member = account('bea').caller;
    for (const caller of [
      member,
      anonymous('::1'),
      { ...account('cy', 'admin').caller, scope: 'write' as const },
    ]) {
      expect(() => createInvitation(forge, { caller, role: 'admin', note: '' })).toThrow();
      expect(() => revokeInvitation(forge, { caller, id })).toThrow();
      expect(() => changeRole(forge, { caller, name: 'bea', role: 'admin' })).toThrow();
      expect(() => disableAccount(forge, { caller, name: 'ada', disabled: true })).toThrow();
      expect(() => createAgent(forge, { caller, name: 'bot', scope: 'write' })).toThrow();
    }
    expect(openInvitations(forge).length).toBe(1);
  });
});

describe('a disabled account', () => {
  test('is nobody with its key, token, pass and link, and somebody again when it is enabled', async () => {
    const { forge, account } = await open();
    const { caller: admin } = account('ada', 'admin');
    const bea = account('bea').account;
    const line = keyLine();
    const { fingerprint } = addKey(forge, { accountId: bea.id, text: line });
    const token = createToken(forge, { accountId: bea.id, scope: 'write' });
    const holder = { account: bea, scope: 'admin' as const, credential: `key ${fingerprint}`, address: '' };
    const pass = createPass(forge, { caller: holder, repoId: 1, right: 'read', seconds: 600 }) ?? '';
    const link = () => secretOf(createLoginLink(forge, { accountId: bea.id }));
    const names = () => [
      findCallerByKey(forge, { blob: line.split(' ')[1] ?? '', address: '' })?.account?.name,
      findCallerByToken(forge, token, '')?.account?.name,
      findCallerByPass(forge, { secret: pass, repoId: 1, address: '' })?.account?.name,
    ];
    expect(names()).toEqual(['bea', 'bea', 'bea']);
    disableAccount(forge, { caller: admin, name: 'bea', disabled: true });
    expect(names()).toEqual([undefined, undefined, undefined]);
    expect(() => redeemLoginLink(forge, { secret: link() })).toThrow(/is disabled/);
    disableAccount(forge, { caller: admin, name: 'BEA', disabled: false });
    expect(names()).toEqual(['bea', 'bea', 'bea']);
    expect(redeemLoginLink(forge, { secret: link() }).name).toBe('bea');
  });

  test('is never one’s own, the forge itself or the last admin', async () => {
    const { forge, account } = await open();
    const { caller } = account('ada', 'admin');
    const other = account('bea', 'admin').caller;
    expect(() => disableAccount(forge, { caller, name: 'ada', disabled: true })).toThrow(/signed in with/);
    systemCaller(forge);
    expect(() => disableAccount(forge, { caller, name: 'pika-git', disabled: true })).toThrow(
      /the forge itself/,
    );
    expect(() => changeRole(forge, { caller, name: 'pika-git', role: 'member' })).toThrow(/the forge itself/);
    disableAccount(forge, { caller, name: 'bea', disabled: true });
    expect(() => changeRole(forge, { caller, name: 'ada', role: 'member' })).toThrow(/only admin/);
    expect(() => disableAccount(forge, { caller: other, name: 'ada', disabled: true })).toThrow(/only admin/);
    disableAccount(forge, { caller, name: 'bea', disabled: false });
    expect(changeRole(forge, { caller, name: 'ada', role: 'member' }).role).toBe('member');
  });
});

test('an agent has a token of its own and is never an admin', async () => {
  const { forge, account } = await open();
  const { caller } = account('ada', 'admin');
  const { token } = createAgent(forge, { caller, name: 'bot', scope: 'write' });
  expect(findCallerByToken(forge, token, '')).toMatchObject({
    scope: 'write',
    account: { name: 'bot', kind: 'agent' },
  });
  expect(() => changeRole(forge, { caller, name: 'bot', role: 'admin' })).toThrow(/agents are no admins/);
});
