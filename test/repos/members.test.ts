import { expect, test } from 'vitest';
import { anonymous, type TokenScope } from '../../src/accounts/model.ts';
import { createAgent } from '../../src/accounts/manage.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { listMembers, membersToBe, removeMember, setMember } from '../../src/repos/members.ts';
import { rightOn } from '../../src/repos/rights.ts';
import { serveApi } from '../landing/served-api.ts';
import { stageRepo } from '../landing/staged-branch.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();

test('a member has the right of its role, until it is removed', async () => {
  const it = await open();
  const { forge } = it;
  const ada = it.account('ada').caller;
  const bea = it.account('bea').caller;
  const repo = await it.repo('ada/app');
  expect(rightOn(forge, bea, repo)).toBe('none');
  for (const role of ['read', 'write', 'maintain', 'write'] as const) {
    expect(setMember(forge, { repo, caller: ada, account: 'BEA', role })).toEqual({
      name: 'bea',
      kind: 'person',
      role,
    });
    expect(rightOn(forge, bea, repo)).toBe(role);
  }
  expect(rightOn(forge, { ...bea, scope: 'read' }, repo)).toBe('read');
  expect(listMembers(forge, repo)).toEqual([{ name: 'bea', kind: 'person', role: 'write' }]);
  removeMember(forge, { repo, caller: ada, account: 'bea' });
  expect(rightOn(forge, bea, repo)).toBe('none');
  expect(() => removeMember(forge, { repo, caller: ada, account: 'bea' })).toThrow(/is no member/);
});

test('the owner, the forge itself and nobody in particular are no members', async () => {
  const it = await open();
  const caller = it.account('ada', 'admin').caller;
  createAgent(it.forge, { caller, name: 'bot', scope: 'write' });
  const repo = await it.repo('ada/app');
  const add = (account: string) => setMember(it.forge, { repo, caller, account, role: 'write' });
  expect(() => add('Ada')).toThrow(/has every right in it/);
  expect(() => add('pika-git')).toThrow(/the forge itself/);
  expect(() => add('nobody')).toThrow(/There is no account "nobody"/);
  expect(membersToBe(it.forge, repo)).toEqual(['bot']);
  expect(add('bot')).toMatchObject({ kind: 'agent' });
  expect(membersToBe(it.forge, repo)).toEqual([]);
});

test('Z2: members are listed and changed by who maintains the repository, with a credential that may', async () => {
  const it = await open();
  const staged = await stageRepo(it);
  const origin = await serveApi(it, staged);
  const owner = staged.account;
  const [reader, writer, keeper] = (['read', 'write', 'maintain'] as const).map((role) => {
    const { account } = it.account(role);
    setMember(it.forge, { repo: staged.repo, caller: anonymous(''), account: role, role });
    return account;
  });
  const ask = async (account: { id: number } | undefined, scope: TokenScope, method: string) => {
    const token = account === undefined ? undefined : createToken(it.forge, { accountId: account.id, scope });
    const path = `/api/v1/repos/${staged.repo.owner}/${staged.repo.name}/members`;
    const answer = await fetch(origin + path + (method === 'GET' ? '' : '/read'), {
      method,
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      ...(method === 'PUT' ? { body: JSON.stringify({ role: 'read' }) } : {}),
    });
    return answer.status;
  };
  const it2 = it.account('stranger').account;
  const statuses = async (method: string) => [
    await ask(undefined, 'read', method),
    await ask(it2, 'admin', method),
    await ask(reader, 'admin', method),
    await ask(writer, 'admin', method),
    await ask(keeper, 'read', method),
    await ask(keeper, 'write', method),
    await ask(keeper, 'admin', method),
    await ask(owner, 'admin', method),
  ];
  expect(await statuses('GET')).toEqual([401, 404, 403, 403, 403, 200, 200, 200]);
  expect(await statuses('PUT')).toEqual([401, 404, 403, 403, 403, 403, 200, 200]);
  expect((await statuses('DELETE')).slice(0, 7)).toEqual([401, 404, 403, 403, 403, 403, 204]);
});
