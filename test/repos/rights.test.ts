import { expect, test } from 'vitest';
import { anonymous, type Caller } from '../../src/accounts/model.ts';
import { requireRight, rightOn } from '../../src/repos/rights.ts';
import { putMember } from '../../src/repos/store.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const nobody = anonymous('::1');

test('the owner and an admin maintain, a member holds the role, a stranger nothing', async () => {
  const { forge, account, repo } = await open();
  const hidden = await repo('ada/app');
  const dan = account('dan');
  putMember(forge.db, { repoId: hidden.id, accountId: dan.account.id, role: 'write' });
  expect(rightOn(forge, account('ada').caller, hidden)).toBe('maintain');
  expect(rightOn(forge, account('root', 'admin').caller, hidden)).toBe('maintain');
  expect(rightOn(forge, dan.caller, hidden)).toBe('write');
  expect(rightOn(forge, account('eve').caller, hidden)).toBe('none');
  expect(rightOn(forge, nobody, hidden)).toBe('none');
});

test('a public repository can be read by everybody and written by no stranger', async () => {
  const { forge, account, repo } = await open();
  const shown = await repo('ada/app', { visibility: 'public' });
  expect(rightOn(forge, nobody, shown)).toBe('read');
  expect(rightOn(forge, account('eve').caller, shown)).toBe('read');
});

test('a read token of the owner only reads', async () => {
  const { forge, account, repo } = await open();
  const hidden = await repo('ada/app');
  const caller: Caller = { ...account('ada').caller, scope: 'read' };
  expect(rightOn(forge, caller, hidden)).toBe('read');
  expect(() => requireRight(forge, caller, { repo: hidden, right: 'write' })).toThrow(
    /this token may only read/,
  );
});

test('who may not know a repository is told the same as for one that does not exist', async () => {
  const { forge, account, repo } = await open();
  const hidden = await repo('ada/app');
  const ask = (caller: Caller) => () => requireRight(forge, caller, { repo: hidden, right: 'read' });
  expect(ask(nobody)).toThrow(expect.objectContaining({ code: 'unauthenticated' }));
  expect(ask(account('eve').caller)).toThrow(expect.objectContaining({ code: 'not_found' }));
});
