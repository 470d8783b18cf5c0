// The landing queue over the API: who may read, join and order it, and what each refusal says.
import { expect, test } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { landingView, queueView } from '../../src/landing/queue/model.ts';
import { stageBranch, stageRepo } from './staged-branch.ts';
import { serveApi } from './served-api.ts';
import { useForge } from '../support/forge.ts';
import '../support/check-answers.ts';

const open = useForge();

async function stage() {
  const testForge = await open();
  const staged = await stageRepo(testForge);
  const origin = await serveApi(testForge, staged);
  const branch = await stageBranch(staged);
  const tokenOf = (name: string, scope: 'read' | 'write') => {
    const { account } = testForge.account(name);
    return { account, token: createToken(staged.forge, { accountId: account.id, scope }) };
  };
  const ada = createToken(staged.forge, { accountId: staged.account.id, scope: 'write' });
  const call = async (method: string, path: string, given: { body?: object; token?: string } = {}) => {
    const { body, token = ada } = given;
    const response = await fetch(`${origin}/api/v1/repos/ada/app${path}`, {
      method,
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as { error?: { message: string } } };
  };
  return { testForge, staged, branch, call, tokenOf };
}

const actions = ({ forge }: { forge: { db: { all: <Row>(sql: string) => Row[] } } }) =>
  forge.db
    .all<{ action: string }>("SELECT action FROM audit WHERE action LIKE 'landing.%' ORDER BY id")
    .map(({ action }) => action);

test('a branch joins by the head that was seen, is put first, and leaves; each leaves an audit row', async () => {
  const { staged, branch, call } = await stage();
  expect(await call('GET', '/branches/1/land')).toMatchObject({
    status: 404,
    body: { error: { message: expect.stringContaining('ph land 1') } },
  });
  const stale = { head: '0'.repeat(40) };
  expect(await call('POST', '/branches/1/land', { body: stale })).toMatchObject({ status: 409 });
  const joined = await call('POST', '/branches/1/land', { body: { head: branch.headOid } });
  expect(landingView.parse(joined.body)).toMatchObject({ state: 'queued', position: 1, priority: 0 });
  expect(await call('POST', '/branches/1/land', { body: { head: branch.headOid } })).toMatchObject({
    status: 409,
    body: { error: { message: expect.stringContaining('in the landing queue already') } },
  });

  const second = await stageBranch(staged, { name: 'second' });
  await call('POST', '/branches/2/land', { body: { head: second.headOid } });
  expect((await call('PUT', '/branches/2/land/priority', { body: { priority: 9 } })).body).toMatchObject({
    position: 1,
    priority: 9,
  });
  expect(await call('PUT', '/branches/2/land/priority', { body: { priority: 10 } })).toMatchObject({
    status: 400,
  });
  const queue = queueView.parse((await call('GET', '/landings')).body);
  expect(queue.targets[0]?.entries.map((entry) => entry.branch.number)).toEqual([2, 1]);

  expect((await call('DELETE', '/branches/1/land')).body).toMatchObject({ state: 'cancelled' });
  expect(await call('DELETE', '/branches/1/land')).toMatchObject({ status: 409 });
  expect((await call('POST', '/landings/pause', { body: { reason: 'a release' } })).body).toMatchObject({
    paused: { by: 'ada', reason: 'a release' },
  });
  expect(await call('POST', '/landings/pause', { body: {} })).toMatchObject({ status: 400 });
  expect((await call('POST', '/landings/resume', { body: {} })).body).toMatchObject({ paused: null });
  expect(actions(staged)).toEqual([
    'landing.enqueue',
    'landing.enqueue',
    'landing.prioritize',
    'landing.cancel',
    'landing.pause',
    'landing.resume',
  ]);
});

test('strangers see nothing of it, readers read, and who writes gives no orders to the queue', async () => {
  const { staged, branch, call, tokenOf, testForge } = await stage();
  const { forge, repo } = staged;
  const grant = (accountId: number, role: string) =>
    forge.db.run('INSERT INTO repo_members (repo_id, account_id, role) VALUES (:repo, :accountId, :role)', {
      repo: repo.id,
      accountId,
      role,
    });
  const [eve, rita, will] = [tokenOf('eve', 'write'), tokenOf('rita', 'write'), tokenOf('will', 'write')];
  grant(rita.account.id, 'read');
  grant(will.account.id, 'write');
  const head = { head: branch.headOid };
  const statuses = async (token: string) => {
    const ask = async (method: string, path: string, body?: object) =>
      (await call(method, path, { token, ...(body === undefined ? {} : { body }) })).status;
    return [
      await ask('GET', '/landings'),
      await ask('POST', '/branches/1/land', { ...head, priority: 1 }),
      await ask('POST', '/landings/pause', { reason: 'because' }),
      await ask('POST', '/branches/1/land', head),
      await ask('PUT', '/branches/1/land/priority', { priority: 1 }),
      await ask('DELETE', '/branches/1/land'),
    ];
  };
  expect(await statuses('')).toEqual([401, 401, 401, 401, 401, 401]);
  expect(await statuses(eve.token)).toEqual([404, 404, 404, 404, 404, 404]);
  expect(await statuses(rita.token)).toEqual([200, 403, 403, 403, 403, 403]);
  expect(await statuses(will.token)).toEqual([200, 403, 403, 200, 403, 200]);

  // A branch of another repository is not reached through this one.
  const other = await testForge.repo('ada/other', { files: { a: 'a' } });
  forge.db.run('UPDATE branches SET repo_id = :other WHERE id = :id', { other: other.id, id: branch.id });
  expect(await call('GET', '/branches/1/land')).toMatchObject({ status: 404 });
  expect(await call('DELETE', '/branches/1/land')).toMatchObject({ status: 404 });
});
