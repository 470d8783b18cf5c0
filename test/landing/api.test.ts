import { expect, test } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import {
  branchListView,
  branchStatusView,
  mergeChoicesView,
  mergeView,
  waitView,
} from '../../src/landing/model.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { serveApi } from './served-api.ts';
import { endLane, stageBranch, stageRepo, type StageOptions } from './staged-branch.ts';

const open = useForge();

async function stageApi(test: TestForge, options: StageOptions = {}) {
  const staged = await stageRepo(test);
  const origin = await serveApi(test, staged);
  const branch = await stageBranch(staged, options);
  const token = createToken(staged.forge, { accountId: staged.account.id, scope: 'write' });
  const call = async (path: string, body?: unknown, secret: string | undefined = token) => {
    const response = await fetch(`${origin}/api/v1/repos/ada/app/branches${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(secret === '' ? {} : { authorization: `Bearer ${secret}` }),
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  return { staged, branch, call };
}

test('branches are listed by name, head and state, the newest first, with a cursor', async () => {
  const { staged, branch, call } = await stageApi(
    await open({ settings: { limits: { maxRowsPerPage: 2 } } }),
  );
  const second = await stageBranch(staged, { name: 'second' });
  await stageBranch(staged, { name: 'third' });
  const numbers = async (query: string) =>
    branchListView.parse((await call(query)).body).branches.map((view) => view.number);
  expect(await numbers('?name=work')).toEqual([branch.number]);
  expect(await numbers(`?head=${second.headOid}`)).toEqual([second.number]);
  expect(await numbers('?state=merged')).toEqual([]);
  const page = branchListView.parse((await call('')).body);
  expect([page.branches.map((view) => view.number), page.next]).toEqual([[3, 2], 2]);
  expect(branchListView.parse((await call('?before=2')).body)).toMatchObject({
    branches: [{ number: 1 }],
    next: null,
  });
  // A page that is just full is the last one.
  expect(branchListView.parse((await call('?before=3')).body)).toMatchObject({
    branches: [{ number: 2 }, { number: 1 }],
    next: null,
  });
});

test('a branch is merged by the head that the caller has seen', async () => {
  const { branch, call } = await stageApi(await open());
  const status = branchStatusView.parse((await call('/1')).body);
  expect(status.gate).toMatchObject({ open: true, holds: [] });
  const merged = await call('/1/merge', { head: status.branch.head });
  expect(mergeView.parse(merged.body)).toMatchObject({ target: 'main' });
  expect(branchStatusView.parse((await call('/1')).body).branch).toMatchObject({
    state: 'merged',
    head: branch.headOid,
  });
});

test('a merge of another head, or with a red lane, is refused with 409 and says why', async () => {
  const { branch, call } = await stageApi(await open(), { lane: 'failed' });
  expect(await call('/1/merge', { head: '0'.repeat(40) })).toMatchObject({
    status: 409,
    body: { error: { code: 'conflict', message: expect.stringContaining('The branch moved') } },
  });
  expect(await call('/1/merge', { head: branch.headOid })).toMatchObject({
    status: 409,
    body: { error: { details: { holds: [{ kind: 'lane_not_green', lane: 'unit' }] } } },
  });
});

test('bad numbers, heads and queries are refused with what was expected', async () => {
  const { call } = await stageApi(await open());
  for (const number of ['99', '0', 'main', '1e3', '99999999999']) {
    expect(await call(`/${number}`), number).toMatchObject({ status: 404 });
  }
  expect(await call('/1/merge', { head: 'abc' })).toMatchObject({
    status: 400,
    body: { error: { message: expect.stringContaining('40 hexadecimal digits') } },
  });
  expect(await call('/1/merge', {})).toMatchObject({ status: 400 });
  expect(await call('?state=lost')).toMatchObject({ status: 400 });
  expect(await call('/1/wait?for=tea')).toMatchObject({ status: 400 });
  expect(await call('/1/wait?timeout=-1')).toMatchObject({ status: 400 });
});

test('nobody and strangers learn nothing of a private repository', async () => {
  const forge = await open();
  const { call } = await stageApi(forge);
  const { account } = forge.account('eve');
  const stranger = createToken(forge.forge, { accountId: account.id, scope: 'write' });
  for (const path of ['', '/1', '/1/wait']) {
    expect(await call(path, undefined, '')).toMatchObject({ status: 401 });
    expect(await call(path, undefined, stranger)).toMatchObject({ status: 404 });
  }
  for (const verb of ['merge', 'close', 'reopen']) {
    expect(await call(`/1/${verb}`, {}, '')).toMatchObject({ status: 401 });
    expect(await call(`/1/${verb}`, {}, stranger)).toMatchObject({ status: 404 });
  }
});

test('a token that may only read waits, and neither merges nor closes', async () => {
  const forge = await open();
  const { staged, branch, call } = await stageApi(forge);
  const reader = createToken(forge.forge, { accountId: staged.account.id, scope: 'read' });
  expect(await call('/1/wait', undefined, reader)).toMatchObject({ status: 200 });
  expect(await call('/1/merge', { head: branch.headOid }, reader)).toMatchObject({ status: 403 });
  expect(await call('/1/close', {}, reader)).toMatchObject({ status: 403 });
});

test('a wait is answered by the end of a lane', async () => {
  const { staged, branch, call } = await stageApi(await open(), { lane: 'running' });
  const first = waitView.parse((await call('/1/wait')).body);
  const waiting = call(`/1/wait?timeout=20&seen=${first.seen}`);
  endLane(staged.forge, branch, 'success');
  expect(waitView.parse((await waiting).body).outcome).toBe('settled');
});

test('a branch is aimed elsewhere, forced, taken back and had again', async () => {
  const { staged, branch, call } = await stageApi(await open(), { lane: 'failed' });
  await staged.text('update-ref', 'refs/heads/release', (await staged.tip('refs/heads/main'))!);
  expect(await call('/1/retarget', { target: '-x' })).toMatchObject({ status: 400 });
  expect(await call('/1/retarget', { target: 'release' })).toMatchObject({
    status: 200,
    body: { target: 'release', revision: 2 },
  });
  const choices = mergeChoicesView.parse((await call('/1/merge')).body);
  expect(choices.methods.map(({ method }) => method)).toEqual(['merge', 'squash', 'fast-forward']);

  const refused = await call('/1/merge', { head: branch.headOid, force: { reason: '' } });
  expect(refused.status).toBe(400);
  const order = { head: branch.headOid, method: 'squash', message: 'In one', force: { reason: 'Urgent.' } };
  expect(mergeView.parse((await call('/1/merge', order)).body)).toMatchObject({ target: 'release' });
  expect(await staged.text('log', '-1', '--format=%s', 'refs/heads/release')).toBe('In one');

  const revert = await call('/1/revert', { reason: 'Too early.' });
  expect(revert).toMatchObject({ status: 201, body: { name: 'revert-1', target: 'release' } });
  expect(await call('/1/restore', {})).toMatchObject({ status: 201, body: { name: 'work', number: 3 } });
  expect(await call('/9/revert', {})).toMatchObject({ status: 404 });
});
