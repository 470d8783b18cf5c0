import { expect, test } from 'vitest';
import {
  decideApproval,
  readApproval,
  startApproval,
  takeApproval,
  waitForApproval,
} from '../../src/accounts/approval.ts';
import { findCallerByToken } from '../../src/accounts/find.ts';
import type { Forge } from '../../src/forge/open.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const start = (forge: Forge, address = '192.0.2.1') =>
  startApproval(forge, { program: 'ph on box', address });
const forEver = () => new AbortController().signal;

test('an approval becomes one token, for who has the secret', async () => {
  const { forge, account } = await open();
  const accountId = account('ada').account.id;
  const { secret, code, url } = start(forge);
  expect(url).toContain(`/login/approve?code=${code}`);
  expect(takeApproval(forge, secret)).toEqual({ state: 'waiting' });
  expect(readApproval(forge, ` ${code.toLowerCase().replace('-', ' ')}`)).toMatchObject({
    program: 'ph on box',
    address: '192.0.2.1',
  });
  decideApproval(forge, { code, accountId, isApproved: true });
  const taken = takeApproval(forge, secret);
  expect(taken).toMatchObject({ state: 'approved', account: { name: 'ada' } });
  const token = taken.state === 'approved' ? taken.token : '';
  expect(findCallerByToken(forge, token, '::1')).toMatchObject({ scope: 'write', account: { name: 'ada' } });
  expect(() => takeApproval(forge, secret)).toThrow(/over/);
});

test('the token has the scope that the program asked for, and the person is told which', async () => {
  const { forge, account } = await open();
  const accountId = account('ada').account.id;
  const { secret, code } = startApproval(forge, { program: 'ph', address: '', scope: 'admin' });
  expect(readApproval(forge, code).scope).toBe('admin');
  decideApproval(forge, { code, accountId, isApproved: true });
  const taken = takeApproval(forge, secret);
  const token = taken.state === 'approved' ? taken.token : '';
  expect(findCallerByToken(forge, token, '::1')?.scope).toBe('admin');
});

test('a code is decided once, and a denial is told', async () => {
  const { forge, account } = await open();
  const accountId = account('ada').account.id;
  const { secret, code } = start(forge);
  decideApproval(forge, { code, accountId, isApproved: false });
  expect(() => decideApproval(forge, { code, accountId, isApproved: true })).toThrow(
    /Nobody waits with the code/,
  );
  expect(takeApproval(forge, secret)).toEqual({ state: 'denied' });
});

test('the code is worth nothing to who asks for the token, and the secret nothing to who decides', async () => {
  const { forge, account } = await open();
  const accountId = account('ada').account.id;
  const { secret, code } = start(forge);
  expect(() => takeApproval(forge, code)).toThrow(/over/);
  expect(() => decideApproval(forge, { code: secret, accountId, isApproved: true })).toThrow(/Nobody waits/);
});

test('it ends after ten minutes, approved or not', async () => {
  const clock = new SettableClock();
  const { forge, account } = await open({ clock });
  const accountId = account('ada').account.id;
  const [waiting, approved] = [start(forge), start(forge)];
  decideApproval(forge, { code: approved.code, accountId, isApproved: true });
  clock.advance(10 * 60_000 + 1);
  expect(() => readApproval(forge, waiting.code)).toThrow(/Nobody waits/);
  for (const { secret } of [waiting, approved]) expect(() => takeApproval(forge, secret)).toThrow(/over/);
});

test('who waits is told at once, and whose wait ends is told that nothing was decided', async () => {
  const { forge, account } = await open();
  const accountId = account('ada').account.id;
  const { secret, code } = start(forge);
  const answer = waitForApproval(forge, { secret, seconds: 60, signal: forEver() });
  decideApproval(forge, { code, accountId, isApproved: true });
  expect(await answer).toMatchObject({ state: 'approved' });

  const other = start(forge);
  expect(await waitForApproval(forge, { secret: other.secret, seconds: 0, signal: forEver() })).toEqual({
    state: 'waiting',
  });
  // Who has hung up takes no token with him.
  decideApproval(forge, { code: other.code, accountId, isApproved: true });
  expect(takeApproval(forge, other.secret)).toMatchObject({ state: 'approved' });
});

test('twenty may wait from one address; the ones that are over do not count', async () => {
  const clock = new SettableClock();
  const { forge } = await open({ clock });
  for (let index = 0; index < 20; index += 1) start(forge);
  expect(() => start(forge)).toThrow(/Too many sign-ins/);
  start(forge, '192.0.2.2');
  clock.advance(10 * 60_000 + 1);
  start(forge);
});
