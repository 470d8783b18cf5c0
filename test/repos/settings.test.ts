// Settings and protected patterns over real HTTP, as API and as page: who may, what is refused, what it does to refs and rows.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { recentAudit } from '../../src/accounts/audit.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import type { Account, TokenScope } from '../../src/accounts/model.ts';
import { findOpenBranch, listOpenBranches } from '../../src/branches/find.ts';
import { openBranches } from '../../src/branches/open.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { reposApi } from '../../src/repos/api.ts';
import { findRepo, getRepo } from '../../src/repos/find.ts';
import { protectedView, repoView } from '../../src/repos/model.ts';
import { reposPages } from '../../src/repos/pages.ts';
import { protectionOf } from '../../src/repos/protected.ts';
import { putMember } from '../../src/repos/store.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();

async function serve() {
  const it = await open();
  const { forge } = it;
  const ada = it.account('ada').account;
  const repo = await it.repo('ada/app', { files: { a: '1\n' } });
  const app = createApp({ trustedProxies: [], maxRequestBytes: 100_000 });
  app.use(
    identify(forge, () => true),
    ...bodyParsers({ maxRequestBytes: 100_000 }),
    refuseForgery,
  );
  app.use(reposApi(forge), reposPages(forge), notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  it.defer(() => void server.close());
  it.defer(() => void server.closeAllConnections());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  /** Asks as an account, or as nobody; an object is sent as JSON, a form as a form. */
  const as = (account?: Account, scope: TokenScope = 'admin') => {
    const token = account && createToken(forge, { accountId: account.id, scope });
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return async (method: string, path: string, body?: object | URLSearchParams) => {
      const isForm = body instanceof URLSearchParams;
      const sent = body && {
        body: isForm ? body : JSON.stringify(body),
        headers: { ...headers, ...(isForm ? {} : { 'content-type': 'application/json' }) },
      };
      const response = await fetch(origin + path, { method, headers, redirect: 'manual', ...sent });
      const text = await response.text();
      return { status: response.status, to: response.headers.get('location'), text };
    };
  };
  const push = (branch: string) =>
    pushFiles(forge.git, {
      repo: it.repoFolder(repo),
      branch,
      from: 'refs/heads/main',
      files: { [branch.replaceAll('/', '-')]: '1\n' },
    });
  return { it, forge, repo, ada, as, push, asAda: as(ada) };
}

const api = '/api/v1/repos/ada/app';
const settings = '/ada/app/settings';
const patternsIn = (text: string) => protectedView.parse(JSON.parse(text)).patterns;

describe('protected patterns by API', () => {
  test('are added, listed with what they match now, replaced and removed, each with an audit row', async () => {
    const { forge, repo, asAda, push } = await serve();
    await push('release/1.0');
    await push('release/1.1');
    const added = await asAda('POST', `${api}/protected`, { pattern: 'release/*' });
    expect(added.status).toBe(201);
    expect(patternsIn(added.text)).toEqual([
      { pattern: 'release/*', branches: ['release/1.0', 'release/1.1'], total: 2 },
    ]);
    expect((await asAda('POST', `${api}/protected`, { pattern: 'release/*' })).status).toBe(200);
    expect(protectionOf(forge, repo)('release/9')).toEqual({ isDefault: false, pattern: 'release/*' });

    const replaced = await asAda('PUT', `${api}/protected`, { patterns: ['v?', 'a/**'] });
    expect(patternsIn(replaced.text).map(({ pattern }) => pattern)).toEqual(['a/**', 'v?']);
    const removed = await asAda('DELETE', `${api}/protected/${encodeURIComponent('a/**')}`);
    expect(patternsIn(removed.text).map(({ pattern }) => pattern)).toEqual(['v?']);
    expect((await asAda('DELETE', `${api}/protected/a`)).status).toBe(404);
    const actions = recentAudit(forge, 10).map(({ action }) => action);
    expect(actions.filter((action) => action.startsWith('protection.'))).toEqual([
      'protection.remove',
      'protection.replace',
      'protection.add',
    ]);
  });

  test('a bad pattern is refused with the sign that is wrong, and of several none is written', async () => {
    const { forge, repo, asAda } = await serve();
    for (const patterns of [['good', '!main'], ['good', '**'], ['refs/heads/x']]) {
      const { status, text } = await asAda('PUT', `${api}/protected`, { patterns });
      expect(status).toBe(400);
      expect(text).toContain('is no pattern: ');
    }
    forge.config.limits.maxProtectedPatterns = 2;
    expect((await asAda('PUT', `${api}/protected`, { patterns: ['a', 'b', 'c'] })).status).toBe(429);
    expect(protectionOf(forge, repo)('good')).toBeUndefined();
    expect(protectionOf(forge, repo)('a')).toBeUndefined();
  });
});

describe('Z2: who may change settings', () => {
  const writes = [
    ['POST', `${api}/protected`, { pattern: 'x' }],
    ['PUT', `${api}/protected`, { patterns: [] }],
    ['DELETE', `${api}/protected/keep`, undefined],
    ['PATCH', api, { visibility: 'public' }],
    ['POST', settings, new URLSearchParams({ visibility: 'public' })],
    ['POST', `${settings}/name`, new URLSearchParams({ name: 'x' })],
    ['POST', `${settings}/protected`, new URLSearchParams({ pattern: 'x' })],
    ['POST', `${settings}/protected/look`, new URLSearchParams({ pattern: 'x' })],
    ['POST', `${settings}/protected/remove`, new URLSearchParams({ pattern: 'keep' })],
    ['GET', settings, undefined],
  ] as const;

  test('nobody but a maintainer with a credential for everything: not writers, strangers, or tokens that only write', async () => {
    const { it, forge, repo, ada, as, asAda } = await serve();
    await asAda('PUT', `${api}/protected`, { patterns: ['keep'] });
    const ben = it.account('ben').account;
    putMember(forge.db, { repoId: repo.id, accountId: ben.id, role: 'write' });
    const callers = [
      [as(), 401],
      [as(it.account('eve').account), 404],
      [as(ben), 403],
      [as(ada, 'read'), 403],
      [as(ada, 'write'), 403],
    ] as const;
    for (const [method, path, body] of writes) {
      for (const [ask, status] of callers) {
        expect((await ask(method, path, body)).status, `${method} ${path}`).toBe(status);
      }
    }
    const now = getRepo(forge, repo.id);
    expect(now).toEqual(repo);
    expect(protectionOf(forge, now)('keep')).toBeDefined();
    expect((await as(ben)('GET', `${api}/protected`)).status).toBe(200);
    expect((await as()('GET', `${api}/protected`)).status).toBe(401);
  });
});

describe('the default branch', () => {
  test('is changed to one that exists: HEAD follows, the old one stays protected, and the new one is nobody’s work', async () => {
    const { it, forge, repo, asAda, push } = await serve();
    await push('develop');
    await push('topic');
    await scanRepo(forge, repo);
    const branches = openBranches(forge);
    it.defer(() => branches.stop());
    const told = forge.events.next('protection-changed');
    const answer = await asAda('PATCH', api, { defaultBranch: 'develop' });
    expect(repoView.parse(JSON.parse(answer.text))).toMatchObject({ defaultBranch: 'develop' });
    expect(await told).toEqual({ repoId: repo.id });
    const head = await forge.git.text(['symbolic-ref', 'HEAD'], { repo: it.repoFolder(repo) });
    expect(head).toBe('refs/heads/develop');
    expect(protectionOf(forge, getRepo(forge, repo.id))('main')).toEqual({
      isDefault: false,
      pattern: 'main',
    });

    const settled = forge.events.next('branch-settled');
    branches.start();
    branches.look(repo.id);
    expect(await settled).toMatchObject({ state: 'closed' });
    expect(listOpenBranches(forge, { repoId: repo.id })).toMatchObject([{ name: 'topic', target: 'main' }]);
  });

  test('is not changed to one that does not exist, except in an empty repository', async () => {
    const { it, forge, repo, asAda } = await serve();
    const missing = await asAda('PATCH', api, { defaultBranch: 'nowhere', description: 'x' });
    expect(missing.status).toBe(400);
    expect(missing.text).toContain('There is no branch nowhere in ada/app. Push it first.');
    expect((await asAda('PATCH', api, { defaultBranch: '--upload-pack=id' })).status).toBe(400);
    expect(getRepo(forge, repo.id)).toEqual(repo);

    const empty = await it.repo('ada/empty');
    expect((await asAda('PATCH', '/api/v1/repos/ada/empty', { defaultBranch: 'trunk' })).status).toBe(200);
    expect(getRepo(forge, empty.id)).toMatchObject({ defaultBranch: 'trunk', isDefaultChosen: true });
  });
});

test('a pattern ends the branches it matches as work, and taking it away makes them new branches', async () => {
  const { it, forge, repo, asAda, push } = await serve();
  await push('stable/1');
  await scanRepo(forge, repo);
  const branches = openBranches(forge);
  it.defer(() => branches.stop());
  const off = forge.events.on('protection-changed', ({ repoId }) => branches.look(repoId));
  it.defer(off);
  branches.start();
  const settled = forge.events.next('branch-settled');
  await asAda('POST', `${api}/protected`, { pattern: 'stable/*' });
  expect(await settled).toMatchObject({ state: 'closed' });
  expect(findOpenBranch(forge, repo.id, 'stable/1')).toBeUndefined();
  const pushed = forge.events.next('branch-pushed');
  await asAda('DELETE', `${api}/protected/${encodeURIComponent('stable/*')}`);
  await pushed;
  expect(findOpenBranch(forge, repo.id, 'stable/1')).toMatchObject({ number: 2 });
});

describe('the settings page', () => {
  const general = {
    description: 'Hooks',
    visibility: 'public',
    defaultBranch: 'main',
    mergeMethod: 'squash',
  };

  test('saves what is chosen, and a box that is not ticked is off', async () => {
    const { forge, repo, asAda } = await serve();
    const saved = await asAda('POST', settings, new URLSearchParams({ ...general, takesNotes: 'on' }));
    expect(saved).toMatchObject({ status: 303, to: '/ada/app/settings?saved=general#general' });
    expect(getRepo(forge, repo.id)).toMatchObject({ ...general, takesNotes: true });
    await asAda('POST', settings, new URLSearchParams(general));
    expect(getRepo(forge, repo.id)).toMatchObject({ takesNotes: false });
    const { text } = await asAda('GET', `${settings}?saved=general`);
    expect(text).toContain('Saved.');
    expect(text).toContain('Only the default branch is protected.');
  });

  test('a refused form comes back with what was typed and why', async () => {
    const { asAda } = await serve();
    const typed = new URLSearchParams({ ...general, defaultBranch: 'gone', description: 'Kept <b>' });
    const refused = await asAda('POST', settings, typed);
    expect(refused.status).toBe(400);
    expect(refused.text).toContain('There is no branch gone in ada/app. Push it first.');
    expect(refused.text).toContain('value="Kept &lt;b&gt;"');
    expect(refused.text).toContain('aria-invalid="true"');
    const bad = await asAda('POST', `${settings}/protected`, new URLSearchParams({ pattern: '{a,b}' }));
    expect(bad.text).toMatch(/is no pattern: .+ but not &quot;{&quot;/);
    expect(bad.text).toContain('value="{a,b}"');
  });

  test('shows what a pattern would match before it protects anything', async () => {
    const { forge, repo, asAda, push } = await serve();
    for (const name of ['fix-1', 'fix-2', 'other']) await push(name);
    const look = (pattern: string) =>
      asAda('POST', `${settings}/protected/look`, new URLSearchParams({ pattern }));
    const { status, text } = await look('fix-*');
    expect(status).toBe(200);
    expect(text).toMatch(/It matches[^]*fix-1[^]*fix-2/);
    expect(text).not.toContain('<span class="ref">other');
    expect((await look('zzz')).text).toContain('no branch now');
    expect((await look('!x')).status).toBe(400);
    expect(protectionOf(forge, repo)('fix-1')).toBeUndefined();
  });

  test('a repository is renamed, to no name that is bad or taken', async () => {
    const { it, forge, repo, asAda } = await serve();
    await it.repo('ada/other');
    const rename = (name: string) => asAda('POST', `${settings}/name`, new URLSearchParams({ name }));
    expect((await rename('Other')).status).toBe(409);
    expect((await rename('../x')).status).toBe(400);
    expect(await rename('App')).toMatchObject({ status: 303 });
    expect(await rename('hooks')).toMatchObject({ to: '/ada/hooks/settings?saved=name#name' });
    expect(findRepo(forge, 'ada', 'hooks')?.id).toBe(repo.id);
    expect(findRepo(forge, 'ada', 'app')).toBeUndefined();
  });
});
