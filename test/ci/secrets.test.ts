// Secrets over real HTTP and in real rows: who may set them, that they never come out again, and which lanes get them.
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { recentAudit } from '../../src/accounts/audit.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import type { Account, TokenScope } from '../../src/accounts/model.ts';
import { createMissingRuns } from '../../src/ci/scheduler/create-run.ts';
import { secretListView } from '../../src/ci/secrets/model.ts';
import { openSealed, readSealKey, sealText } from '../../src/lib/seal.ts';
import { secretsApi, secretsPages } from '../../src/ci/secrets/route-secrets.ts';
import { secretsFor } from '../../src/ci/secrets/secrets-for.ts';
import { setSecret } from '../../src/ci/secrets/set-secret.ts';
import { examine } from '../../src/operator/doctor.ts';
import { putMember } from '../../src/repos/store.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { useForge, type TestForgeOptions } from '../support/forge.ts';
import { laneOf, manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { pushFiles } from '../support/push-files.ts';

vi.setConfig({ testTimeout: 120_000 });

const open = useForge();
const token = 'tok-5f0c9d1e77ab42';
const api = '/api/v1/repos/ada/app/secrets';
const page = '/ada/app/settings/secrets';

async function stage(options: TestForgeOptions = {}) {
  const it = await open(options);
  const ada = it.account('ada');
  const repo = await it.repo('ada/app', { files: { a: '1\n' } });
  return { it, forge: it.forge, repo, ada };
}

async function serve(options: TestForgeOptions = {}) {
  const staged = await stage(options);
  const { it, forge } = staged;
  const app = createApp({ trustedProxies: [], maxRequestBytes: 100_000 });
  app.use(
    identify(forge, () => true),
    ...bodyParsers({ maxRequestBytes: 100_000 }),
    refuseForgery,
  );
  app.use(secretsApi(forge), secretsPages(forge), notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  it.defer(() => void server.close());
  it.defer(() => void server.closeAllConnections());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const as = (account?: Account, scope: TokenScope = 'admin') => {
    const bearer = account && createToken(forge, { accountId: account.id, scope });
    const headers: Record<string, string> = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
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
  return { ...staged, as, asAda: as(staged.ada.account) };
}

const namesIn = (text: string) => secretListView.parse(JSON.parse(text)).secrets.map(({ name }) => name);

describe('sealing', () => {
  test('what is sealed opens with the same key and for the same place alone', async () => {
    const { forge } = await stage();
    const key = readSealKey(forge.config.paths.keys);
    const sealed = sealText(key, token, 'secret 1 TOKEN');
    expect(sealed.includes(token)).toBe(false);
    expect(sealText(key, token, 'secret 1 TOKEN').equals(sealed)).toBe(false);
    expect(openSealed(key, sealed, 'secret 1 TOKEN')).toBe(token);
    expect(openSealed(key, sealed, 'secret 2 TOKEN')).toBeUndefined();
    expect(openSealed(Buffer.alloc(32), sealed, 'secret 1 TOKEN')).toBeUndefined();
    for (let at = 0; at < sealed.length; at += 1) {
      const altered = Buffer.from(sealed);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(openSealed(key, altered, 'secret 1 TOKEN'), `byte ${at}`).toBeUndefined();
    }
    expect(openSealed(key, sealed.subarray(0, 20), 'secret 1 TOKEN')).toBeUndefined();
  });

  test('the key is made once, for the forge alone, and a damaged one is refused', async () => {
    const { forge } = await stage();
    const { keys } = forge.config.paths;
    const path = join(keys, 'secrets.key');
    const key = readSealKey(keys);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readSealKey(keys).equals(key)).toBe(true);
    writeFileSync(path, 'short');
    expect(() => readSealKey(keys)).toThrow(/key that secrets are sealed with is damaged.*backup/);
  });
});

describe('secrets by API', () => {
  test('are set, listed without their values, changed and removed, each with an audit row', async () => {
    const { forge, asAda } = await serve();
    const added = await asAda('PUT', `${api}/NPM_TOKEN`, { value: token });
    expect(added.status).toBe(201);
    expect(JSON.parse(added.text)).toMatchObject({ name: 'NPM_TOKEN', refs: ['main'], updatedBy: 'ada' });
    const changed = await asAda('PUT', `${api}/NPM_TOKEN`, { refs: ['deploy/*', 'v{1,2}'] });
    expect(changed.status).toBe(200);
    expect(JSON.parse(changed.text)).toMatchObject({ refs: ['deploy/*', 'v{1,2}'] });
    const listed = await asAda('GET', api);
    expect(namesIn(listed.text)).toEqual(['NPM_TOKEN']);
    const removed = await asAda('DELETE', `${api}/NPM_TOKEN`);
    expect([removed.status, namesIn(removed.text)]).toEqual([200, []]);
    expect((await asAda('DELETE', `${api}/NPM_TOKEN`)).status).toBe(404);
    const rows = recentAudit(forge, 10).filter(({ action }) => action.startsWith('secret.'));
    expect(rows.map(({ action, account }) => [action, account])).toEqual([
      ['secret.remove', 'ada'],
      ['secret.set', 'ada'],
      ['secret.set', 'ada'],
    ]);
    for (const text of [added.text, changed.text, listed.text, JSON.stringify(rows)]) {
      expect(text).not.toContain(token);
    }
  });

  test('a value stands nowhere in the data directory as it was given', async () => {
    const { it, forge, asAda } = await serve();
    expect((await asAda('PUT', `${api}/NPM_TOKEN`, { value: token })).status).toBe(201);
    forge.db.copyTo(join(it.folder, 'copy.db'));
    for (const name of ['copy.db', 'forge.db', 'forge.db-wal', 'keys/secrets.key']) {
      expect(readFileSync(join(it.folder, name)).includes(token), name).toBe(false);
    }
  });

  test.each([
    ['PATH', 'given this variable by the forge', { value: token }],
    ['PIKA_URL', 'belong to the forge', { value: token }],
    ['A-B', 'letters, digits and underscores', { value: token }],
    ['SHORT', 'no line of it has 6 characters', { value: '12345' }],
    ['SHORT_LINES', 'no line of it has 6 characters', { value: '12345\n   67890   \n' }],
    ['NUL', 'NUL', { value: 'before\0after' }],
    ['LARGE', 'more than 65536 bytes', { value: 'x'.repeat(65_537) }],
    ['REFS', 'at least one branch', { value: token, refs: [] }],
    ['REFS', 'is no pattern', { value: token, refs: ['a{b'] }],
    ['REFS', 'leave out refs/heads/', { value: token, refs: ['refs/heads/main'] }],
    ['NEW', 'give its value too', { refs: ['main'] }],
    ['NEW', 'extra', { value: token, extra: 1 }],
  ])('%s: %s, it is refused', async (name, said, body) => {
    const { asAda } = await serve();
    const answer = await asAda('PUT', `${api}/${name}`, body);
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(said)]);
    expect(namesIn((await asAda('GET', api)).text)).toEqual([]);
  });

  test('a repository has a limited number of them, and those it has can still be changed', async () => {
    const { asAda } = await serve({ settings: { ci: { maxSecretsPerRepo: 1 } } });
    expect((await asAda('PUT', `${api}/ONE`, { value: token })).status).toBe(201);
    const second = await asAda('PUT', `${api}/TWO`, { value: token });
    expect([second.status, second.text]).toEqual([429, expect.stringContaining('at most 1 secrets')]);
    expect((await asAda('PUT', `${api}/ONE`, { value: `${token}2` })).status).toBe(200);
  });

  test('only who maintains the repository, with a token that may do everything, sees or sets them', async () => {
    const { it, forge, repo, ada, as } = await serve();
    const may = (name: string, role: 'read' | 'write' | 'maintain') => {
      const { account } = it.account(name);
      putMember(forge.db, { repoId: repo.id, accountId: account.id, role });
      return account;
    };
    const [reader, writer, keeper] = [may('rea', 'read'), may('wri', 'write'), may('kee', 'maintain')];
    const status = async (who: ReturnType<typeof as>) => [
      (await who('GET', api)).status,
      (await who('PUT', `${api}/T`, { value: token })).status,
      (await who('POST', page, new URLSearchParams({ name: 'T', value: token, refs: 'main' }))).status,
      (await who('POST', `${page}/remove`, new URLSearchParams({ name: 'T' }))).status,
      (await who('DELETE', `${api}/T`)).status,
      (await who('GET', page)).status,
    ];
    expect(await status(as())).toEqual([401, 401, 401, 401, 401, 401]);
    expect(await status(as(it.account('eve').account))).toEqual([404, 404, 404, 404, 404, 404]);
    expect(await status(as(reader))).toEqual([403, 403, 403, 403, 403, 403]);
    expect(await status(as(writer))).toEqual([403, 403, 403, 403, 403, 403]);
    expect(await status(as(ada.account, 'write'))).toEqual([403, 403, 403, 403, 403, 403]);
    expect(await status(as(keeper))).toEqual([200, 201, 303, 303, 404, 200]);
  });
});

describe('the page of secrets', () => {
  const form = (fields: Record<string, string>) => new URLSearchParams(fields);

  test('sets one, shows its name and branches, and never its value', async () => {
    const { forge, repo, asAda } = await serve();
    const key = '-----BEGIN KEY-----\r\nabc\r\n-----END KEY-----\r\n';
    const sent = await asAda('POST', page, form({ name: ' KEY ', value: key, refs: 'main  deploy/*' }));
    expect([sent.status, sent.to]).toEqual([303, '/ada/app/settings/secrets?saved=KEY']);
    const shown = await asAda('GET', `${page}?name=KEY`);
    expect(shown.text).toContain('<code>KEY</code>');
    expect(shown.text).toContain('deploy/*');
    expect(shown.text).toContain('Change KEY');
    expect(shown.text).not.toContain('BEGIN KEY');
    expect(openFirst(forge, repo.id, 'KEY')).toBe('-----BEGIN KEY-----\nabc\n-----END KEY-----\n');
    // An empty value keeps the one that is there.
    await asAda('POST', page, form({ name: 'KEY', value: '', refs: '**' }));
    expect(openFirst(forge, repo.id, 'KEY')).toContain('BEGIN KEY');
  });

  test('shows why one was refused, with what was typed but for the value', async () => {
    const { asAda } = await serve();
    const refused = await asAda('POST', page, form({ name: 'A-B', value: `<i>${token}`, refs: 'x' }));
    expect(refused.status).toBe(400);
    expect(refused.text).toContain('is no name of a secret');
    expect(refused.text).toContain('value="A-B"');
    expect(refused.text).not.toContain(token);
  });
});

function openFirst(forge: Awaited<ReturnType<typeof stage>>['forge'], repoId: number, name: string) {
  const sealed = forge.db.get<{ sealed: Buffer }>('SELECT sealed FROM ci_secrets WHERE name = :name', {
    name,
  })?.sealed;
  const key = readSealKey(forge.config.paths.keys);
  return sealed && openSealed(key, sealed, `secret ${repoId} ${name}`);
}

describe('who gets a secret', () => {
  const unit = (...secrets: string[]) =>
    `id = "unit"\ncommand = "true"\nsecrets = ${JSON.stringify(secrets)}`;

  /** The lane `unit` of a branch, planned from the manifests of the branch and of main. */
  async function lane(wants: { branch: string; ofMain?: string[]; ofBranch?: string[] }) {
    const staged = await stage();
    const { it, forge, repo, ada } = staged;
    const { branch: name, ofMain = ['TOKEN'], ofBranch = ofMain } = wants;
    setSecret(forge, { repo, caller: ada.caller, name: 'TOKEN', value: token, refs: ['main', 'deploy/*'] });
    const files = manifest(unit(...ofMain));
    await pushFiles(forge.git, { repo: it.repoFolder(repo), branch: 'main', files });
    const own = { ...manifest(unit(...ofBranch)), b: '2' };
    const branch = await pushBranch(forge, repo, { name, files: own });
    await createMissingRuns(forge);
    const run = runOfBranch(forge, branch);
    const claim = { runId: run.id, laneId: laneOf(forge, run, 'unit').id };
    return { ...staged, branch, run, claim, ask: () => secretsFor(forge, claim) };
  }

  test('a branch that its patterns name, and nobody else', async () => {
    expect((await lane({ branch: 'deploy/1' })).ask()).toEqual({ secrets: { TOKEN: token }, withheld: [] });
    expect((await lane({ branch: 'deploy' })).ask()).toEqual({
      secrets: {},
      withheld: [{ name: 'TOKEN', why: 'it is for main, deploy/* and not for deploy' }],
    });
  });

  test('a nightly, as one of the default branch', async () => {
    const { forge, ask, run } = await lane({ branch: 'topic' });
    expect(ask().secrets).toEqual({});
    forge.db.run(
      `UPDATE runs SET kind = 'nightly', nightly = 'soak', due_at = 1, branch_id = NULL, revision = NULL WHERE id = :id`,
      { id: run.id },
    );
    expect(ask().secrets).toEqual({ TOKEN: token });
  });

  test('L2: not a lane that its target does not give it, whatever the branch itself says', async () => {
    const { ask } = await lane({ branch: 'deploy/1', ofMain: [], ofBranch: ['TOKEN'] });
    expect(ask()).toEqual({
      secrets: {},
      withheld: [{ name: 'TOKEN', why: expect.stringContaining('the lanes.toml of main does not give it') }],
    });
  });

  test('L2: not a branch for a target that anybody may push to', async () => {
    const { forge, ask, branch } = await lane({ branch: 'deploy/1' });
    forge.db.run(`UPDATE branches SET target = 'deploy/2' WHERE id = :id`, { id: branch.id });
    expect(ask()).toMatchObject({
      secrets: {},
      withheld: [{ why: expect.stringContaining('deploy/2 is not protected') }],
    });
  });

  test('a lane has no more of them than the environment of a program can hold', async () => {
    const names = Array.from({ length: 17 }, (_, at) => `LARGE_${at}`);
    const { forge, repo, ada, ask } = await lane({ branch: 'deploy/1', ofMain: names });
    const [value, refs] = ['x'.repeat(65_536), ['**']];
    for (const name of names) setSecret(forge, { repo, caller: ada.caller, name, value, refs });
    const { secrets, withheld } = ask();
    expect(Object.keys(secrets)).toEqual(names.slice(0, 16));
    expect(withheld).toEqual([{ name: 'LARGE_16', why: expect.stringContaining('at most 1048576 bytes') }]);
  });

  test('a lane runs without a secret that is not there or was sealed with a lost key', async () => {
    const { forge, ask } = await lane({ branch: 'deploy/1', ofMain: ['TOKEN', 'OTHER'] });
    expect(ask().withheld).toEqual([
      { name: 'OTHER', why: 'there is no such secret; set it with: ph secret set OTHER' },
    ]);
    writeFileSync(join(forge.config.paths.keys, 'secrets.key'), Buffer.alloc(32, 7));
    expect(ask()).toMatchObject({
      secrets: {},
      withheld: [{ name: 'TOKEN', why: expect.stringContaining('a key that is gone') }, { name: 'OTHER' }],
    });
  });
});

test('doctor names the secrets whose key is gone, and makes no new one', async () => {
  const { forge, repo, ada } = await stage();
  const look = async () =>
    (await examine(forge, { mend: true, quick: true })).filter(({ what }) => what.includes('secret'));
  expect(await look()).toEqual([{ level: 'ok', what: 'every secret of a lane can be opened' }]);
  setSecret(forge, { repo, caller: ada.caller, name: 'TOKEN', value: token });
  expect(await look()).toEqual([{ level: 'ok', what: 'every secret of a lane can be opened' }]);
  const path = join(forge.config.paths.keys, 'secrets.key');
  for (const lose of [() => writeFileSync(path, 'short'), () => rmSync(path)]) {
    lose();
    expect(await look()).toEqual([
      {
        level: 'error',
        what: 'secrets that cannot be opened: ada/app TOKEN',
        advice: expect.stringContaining('set these secrets again'),
      },
    ]);
  }
  expect(existsSync(path)).toBe(false);
});
