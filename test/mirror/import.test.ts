// Importing: from a server that speaks Gitea's API, over the API, the pages and ph; and from a folder, by the operator.
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accountsApi } from '../../src/accounts/api.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import type { Account } from '../../src/accounts/model.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { resolveRef } from '../../src/git/refs.ts';
import { hasLfsObject } from '../../src/lfs/find.ts';
import { sweepLfs } from '../../src/lfs/sweep.ts';
import { Slots } from '../../src/lib/slot.ts';
import { importsApi, importsPages } from '../../src/mirror/imports/route-imports.ts';
import { apiAddress } from '../../src/mirror/imports/foreign-forge.ts';
import { importView, upstreamView } from '../../src/mirror/pull/model.ts';
import { openPulls, type Pulls } from '../../src/mirror/pull/open-pulls.ts';
import { upstreamApi } from '../../src/mirror/pull/route-upstream.ts';
import { upstreamPages } from '../../src/mirror/pull/route-upstream-pages.ts';
import { parseRemoteAddress } from '../../src/mirror/remote/remote-address.ts';
import { commandRequest, runCommand } from '../../src/operator/commands.ts';
import { reposApi } from '../../src/repos/api.ts';
import { findRepo } from '../../src/repos/find.ts';
import { repoPath } from '../../src/repos/path.ts';
import { repoNames } from '../../src/repos/names.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { launcher } from '../ph/at-terminal.ts';
import { startBackend, type Backend } from '../support/foreign-http.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { runProgram } from '../support/run-program.ts';
import { oidOf, pointerTo } from './lfs-remote.ts';

const token = 'import-token-123';
let forged: TestForge;
let elsewhere: Backend;
let pulls: Pulls;
let origin: string;
let ada: Account;
let head: string;

beforeAll(async () => {
  const mirror = { allowedSchemes: ['https', 'ssh', 'http'], allowedRanges: ['127.0.0.0/8'] };
  forged = await openTestForge({ settings: { mirror } });
  elsewhere = await startBackend({
    token,
    instead: ({ url, headers }, response) => {
      if (url?.startsWith('/api/v1/repos/') !== true) return false;
      const isPublic = headers.authorization === `token ${token}` && url.endsWith('/team/site');
      response.writeHead(isPublic ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ description: ' A <b>site</b>\n of theirs ', private: false, more: 1 }));
      return true;
    },
  });
  mkdirSync(join(elsewhere.folder, 'team'));
  await elsewhere.repo('team/site.git');
  const there = join(elsewhere.folder, 'team/site.git');
  head = await pushFiles(forged.forge.git, { repo: there, branch: 'trunk', files: { a: '1\n' } });
  await pushFiles(forged.forge.git, { repo: there, branch: 'work/x', files: { b: '2\n' } });
  await forged.forge.git.run(['symbolic-ref', 'HEAD', 'refs/heads/trunk'], { repo: there });
  ada = forged.account('ada').account;
  await serve();
});
afterAll(async () => {
  await forged.dispose();
  await elsewhere.stop();
});

async function serve(): Promise<void> {
  const { forge } = forged;
  pulls = openPulls(forge, new Slots());
  pulls.start();
  forged.defer(() => pulls.stop());
  const web = { trustedProxies: [], maxRequestBytes: 100_000 };
  const app = createApp(web);
  const parsers = bodyParsers(web);
  app.use(
    identify(forge, () => true),
    ...parsers,
    refuseForgery,
  );
  app.get('/api/v1/forge', (_request, response) => {
    response.json({ origin, sshHost: '127.0.0.1', sshPort: 2222, version: '0.1.0' });
  });
  app.use(accountsApi(forge, repoNames(forge)), reposApi(forge));
  app.use(importsApi(forge, pulls), upstreamApi(forge, pulls));
  app.use(importsPages(forge, pulls), upstreamPages(forge, pulls), notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  forged.defer(() => void server.close());
  forged.defer(() => void server.closeAllConnections());
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const url = (): string => `http://127.0.0.1:${elsewhere.port}/team/site`;
const bearerOf = (account: Account, scope: 'write' | 'admin' = 'admin'): string =>
  createToken(forged.forge, { accountId: account.id, scope, label: 'test' });

async function ask(method: string, path: string, body?: object, bearer = bearerOf(ada)) {
  const isForm = body instanceof URLSearchParams;
  const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json';
  const response = await fetch(origin + path, {
    method,
    redirect: 'manual',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': type },
    ...(body && { body: isForm ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, to: response.headers.get('location') };
}

const credential = { kind: 'token', token };

describe('over the API', () => {
  test('everything comes, with the description, the visibility and the default branch that it has there', async () => {
    const wanted = { url: url(), owner: 'ada', name: 'site', credential, visibility: 'same', follows: true };
    const made = await ask('POST', '/api/v1/imports', wanted);
    expect(made.status).toBe(201);
    expect(importView.parse(JSON.parse(made.text))).toMatchObject({ owner: 'ada', name: 'site' });
    await pulls.settled();
    const repo = findRepo(forged.forge, 'ada', 'site');
    expect(repo).toMatchObject({
      description: 'A <b>site</b> of theirs',
      visibility: 'public',
      defaultBranch: 'trunk',
    });
    const path = repoPath(forged.forge, repo?.id ?? 0);
    expect(await resolveRef(forged.forge.git, path, 'refs/heads/trunk')).toBe(head);
    // As the loop of branches does when it hears of the refs.
    await scanRepo(forged.forge, { id: repo?.id ?? 0 });
    const upstream = await ask('GET', '/api/v1/repos/ada/site/upstream');
    expect(upstreamView.parse(JSON.parse(upstream.text))).toMatchObject({
      state: 'in-step',
      follows: true,
      credential: 'token',
      refs: { total: 2, left: [] },
      pulls: [{ state: 'done', created: 2 }],
    });
    expect(upstream.text + made.text).not.toContain(token);
    const again = await ask('POST', '/api/v1/repos/ada/site/upstream/pull');
    expect(again.status).toBe(200);
    await pulls.settled();
    const removed = await ask('DELETE', '/api/v1/repos/ada/site/upstream');
    expect([removed.status, (await ask('GET', '/api/v1/repos/ada/site/upstream')).status]).toEqual([
      204, 404,
    ]);
  });

  test('of two pulls that are asked for at once, one begins and the other is refused', async () => {
    const made = await ask('POST', '/api/v1/imports', {
      url: url(),
      owner: 'ada',
      name: 'twice',
      credential,
    });
    expect(made.status).toBe(201);
    await pulls.settled();
    const both = [1, 2].map(() => ask('POST', '/api/v1/repos/ada/twice/upstream/pull'));
    const statuses = (await Promise.all(both)).map(({ status }) => status);
    await pulls.settled();
    expect(statuses.toSorted()).toEqual([200, 409]);
  });

  test('a wrong token, address, name or owner is told at once, and no repository is made', async () => {
    const asked = { url: url(), owner: 'ada', name: 'never', credential };
    const answers = await Promise.all(
      [
        { ...asked, credential: { kind: 'token', token: 'wrong-token-9' } },
        { ...asked, url: `${url()}-of-nobody` },
        { ...asked, url: 'ext::sh -c id' },
        { ...asked, url: 'https://169.254.169.254/a/b' },
        { ...asked, name: '-x' },
        { ...asked, owner: 'ben' },
      ].map((body) => ask('POST', '/api/v1/imports', body)),
    );
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 403, 400, 403]);
    expect(answers[0]?.text).toContain('does not take the credential');
    expect(answers[1]?.text).toContain('There is no repository at this address');
    for (const { text } of answers) expect(text).not.toMatch(/wrong-token-9|import-token/);
    const weak = await ask('POST', '/api/v1/imports', asked, bearerOf(ada, 'write'));
    expect(weak.status).toBe(403);
    expect(findRepo(forged.forge, 'ada', 'never')).toBeUndefined();
  });
});

test('the page imports under the name that it has there, and the page of the upstream follows, changes and gives up', async () => {
  const { caller } = forged.account('eve');
  const bearer = bearerOf(caller.account ?? ada);
  const form = { url: url(), owner: 'eve', name: '', user: '', token, visibility: 'private' };
  const refused = await ask(
    'POST',
    '/new/import',
    new URLSearchParams({ ...form, token: 'no-such-token' }),
    bearer,
  );
  expect(refused.status).toBe(400);
  expect(refused.text).toContain('does not take the credential');
  expect(refused.text).not.toContain('no-such-token');
  const made = await ask('POST', '/new/import', new URLSearchParams(form), bearer);
  expect(made).toMatchObject({ status: 303, to: '/eve/site/settings/upstream' });
  await pulls.settled();
  const page = await ask('GET', '/eve/site/settings/upstream', undefined, bearer);
  expect(page.text).toContain('Imported');
  expect(page.text).not.toContain(token);
  const rules = { everyMinutes: '5', patterns: 'refs/heads/trunk', rewrites: 'keep', deletions: 'keep' };
  const change = new URLSearchParams({ ...rules, follows: 'on', credential: 'as-it-is' });
  expect((await ask('POST', '/eve/site/settings/upstream/change', change, bearer)).status).toBe(303);
  await pulls.settled();
  const fragment = await ask('GET', '/eve/site/settings/upstream?fragment=state', undefined, bearer);
  expect(fragment.text).toContain('In step');
  expect(fragment.text).not.toContain('<html');
  const wrong = new URLSearchParams({ ...rules, patterns: 'refs/pika/x', credential: 'as-it-is' });
  expect((await ask('POST', '/eve/site/settings/upstream/change', wrong, bearer)).status).toBe(400);
  expect((await ask('GET', '/eve/site/settings/upstream')).status).toBe(404);
  expect(
    (await ask('POST', '/eve/site/settings/upstream/remove', new URLSearchParams(), bearer)).status,
  ).toBe(303);
  const empty = await ask('GET', '/eve/site/settings/upstream', undefined, bearer);
  expect(empty.text).toContain('Follow an upstream');
});

test('ph imports and waits, and tells of the upstream', async () => {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: forged.folder,
    PH_URL: origin,
    PH_TOKEN: bearerOf(ada),
  };
  const ph = (...args: string[]) => runProgram(['sh', launcher, ...args], { cwd: forged.folder, env });
  const file = join(forged.folder, 'token');
  writeFileSync(file, `${token}\n`);
  const imported = await ph('repo', 'import', url(), 'mine', '--token-file', file);
  expect(imported).toMatchObject({ status: 0 });
  expect(imported.stdout).toContain('made ada/mine');
  expect(imported.stdout).toContain('2 refs are here.');
  const told = await ph('repo', 'upstream', '--repo', 'ada/mine', '--pull', '--json');
  expect(upstreamView.parse(JSON.parse(told.stdout))).toMatchObject({ state: 'idle', refs: { total: 2 } });
  expect(await ph('repo', 'upstream', '--repo', 'ada/mine', '--cancel')).toMatchObject({ status: 5 });
  expect(await ph('repo', 'import', 'https://')).toMatchObject({ status: 2 });
  expect(imported.stdout + imported.stderr + told.stdout).not.toContain(token);
});

describe('the operator', () => {
  const operate = (repo: string, path: string) =>
    runCommand(forged.forge, commandRequest.parse({ command: 'repo import', repo, path }));

  test('imports a bare repository of this machine, whatever remotes may be', async () => {
    const path = join(elsewhere.folder, 'team/site.git');
    const answered = await operate('team/here', path);
    expect(answered).toMatchObject({ ok: true, json: { repo: 'team/here', refs: 2, left: [] } });
    const repo = findRepo(forged.forge, 'team', 'here');
    expect(repo).toMatchObject({ defaultBranch: 'trunk', visibility: 'private' });
    expect(
      await resolveRef(forged.forge.git, repoPath(forged.forge, repo?.id ?? 0), 'refs/heads/trunk'),
    ).toBe(head);
  });

  test('imports the large files that the folder has, and tells which it lacks', async () => {
    await sweepLfs(forged.forge);
    const path = join(elsewhere.folder, 'team/art.git');
    await elsewhere.repo('team/art.git');
    const texts = ['a picture', 'nowhere', 'only a link', 'altered'];
    const files = Object.fromEntries(texts.map((text) => [`${text}.bin`, pointerTo(text)]));
    await pushFiles(forged.forge.git, { repo: path, branch: 'main', files });
    const place = (text: string): string => {
      const oid = oidOf(text);
      const folder = join(path, 'lfs/objects', oid.slice(0, 2), oid.slice(2, 4));
      mkdirSync(folder, { recursive: true });
      return join(folder, oid);
    };
    writeFileSync(place('a picture'), 'a picture');
    writeFileSync(place('altered'), 'ALTERED');
    writeFileSync(join(path, 'linked'), 'only a link');
    symlinkSync(join(path, 'linked'), place('only a link'));
    const answered = await operate('team/art', path);
    const { largeFiles } = answered.json as { largeFiles: { brought: number; missing: string[] } };
    expect([answered.ok, largeFiles.brought]).toEqual([false, 1]);
    expect(largeFiles.missing.toSorted()).toEqual(texts.slice(1).map(oidOf).toSorted());
    expect(answered.text).toContain('1 LFS object brought.');
    const repoId = findRepo(forged.forge, 'team', 'art')?.id ?? 0;
    expect(texts.map((text) => hasLfsObject(forged.forge, { repoId, oid: oidOf(text) }))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test.each(['relative.git', '/nowhere/at/all.git'])('but not %s', async (path) => {
    await expect(operate('team/nothing', path)).rejects.toMatchObject({ code: 'invalid' });
    expect(findRepo(forged.forge, 'team', 'nothing')).toBeUndefined();
  });
});

test.each([
  ['https://github.com/ada/x.git', 'https://api.github.com/repos/ada/x'],
  ['https://git.example.org/ada/x', 'https://git.example.org/api/v1/repos/ada/x'],
  ['https://example.org:8443/git/ada/x.git', 'https://example.org:8443/git/api/v1/repos/ada/x'],
  ['git@github.com:ada/x.git', undefined],
  ['https://example.org/x.git', undefined],
])('the API of %s is at %s', (given, expected) => {
  expect(apiAddress(parseRemoteAddress(forged.forge.config.mirror, given))?.href).toBe(expected);
});
