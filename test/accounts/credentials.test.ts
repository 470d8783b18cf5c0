// The keys, tokens and sessions of accounts over the API: what each credential reaches, and what it does not.
import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import type { CreatedTokenView, SessionView } from '../../src/accounts/credentials-model.ts';
import { findCallerByToken } from '../../src/accounts/find.ts';
import { createLoginLink, createSession } from '../../src/accounts/sign-in.ts';
import { listAudit } from '../../src/accounts/store.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { mayCreateRepo } from '../../src/repos/rights.ts';
import { putMember } from '../../src/repos/store.ts';
import { serveApi } from '../landing/served-api.ts';
import { stageRepo } from '../landing/staged-branch.ts';
import { useForge, type TestForgeOptions } from '../support/forge.ts';

const open = useForge();
const day = 24 * 60 * 60_000;

async function serve(options: TestForgeOptions = {}) {
  const it = await open(options);
  const staged = await stageRepo(it);
  const origin = await serveApi(it, staged);
  const adminToken = createToken(it.forge, { accountId: staged.account.id, scope: 'admin' });
  const ask = async (token: string, method: string, path: string, body?: unknown) => {
    const response = await fetch(`${origin}/api/v1${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
  };
  const makeToken = async (order: Record<string, unknown>): Promise<CreatedTokenView> => {
    const { status, body } = await ask(adminToken, 'POST', '/account/tokens', order);
    expect(status).toBe(201);
    return body as CreatedTokenView;
  };
  return { it, staged, adminToken, ask, makeToken, origin };
}

function keyLine(): string {
  const { publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return `ssh-ed25519 ${Buffer.concat([field(Buffer.from('ssh-ed25519')), field(raw)]).toString('base64')}`;
}

test('a token for one repository reaches it, no other one and nothing of the account or the forge', async () => {
  const { it, ask, makeToken } = await serve();
  await it.repo('ada/hidden');
  await it.repo('bea/open', { visibility: 'public' });
  const made = await makeToken({ scope: 'admin', repo: 'ada/app', label: 'robot' });
  expect(made).toMatchObject({ repo: 'ada/app', scope: 'admin', expiresAt: null });
  const status = async (method: string, path: string, body?: unknown) =>
    (await ask(made.token, method, path, body)).status;
  expect(await status('GET', '/repos/ada/app')).toBe(200);
  expect(await status('PATCH', '/repos/ada/app', { description: 'new' })).toBe(200);
  expect(await status('GET', '/repos/ada/app/deploy-keys')).toBe(200);
  for (const other of ['/repos/ada/hidden', '/repos/bea/open']) expect(await status('GET', other)).toBe(404);
  expect((await ask(made.token, 'GET', '/repos')).body).toMatchObject({ repos: [{ name: 'app' }] });
  for (const [method, path, body] of [
    ['POST', '/repos', { owner: 'ada', name: 'more' }],
    ['GET', '/account/tokens'],
    ['POST', '/account/tokens', {}],
    ['POST', '/account/keys', { text: keyLine() }],
    ['GET', '/account/passkeys'],
    ['GET', '/account/nostr-keys'],
    ['DELETE', '/account/sessions'],
    ['GET', '/accounts'],
  ] as const) {
    expect(await status(method, path, body), `${method} ${path}`).toBe(403);
  }
  expect((await ask(made.token, 'GET', '/whoami')).body).toMatchObject({ name: 'ada' });
  // Nor does a push with it make a repository.
  const caller = findCallerByToken(it.forge, made.token, '')!;
  expect(mayCreateRepo(caller, 'ada')).toBe(false);
  expect(mayCreateRepo({ ...caller, onlyRepo: undefined }, 'ada')).toBe(true);
});

test('a token for one repository is not made for one that the caller may not see', async () => {
  const { it, ask, adminToken } = await serve();
  await it.repo('bea/hidden');
  for (const repo of ['bea/hidden', 'ada/none', 'ada', '../../x']) {
    expect(await ask(adminToken, 'POST', '/account/tokens', { repo })).toMatchObject({ status: 404 });
  }
});

test('a token ends with its days, and when it is revoked', async () => {
  const clock = new SettableClock();
  const { ask, makeToken, adminToken } = await serve({ clock });
  const [short, long] = [await makeToken({ expiresInDays: 1 }), await makeToken({ expiresInDays: 30 })];
  clock.advance(day);
  expect((await ask(short.token, 'GET', '/whoami')).status).toBe(401);
  expect((await ask(long.token, 'GET', '/whoami')).status).toBe(200);
  const { body } = await ask(adminToken, 'GET', '/account/tokens');
  expect(body).toMatchObject({
    tokens: [{ isCurrent: true }, { id: long.id, isCurrent: false, lastUsedAt: expect.any(String) }],
  });
  expect(JSON.stringify(body)).not.toContain(long.token);
  expect((await ask(adminToken, 'DELETE', `/account/tokens/${long.id}`)).status).toBe(204);
  expect((await ask(adminToken, 'DELETE', `/account/tokens/${long.id}`)).status).toBe(404);
  expect((await ask(long.token, 'GET', '/whoami')).status).toBe(401);
});

test('a token that reads or writes makes no other credential, and each account sees its own alone', async () => {
  const { it, ask, makeToken } = await serve();
  for (const scope of ['read', 'write']) {
    const { token } = await makeToken({ scope });
    for (const [method, path, body] of [
      ['POST', '/account/tokens', { scope: 'read' }],
      ['POST', '/account/keys', { text: keyLine() }],
      ['GET', '/account/passkeys/challenge'],
      ['PUT', '/account/second-factor', { required: false }],
    ] as const) {
      expect(await ask(token, method, path, body), path).toMatchObject({ status: 403 });
    }
    const refused = await ask(token, 'POST', '/account/tokens', {});
    expect(JSON.stringify(refused.body)).toContain('ph login --scope admin');
  }
  const bea = createToken(it.forge, { accountId: it.account('bea').account.id, scope: 'admin' });
  const { id } = await makeToken({});
  expect((await ask(bea, 'GET', '/account/tokens')).body).toMatchObject({ tokens: [{ isCurrent: true }] });
  expect((await ask(bea, 'DELETE', `/account/tokens/${id}`)).status).toBe(404);
});

test('a link becomes a token of the scope that is asked for, and the record says what it came from', async () => {
  const { it, staged, ask } = await serve();
  const exchange = async (order: Record<string, unknown>) => {
    const secret = createLoginLink(it.forge, { accountId: staged.account.id }).split('/').at(-1);
    const { status, body } = await ask('', 'POST', '/sessions', { secret, ...order });
    expect(status).toBe(201);
    return findCallerByToken(it.forge, (body as { token: string }).token, '')?.scope;
  };
  expect(await exchange({})).toBe('write');
  expect(await exchange({ scope: 'admin' })).toBe('admin');
  expect(listAudit(it.forge.db, 1)).toMatchObject([
    { action: 'token.create', account: 'ada', credential: 'login link', address: '127.0.0.1' },
  ]);
});

test('keys are added, listed and removed, and each change has its row with actor and credential', async () => {
  const { it, ask, adminToken } = await serve();
  const added = await ask(adminToken, 'POST', '/account/keys', { text: keyLine(), label: 'laptop' });
  expect(added).toMatchObject({ status: 201, body: { label: 'laptop', lastUsedAt: null } });
  const { id, fingerprint } = added.body as { id: number; fingerprint: string };
  expect((await ask(adminToken, 'GET', '/account/keys')).body).toEqual({ keys: [added.body] });
  expect((await ask(adminToken, 'DELETE', `/account/keys/${id}`)).status).toBe(204);
  expect((await ask(adminToken, 'DELETE', `/account/keys/${id}`)).status).toBe(404);
  const [removal, addition] = listAudit(it.forge.db, 2);
  expect(addition).toMatchObject({ action: 'key.add', account: 'ada', address: '127.0.0.1' });
  expect(removal).toMatchObject({ action: 'key.remove', credential: expect.stringMatching(/^token \d+$/) });
  expect(JSON.parse(removal!.detail)).toEqual({ id, fingerprint });
});

test('an agent’s tokens and keys are managed by admins, and never have the scope of one', async () => {
  const { it, ask, adminToken } = await serve();
  const root = createToken(it.forge, { accountId: it.account('root', 'admin').account.id, scope: 'admin' });
  expect((await ask(root, 'POST', '/agents', { name: 'bot' })).status).toBe(201);
  const made = await ask(root, 'POST', '/agents/bot/tokens', {
    scope: 'read',
    repo: 'ada/app',
    label: 'more',
  });
  expect(made).toMatchObject({ status: 201, body: { repo: 'ada/app' } });
  const { token, id } = made.body as CreatedTokenView;
  expect((await ask(token, 'GET', '/whoami')).body).toMatchObject({ name: 'bot', kind: 'agent' });
  expect((await ask(root, 'GET', '/agents/bot/tokens')).body).toMatchObject({
    tokens: [{ label: 'agent' }, { label: 'more' }],
  });
  expect((await ask(root, 'POST', '/agents/bot/tokens', { scope: 'admin' })).status).toBe(400);
  expect((await ask(root, 'POST', '/agents/ada/tokens', {})).status).toBe(400);
  expect((await ask(adminToken, 'GET', '/agents/bot/tokens')).status).toBe(403);
  expect((await ask(root, 'POST', '/agents/bot/keys', { text: keyLine() })).status).toBe(201);
  expect((await ask(root, 'DELETE', `/agents/bot/tokens/${id}`)).status).toBe(204);
  expect((await ask(token, 'GET', '/whoami')).status).toBe(401);
});

test('sessions are listed and ended, one by one and all the others, and the oldest make room', async () => {
  const { it, staged, ask, adminToken, origin } = await serve({
    settings: { limits: { maxSessionsPerAccount: 3 } },
  });
  const start = (userAgent: string) =>
    createSession(it.forge, { accountId: staged.account.id, address: '192.0.2.1', userAgent }).secret;
  const secrets = ['a', 'b', 'c', 'd'].map(start);
  const list = async () =>
    ((await ask(adminToken, 'GET', '/account/sessions')).body as { sessions: SessionView[] }).sessions;
  expect((await list()).map(({ userAgent }) => userAgent)).toEqual(['d', 'c', 'b']);
  const [newest] = await list();
  expect((await ask(adminToken, 'DELETE', `/account/sessions/${newest!.id}`)).status).toBe(204);
  const bySession = async (secret: string) =>
    (await fetch(`${origin}/api/v1/whoami`, { headers: { cookie: `pika_session=${secret}` } })).status;
  expect(await bySession(secrets[3]!)).toBe(401);
  expect(await bySession(secrets[2]!)).toBe(200);
  expect((await ask(adminToken, 'DELETE', '/account/sessions')).body).toEqual({ ended: 2 });
  expect(await bySession(secrets[2]!)).toBe(401);
});

test('deploy keys are for those who maintain the repository, with a credential that may do everything', async () => {
  const { it, staged, ask, adminToken, makeToken } = await serve();
  const path = '/repos/ada/app/deploy-keys';
  const text = keyLine();
  const added = await ask(adminToken, 'POST', path, { text, label: 'robot', right: 'write' });
  expect(added).toMatchObject({ status: 201, body: { right: 'write', createdBy: 'ada', label: 'robot' } });
  const { id } = added.body as { id: number };
  expect((await ask(adminToken, 'GET', path)).body).toEqual({ keys: [added.body] });
  // One key is in one place.
  expect((await ask(adminToken, 'POST', '/account/keys', { text })).status).toBe(409);
  expect((await ask(adminToken, 'POST', path, { text })).status).toBe(409);
  expect((await ask((await makeToken({ scope: 'write' })).token, 'GET', path)).status).toBe(403);
  const { account } = it.account('bea');
  putMember(it.forge.db, { repoId: staged.repo.id, accountId: account.id, role: 'write' });
  const bea = createToken(it.forge, { accountId: account.id, scope: 'admin' });
  for (const method of ['GET', 'POST'])
    expect((await ask(bea, method, path, method === 'GET' ? undefined : { text })).status).toBe(403);
  // Z3: the key of another repository.
  await it.repo('ada/other');
  expect((await ask(adminToken, 'DELETE', `/repos/ada/other/deploy-keys/${id}`)).status).toBe(404);
  expect((await ask(adminToken, 'DELETE', `${path}/${id}`)).status).toBe(204);
  expect((await ask(adminToken, 'GET', path)).body).toEqual({ keys: [] });
});

test('what can grow has a maximum, and the refusal says the way out', async () => {
  const limits = { maxTokensPerAccount: 2, maxKeysPerAccount: 1, maxDeployKeysPerRepo: 1 };
  const { ask, adminToken, makeToken } = await serve({ settings: { limits } });
  await makeToken({});
  for (const [path, isFirst] of [
    ['/account/tokens', false],
    ['/account/keys', true],
    ['/repos/ada/app/deploy-keys', true],
  ] as const) {
    const order = () => (path.endsWith('tokens') ? {} : { text: keyLine() });
    if (isFirst) expect((await ask(adminToken, 'POST', path, order())).status).toBe(201);
    expect(await ask(adminToken, 'POST', path, order()), path).toMatchObject({
      status: 429,
      body: { error: { code: 'limited', message: expect.stringMatching(/remove one first|revoke some/) } },
    });
  }
});
