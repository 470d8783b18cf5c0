import { expect, test } from 'vitest';
import { addKey } from '../../src/accounts/add-key.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { findCallerByToken } from '../../src/accounts/find.ts';
import type { Caller } from '../../src/accounts/model.ts';
import { createPass, findCallerByPass, isPass } from '../../src/accounts/pass.ts';
import { deleteKey, listKeys, listTokens, revokeToken } from '../../src/accounts/store.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { useForge, type TestForge } from '../support/forge.ts';

const open = useForge();
const address = '192.0.2.7';

function tokenCaller(test: TestForge, expiresAt?: number): Caller {
  const { account } = test.account('ada');
  const end = expiresAt === undefined ? {} : { expiresAt };
  const secret = createToken(test.forge, { accountId: account.id, scope: 'write', ...end });
  return findCallerByToken(test.forge, secret, '127.0.0.1')!;
}

const passOf = (test: TestForge, caller: Caller, right: 'read' | 'write' = 'write'): string =>
  createPass(test.forge, { caller, repoId: 5, right, seconds: 60 })!;

const use = (test: TestForge, secret: string, repoId = 5): Caller | undefined =>
  findCallerByPass(test.forge, { secret, repoId, address });

test('a pass stands for who asked for it, with no more than its right', async () => {
  const test = await open();
  const caller = tokenCaller(test);
  const pass = passOf(test, caller, 'read');
  expect(isPass(pass)).toBe(true);
  expect(use(test, pass)).toEqual({ ...caller, scope: 'read', address });
  expect(use(test, passOf(test, caller))?.scope).toBe('write');
});

test('nobody in particular gets none', async () => {
  const test = await open();
  const caller: Caller = { account: undefined, scope: 'read', credential: 'none', address };
  expect(createPass(test.forge, { caller, repoId: 5, right: 'read', seconds: 60 })).toBeUndefined();
});

test('it opens one repository, until its end', async () => {
  const clock = new SettableClock();
  const test = await open({ clock });
  const pass = passOf(test, tokenCaller(test));
  expect(use(test, pass, 6)).toBeUndefined();
  clock.advance(59_999);
  expect(use(test, pass)).toBeDefined();
  clock.advance(1);
  expect(use(test, pass)).toBeUndefined();
});

test('it ends with the token or the key that it was made for', async () => {
  const test = await open();
  const caller = tokenCaller(test);
  const byToken = passOf(test, caller);
  const accountId = caller.account!.id;
  const now = test.forge.clock.now();
  const other = createToken(test.forge, { accountId, scope: 'write' });
  expect(other).toBeDefined();
  revokeToken(test.forge.db, { id: listTokens(test.forge.db, accountId)[0]!.id, accountId, now });
  expect(use(test, byToken)).toBeUndefined();

  const text = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9m3Jt0mHk0j0q6y1l4lR0c1yqvR0Jb5g0m3yQk3n8s ada';
  addKey(test.forge, { accountId, text, label: 'laptop' });
  const [key] = listKeys(test.forge.db, accountId);
  const byKey = passOf(test, { ...caller, credential: `key ${key!.fingerprint}` });
  expect(use(test, byKey)).toBeDefined();
  deleteKey(test.forge.db, { id: key!.id, accountId });
  expect(use(test, byKey)).toBeUndefined();
});

test('a pass does not outlive the end of its token', async () => {
  const clock = new SettableClock();
  const test = await open({ clock });
  const pass = passOf(test, tokenCaller(test, clock.now() + 1000));
  expect(use(test, pass)).toBeDefined();
  clock.advance(1000);
  expect(use(test, pass)).toBeUndefined();
});

test('no letter of it can be changed, and another forge takes it for nothing', async () => {
  const test = await open();
  const pass = passOf(test, tokenCaller(test));
  const [prefix = '', text = '', signature = ''] = pass.split('.');
  const content = JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
  const forged = Buffer.from(JSON.stringify({ ...content, repo: 6 })).toString('base64url');
  for (const wrong of [
    `${prefix}.${forged}.${signature}`,
    `${prefix}.${text}.`,
    `${prefix}.${text}`,
    `${prefix}.`,
    `${prefix}..`,
    `${pass}x`,
  ]) {
    for (const repo of [5, 6]) expect(use(test, wrong, repo), wrong).toBeUndefined();
  }
  const other = await open();
  other.account('ada');
  expect(use(other, pass)).toBeUndefined();
});

test('it survives a restart of the forge', async () => {
  const test = await open();
  const pass = passOf(test, tokenCaller(test));
  const restarted = { ...test.forge };
  expect(findCallerByPass(restarted, { secret: pass, repoId: 5, address })).toBeDefined();
});
