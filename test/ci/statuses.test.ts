// What is said of a commit, over real HTTP: own lanes, other systems, and the badge.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { XMLParser } from 'fast-xml-parser';
import { describe, expect, test, vi } from 'vitest';
import { recentAudit } from '../../src/accounts/audit.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import type { Account, TokenScope } from '../../src/accounts/model.ts';
import { badgeSvg } from '../../src/ci/statuses/badge-view.ts';
import { createMissingRuns } from '../../src/ci/scheduler/create-run.ts';
import { finishAttempt } from '../../src/ci/scheduler/finish.ts';
import { commitStatusesView } from '../../src/ci/statuses/model.ts';
import { badgeRoutes } from '../../src/ci/statuses/route-badge.ts';
import { statusRoutes } from '../../src/ci/statuses/route-statuses.ts';
import { frontPages } from '../../src/front/pages.ts';
import { resolveBranch } from '../../src/git/refs.ts';
import { Slots } from '../../src/lib/slot.ts';
import { putMember } from '../../src/repos/store.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { laneOf, manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { pushFiles } from '../support/push-files.ts';
import { useForge, type RepoOptions, type TestForgeOptions } from '../support/forge.ts';

vi.setConfig({ testTimeout: 120_000 });

const open = useForge();

async function serve(options: TestForgeOptions = {}, repoOptions: RepoOptions = {}) {
  const it = await open(options);
  const { forge } = it;
  const ada = it.account('ada').account;
  const repo = await it.repo('ada/app', { files: { a: '1\n' }, ...repoOptions });
  const app = createApp({ trustedProxies: [], maxRequestBytes: 100_000 });
  app.use(
    identify(forge, () => true),
    ...bodyParsers({ maxRequestBytes: 100_000 }),
    refuseForgery,
  );
  app.use(statusRoutes(forge), badgeRoutes(forge), frontPages(forge, new Slots()));
  app.use(notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  it.defer(() => void server.close());
  it.defer(() => void server.closeAllConnections());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const as = (account?: Account, scope: TokenScope = 'write') => {
    const bearer = account && createToken(forge, { accountId: account.id, scope });
    const headers: Record<string, string> = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    return async (method: string, path: string, body?: object, more: Record<string, string> = {}) => {
      const sent = body && { body: JSON.stringify(body) };
      const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
      const init = {
        method,
        headers: { ...headers, ...type, ...more },
        redirect: 'manual',
        ...sent,
      } as const;
      const response = await fetch(origin + path, init);
      return { status: response.status, headers: response.headers, text: await response.text() };
    };
  };
  const push = async (name: string, files = {}) => {
    const own = { ...manifest('id = "unit"\ntitle = "Unit tests"\ncommand = "true"'), ...files };
    const branch = await pushBranch(forge, repo, { name, files: own });
    await createMissingRuns(forge);
    return { branch, run: runOfBranch(forge, branch), oid: branch.headOid };
  };
  /** Ends the lane `unit` of a run. */
  const end = (run: Awaited<ReturnType<typeof push>>['run'], state: 'success' | 'failed') => {
    const lane = laneOf(forge, run, 'unit');
    const claim = { attemptId: lane.attempt.id, laneId: lane.id, runId: run.id, token: undefined };
    finishAttempt(forge, claim, { state, ...(state === 'failed' ? { failureKind: 'test_failure' } : {}) });
  };
  return { it, forge, repo, ada, as, push, end, asAda: as(ada) };
}

const api = (oid: string) => `/api/v1/repos/ada/app/commits/${oid}/statuses`;
const statusesIn = (text: string) => commitStatusesView.parse(JSON.parse(text));

describe('commit statuses', () => {
  test('own lanes and what others say stand in one list, the newest word of each context', async () => {
    const { forge, asAda, push, end } = await serve();
    const { branch, run, oid } = await push('topic');
    expect(statusesIn((await asAda('GET', api(oid))).text)).toMatchObject({
      commit: oid,
      state: 'queued',
      statuses: [{ context: 'lane/unit', state: 'queued', description: 'Unit tests', source: 'lane' }],
    });
    const told = forge.events.next('commit-status-changed');
    const first = { context: 'deploy/preview', state: 'pending', url: 'https://ci.example.org/1' };
    const posted = await asAda('POST', api(oid), first);
    expect(posted.status).toBe(201);
    expect(JSON.parse(posted.text)).toMatchObject({
      ...first,
      state: 'running',
      source: 'external',
      updatedBy: 'ada',
    });
    expect((await told).branchIds).toEqual([branch.id]);
    await asAda('POST', api(oid), { context: 'deploy/preview', state: 'success', description: 'it is up' });
    end(run, 'success');
    const { state, statuses } = statusesIn((await asAda('GET', api(oid))).text);
    expect(state).toBe('success');
    expect(statuses.map(({ context, state, url }) => [context, state, url])).toEqual([
      ['lane/unit', 'success', expect.stringMatching(/\/ada\/app\/runs\/1\/lanes\/unit$/)],
      ['deploy/preview', 'success', null],
    ]);
    await asAda('POST', api(oid), { context: 'scan', state: 'error' });
    expect(statusesIn((await asAda('GET', api(oid))).text).state).toBe('failed');
    const rows = recentAudit(forge, 10).filter(({ action }) => action === 'status.set');
    expect(rows.map(({ detail }) => JSON.parse(detail) as object)).toMatchObject([
      { oid, context: 'scan', state: 'failed' },
      { context: 'deploy/preview', state: 'success' },
      { context: 'deploy/preview', state: 'running' },
    ]);
  });

  test('the branch page shows them with their links, and text of others stays text', async () => {
    const { asAda, push } = await serve();
    const { oid } = await push('topic');
    const url = 'https://ci.example.org/?a="><script>x</script>';
    const script = { context: '<b>scan</b>', state: 'failure', description: '<i>\u202Ebad</i>', url };
    expect((await asAda('POST', api(oid), script)).status).toBe(201);
    for (const path of ['', '?tab=ci', '?fragment=head', '?tab=ci&fragment=tab']) {
      const { status, text } = await asAda('GET', `/ada/app/branches/1${path}`, undefined, {
        accept: 'text/html',
      });
      expect(status, path).toBe(200);
      expect(text, path).toContain('&lt;b&gt;scan&lt;/b&gt;');
      expect(text, path).toMatch(
        /href="https:\/\/ci\.example\.org\/\?a=[^"<>]*" rel="noopener noreferrer nofollow"/,
      );
      expect(text, path).not.toMatch(/<script>x|<b>scan|<i>/);
    }
  });

  test.each([
    ['no context', { state: 'success' }, 'context'],
    ['an unknown state', { context: 'a', state: 'green' }, 'expected one of queued, running'],
    ['the context of a lane', { context: 'lane/unit', state: 'success' }, 'belong to the forge'],
    ['a context of two lines', { context: 'a\nb', state: 'success' }, 'on one line'],
    [
      'a script as address',
      { context: 'a', state: 'success', url: 'javascript:alert(1)' },
      'begins with http',
    ],
    ['a long description', { context: 'a', state: 'success', description: 'x'.repeat(501) }, 'at most 500'],
  ])('%s is refused', async (_, body, said) => {
    const { asAda, push } = await serve();
    const { oid } = await push('topic');
    const answer = await asAda('POST', api(oid), body);
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(said)]);
    expect(statusesIn((await asAda('GET', api(oid))).text).statuses).toHaveLength(1);
  });

  test('only commits of the repository have any, named by their whole id', async () => {
    const { it, asAda, push } = await serve();
    const { oid } = await push('topic');
    const other = await it.repo('ada/other', { files: { b: '2\n' } });
    const foreign = await resolveBranch(it.forge.git, it.repoFolder(other), 'main');
    for (const name of [
      foreign ?? '',
      oid.slice(0, 12),
      'topic',
      'HEAD',
      '0'.repeat(40),
      '--all',
      `${oid}^{tree}`,
    ]) {
      const path = api(encodeURIComponent(name));
      expect((await asAda('GET', path)).status, name).toBe(404);
      expect((await asAda('POST', path, { context: 'a', state: 'success' })).status, name).toBe(404);
    }
  });

  test('who may read sees them, who may write sets them, and a commit has a limited number', async () => {
    const { it, forge, repo, ada, as, push } = await serve({ settings: { ci: { maxStatusesPerCommit: 1 } } });
    const { oid } = await push('topic');
    const may = (name: string, role: 'read' | 'write') => {
      const { account } = it.account(name);
      putMember(forge.db, { repoId: repo.id, accountId: account.id, role });
      return account;
    };
    const [reader, writer] = [may('rea', 'read'), may('wri', 'write')];
    const status = async (who: ReturnType<typeof as>, context = 'a') => [
      (await who('GET', api(oid))).status,
      (await who('POST', api(oid), { context, state: 'success' })).status,
    ];
    expect(await status(as())).toEqual([401, 401]);
    expect(await status(as(it.account('eve').account))).toEqual([404, 404]);
    expect(await status(as(reader))).toEqual([200, 403]);
    expect(await status(as(ada, 'read'))).toEqual([200, 403]);
    expect(await status(as(writer))).toEqual([200, 201]);
    expect(await status(as(writer))).toEqual([200, 201]);
    expect(await status(as(writer), 'b')).toEqual([200, 429]);
  });
});

describe('the badge', () => {
  const wordIn = (text: string) => /<title>[^<]*: ([a-z]+)<\/title>/.exec(text)?.[1];

  test('says what the newest run of a branch says, and of the default branch what landed as its newest commit', async () => {
    const { forge, repo, it, asAda, push, end } = await serve();
    const badge = async (query = '') => wordIn((await asAda('GET', `/ada/app/badge.svg${query}`)).text);
    expect(await badge()).toBe('unknown');
    const { branch, run } = await push('topic');
    expect(await badge('?branch=topic')).toBe('queued');
    end(run, 'failed');
    expect([await badge('?branch=topic'), await badge('?branch=topic&lane=unit')]).toEqual([
      'failing',
      'failing',
    ]);
    expect(await badge('?branch=topic&lane=none')).toBe('unknown');
    const next = await push('topic', { more: '1' });
    end(next.run, 'success');
    expect(await badge('?branch=topic')).toBe('passing');
    expect(await badge()).toBe('unknown');
    // It lands: the default branch is at its merge commit.
    const path = it.repoFolder(repo);
    await pushFiles(forge.git, { repo: path, branch: 'main', files: { landed: '1' } });
    const oid = (await resolveBranch(forge.git, path, 'main')) ?? '';
    forge.db.run(`UPDATE branches SET state = 'merged', merge_oid = :oid WHERE id = :id`, {
      oid,
      id: branch.id,
    });
    expect([await badge(), await badge('?branch=main')]).toEqual(['passing', 'passing']);
  });

  test('is a picture that may be kept for a while, and is not sent again unchanged', async () => {
    const { as } = await serve({}, { visibility: 'public' });
    const first = await as()('GET', '/ada/app/badge.svg');
    expect(first.status).toBe(200);
    expect(first.headers.get('content-type')).toMatch(/^image\/svg\+xml/);
    expect(first.headers.get('x-content-type-options')).toBe('nosniff');
    expect(first.headers.get('cache-control')).toBe('public, max-age=30');
    const tag = first.headers.get('etag') ?? '';
    // fetch asks past every cache unless it is told otherwise.
    const known = { 'if-none-match': tag, 'cache-control': 'max-age=0' };
    const again = await as()('GET', '/ada/app/badge.svg', undefined, known);
    expect([again.status, again.text]).toEqual([304, '']);
  });

  test('of a private repository is not there for who may not see it, and is nobody else’s to keep', async () => {
    const { it, as, asAda } = await serve();
    const eve = as(it.account('eve').account);
    for (const who of [as(), eve]) {
      for (const name of ['app', 'nothing']) {
        const { status, headers } = await who('GET', `/ada/${name}/badge.svg`);
        expect([status, headers.get('www-authenticate')], name).toEqual([404, null]);
      }
    }
    const { status, headers } = await asAda('GET', '/ada/app/badge.svg');
    expect([status, headers.get('cache-control')]).toEqual([200, 'private, no-cache']);
  });

  test('is well-formed whatever it is called, and never longer than a line of badges', () => {
    const labels = [
      'ci',
      '"/><script>alert(1)</script>',
      "a'b&c",
      '\u202E\u0000\u0007x',
      'w'.repeat(5000),
      '🙂'.repeat(99),
    ];
    for (const label of labels) {
      const svg = badgeSvg(label, 'success');
      const parsed = new XMLParser({ ignoreAttributes: false, preserveOrder: false }).parse(svg, true) as {
        svg: { '@_width': string; title: string };
      };
      expect(svg, label).not.toMatch(/<script|\u202E|\u0000/);
      expect(Number(parsed.svg['@_width']), label).toBeLessThan(520);
      expect(parsed.svg.title, label).toMatch(/: passing$/);
    }
  });

  test.each(['?branch=--all', '?branch=a..b', '?branch=', '?lane='])('%s is refused', async (query) => {
    const { asAda } = await serve();
    expect((await asAda('GET', `/ada/app/badge.svg${query}`)).status).toBe(400);
  });
});
