import { describe, expect, test } from 'vitest';
import { findCallerByToken, hasAdmin } from '../../src/accounts/find.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { samePath } from '../../src/accounts/pages.ts';
import {
  createLoginLink,
  exchangeLinkForToken,
  readLoginLink,
  redeemLoginLink,
} from '../../src/accounts/sign-in.ts';
import { systemCaller } from '../../src/accounts/system.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const secretOf = (link: string): string => link.slice(link.lastIndexOf('/') + 1);

describe('a one-time link', () => {
  test('signs in once and no second time', async () => {
    const { forge, account } = await open();
    const ada = account('ada').account;
    const secret = secretOf(createLoginLink(forge, { accountId: ada.id }));
    expect(redeemLoginLink(forge, { secret }).name).toBe('ada');
    expect(() => redeemLoginLink(forge, { secret })).toThrow(/used already/);
  });

  test('ends after five minutes', async () => {
    const clock = new SettableClock();
    const { forge, account } = await open({ clock });
    const secret = secretOf(createLoginLink(forge, { accountId: account('ada').account.id }));
    clock.advance(5 * 60_000 + 1);
    expect(() => readLoginLink(forge, secret)).toThrow(/expired/);
  });

  test('becomes a token for the command line', async () => {
    const { forge, account } = await open();
    const secret = secretOf(createLoginLink(forge, { accountId: account('ada').account.id }));
    const { token } = exchangeLinkForToken(forge, secret);
    expect(findCallerByToken(forge, token, '::1')).toMatchObject({
      scope: 'write',
      account: { name: 'ada' },
    });
  });
});

describe('M1: the first admin', () => {
  test('is made by the newest link alone; older ones are dead', async () => {
    const { forge } = await open();
    const older = secretOf(createLoginLink(forge));
    const newest = secretOf(createLoginLink(forge));
    expect(() => readLoginLink(forge, older)).toThrow();
    expect(redeemLoginLink(forge, { secret: newest, name: 'ada' })).toMatchObject({
      name: 'ada',
      role: 'admin',
    });
    expect(hasAdmin(forge)).toBe(true);
  });

  test('cannot be made by a link when an admin came to be in between', async () => {
    const { forge, account } = await open();
    const secret = secretOf(createLoginLink(forge));
    account('bea', 'admin');
    expect(() => redeemLoginLink(forge, { secret, name: 'eve' })).toThrow();
  });

  test('is not used up by a bad name', async () => {
    const { forge } = await open();
    const secret = secretOf(createLoginLink(forge));
    expect(() => redeemLoginLink(forge, { secret, name: '../etc' })).toThrow(/no account name/);
    expect(redeemLoginLink(forge, { secret, name: 'ada' }).name).toBe('ada');
  });

  test('is not the account that the forge itself acts as', async () => {
    const { forge } = await open();
    systemCaller(forge);
    expect(hasAdmin(forge)).toBe(false);
  });
});

test('a token that has expired is nobody', async () => {
  const clock = new SettableClock();
  const { forge, account } = await open({ clock });
  const expiresAt = clock.now() + 1000;
  const token = createToken(forge, { accountId: account('ada').account.id, scope: 'read', expiresAt });
  expect(findCallerByToken(forge, token, '')).toBeDefined();
  clock.advance(1001);
  expect(findCallerByToken(forge, token, '')).toBeUndefined();
});

test('no secret is stored as it is', async () => {
  const { forge, account } = await open();
  const token = createToken(forge, { accountId: account('ada').account.id, scope: 'admin' });
  const rows = JSON.stringify(forge.db.all('SELECT * FROM tokens'));
  expect(rows).not.toContain(token.slice(5));
});

test.each(['//evil', '/\\evil', 'https:evil', 'https://evil', '\\\\evil', '/a\nb', ''])(
  'C2: the return path %j leads home',
  (path) => expect(samePath(path)).toBe('/'),
);
test('C2: a path of this forge is kept', () => expect(samePath('/ada/app?tab=ci')).toBe('/ada/app?tab=ci'));
