import '../support/check-answers.ts';
import { expect, test } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { conflictsView } from '../../src/landing/conflicts/model.ts';
import { holdsView, holdView } from '../../src/landing/holds/model.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { serveApi } from './served-api.ts';
import { stageBranch, stageRepo } from './staged-branch.ts';

const open = useForge();

async function stage() {
  const it = await open();
  const staged = await stageRepo(it);
  const origin = await serveApi(it, staged);
  const branch = await stageBranch(staged, { files: { 'a.txt': 'theirs\n' } });
  const token = (scope: 'read' | 'write') => createToken(it.forge, { accountId: staged.account.id, scope });
  const asWriter = token('write');
  const ask = async (method: string, path: string, body?: unknown, secret = asWriter) => {
    const response = await fetch(`${origin}/api/v1/repos/ada/app/branches/${path}`, {
      method,
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as unknown };
  };
  return { ...staged, branch, ask, reader: token('read') };
}

test('a branch is held, its holds are listed, and one is lifted', async () => {
  const { ask } = await stage();
  const held = await ask('POST', '1/holds', { reason: 'the demo runs', hours: 2 });
  expect(held.status).toBe(201);
  const { id, expiresAt } = holdView.parse(held.body);
  expect(expiresAt).not.toBeNull();
  const listed = holdsView.parse((await ask('GET', '1/holds')).body);
  expect(listed).toMatchObject({ draft: false, holds: [{ id, author: 'ada', reason: 'the demo runs' }] });
  expect((await ask('DELETE', `1/holds/${id}`)).status).toBe(204);
  expect((await ask('DELETE', `1/holds/${id}`)).status).toBe(404);
  expect(holdsView.parse((await ask('GET', '1/holds')).body).holds).toEqual([]);
});

test('a branch is a draft until it is ready', async () => {
  const { ask } = await stage();
  expect(holdsView.parse((await ask('PUT', '1/draft', { draft: true })).body).draft).toBe(true);
  expect(holdsView.parse((await ask('PUT', '1/draft', { draft: false })).body).draft).toBe(false);
});

test('what is not understood, not there or not allowed is refused', async () => {
  const { ask, reader } = await stage();
  expect((await ask('POST', '1/holds', {})).status).toBe(400);
  expect((await ask('PUT', '1/draft', { draft: 'yes' })).status).toBe(400);
  expect((await ask('POST', '9/holds', { reason: 'x' })).status).toBe(404);
  expect((await ask('DELETE', '1/holds/x')).status).toBe(404);
  expect((await ask('POST', '1/holds', { reason: 'x' }, reader)).status).toBe(403);
  expect((await ask('PUT', '1/draft', { draft: true }, reader)).status).toBe(403);
  expect((await ask('GET', '1/holds', undefined, reader)).status).toBe(200);
});

test('the conflicts of a branch are told with the commands that settle them', async () => {
  const { ask, forge, folder } = await stage();
  expect(conflictsView.parse((await ask('GET', '1/conflicts')).body).files).toEqual([]);
  await pushFiles(forge.git, { repo: folder, branch: 'main', files: { 'a.txt': 'ours\n' } });
  const { files, commands } = conflictsView.parse((await ask('GET', '1/conflicts')).body);
  expect(files).toMatchObject([{ path: 'a.txt', hunks: [{ target: ['ours'], branch: ['theirs'] }] }]);
  expect(commands).toContain('git add -- a.txt');
});
