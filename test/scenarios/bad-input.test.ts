// What is wrong is refused with a sentence that names it, and nothing is written.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeClient, type GitClient } from '../support/git-client.ts';
import { makePh } from '../support/ph.ts';
import type { ProgramResult } from '../support/run-program.ts';
import { pushBranch, pushProject } from '../support/sample-project.ts';
import { operateOn, useServedForge, useSharedForge, type ServedForge } from '../support/serve.ts';

const startForge = useServedForge();
const sharedForge = useSharedForge();

interface Project {
  served: ServedForge;
  ada: GitClient;
  /** `owner/name`. */
  repo: string;
}

let projects = 0;

/** A person and a repository of its own, on the forge of all tests, or on one with settings of its own. */
async function startProject(settings?: string): Promise<Project> {
  const served = settings === undefined ? await sharedForge() : await startForge({ settings });
  projects += 1;
  const ada = await served.person(`ada${projects}`, 'admin');
  const repo = `demo/app${projects}`;
  await pushProject(served, { client: ada, repo, files: { 'README.md': '# App\n' } });
  return { served, ada, repo };
}

/** Git was refused with this sentence, and the remote has the refs it had before. */
async function expectRefused(
  ada: GitClient,
  push: () => Promise<ProgramResult>,
  sentence: RegExp,
): Promise<void> {
  const before = await ada.git('ls-remote', 'origin');
  const { status, stderr } = await push();
  expect(stderr).toMatch(sentence);
  expect(status).not.toBe(0);
  expect(await ada.git('ls-remote', 'origin')).toBe(before);
}

const post = (
  served: ServedForge,
  path: string,
  options: { token: string; body: string },
): Promise<Response> =>
  fetch(`${served.http}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${options.token}`, 'content-type': 'application/json' },
    body: options.body,
  });

describe('a malformed manifest', () => {
  test.each([
    ['that is no TOML', 'version = 1\n[[lane]\nid = "a"\n', /line 2|:2:/],
    ['with an unknown key', 'version = 1\n[[lane]]\nid = "a"\ncommand = "true"\npathes = ["a"]\n', /pathes/],
    [
      'with a lane twice',
      'version = 1\n[[lane]]\nid = "a"\ncommand = "true"\n[[lane]]\nid = "a"\ncommand = "true"\n',
      /"?a"?/,
    ],
  ])('%s makes a failed run that says what is wrong', async (_title, manifest, sentence) => {
    const { served, ada } = await startProject();
    const ph = await makePh(served, ada);
    await pushBranch(ada, { name: 'topic', message: 'Add lanes', files: { '.pika/lanes.toml': manifest } });
    const waited = await ph('wait');
    expect(waited).toMatchObject({ status: 1 });
    expect(waited.stdout).toMatch(sentence);
    const status = JSON.parse((await ph('status', '--json')).stdout) as object;
    expect(status).toMatchObject({
      run: { state: 'failed', lanes: [], problem: expect.stringMatching(sentence) },
    });
    expect(await ph('merge')).toMatchObject({ status: 1, stderr: expect.stringMatching(sentence) });
  });
});

describe('a malformed configuration', () => {
  test.each([
    ['no TOML', 'http = {', /pika\.toml/],
    ['an unknown key', 'sshh = 1\n', /sshh/],
  ])('with %s keeps the forge from starting', async (_title, text, sentence) => {
    const folder = mkdtempSync(join(tmpdir(), 'pika-config-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'data/pika.toml'), text);
    const refused = await operateOn(
      folder,
      'serve',
      '--json',
      '--http',
      '127.0.0.1:0',
      '--ssh',
      '127.0.0.1:0',
    );
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toMatch(sentence);
    expect(refused.stderr).not.toMatch(/\n\s+at /);
    expect(readdirSync(join(folder, 'data'))).toEqual(['pika.toml']);
  });
});

describe('a key', () => {
  test.each([
    ['that is no key', 'hello\n'],
    ['cut off', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA ada\n'],
    ['that is private', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n-----END OPENSSH PRIVATE KEY-----\n'],
    ['of a dead algorithm', 'ssh-dss AAAAB3NzaC1kc3MAAACBAP ada\n'],
  ])('%s is refused and no account is made', async (_title, text) => {
    const served = await sharedForge();
    const file = join(served.folder, 'bad.pub');
    writeFileSync(file, text);
    projects += 1;
    const name = `bob${projects}`;
    const refused = await served.operate('account', 'add', name, '--ssh-key', file);
    expect(refused).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(/key/i) });
    expect(await served.operate('account', 'add', name)).toMatchObject({ status: 0 });
  });
});

describe('a repository name', () => {
  test.each(['demo/.hidden', 'demo/a..b', 'api/app', 'demo/x.lock', 'demo/a%20b', 'only'])(
    '%s is refused on push, by API and on the address',
    async (name) => {
      const { served, ada } = await startProject();
      await expectRefused(
        ada,
        () => ada.tryGit('push', `ssh://git@${served.ssh}/${name}.git`, 'main'),
        /name|repositor/i,
      );
      const token = await served.token(ada.name);
      const [owner = '', repo = ''] = name.split('/');
      const body = JSON.stringify({ owner, name: repo });
      const response = await post(served, '/api/v1/repos', { token, body });
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.status).toBeLessThan(500);
      expect(await response.json()).toMatchObject({ error: { message: expect.stringMatching(/\S/) } });
      expect((await served.operate('doctor')).stdout).not.toContain(name);
    },
  );
});

describe('a pushed ref', () => {
  test.each([
    ['with a strange letter', 'refs/heads/costs$5'],
    ['like an option', 'refs/heads/-x'],
    ['like an object id', `refs/heads/${'a'.repeat(40)}`],
    ['called HEAD', 'refs/heads/HEAD'],
    ['outside branches and tags', 'refs/pika/heads/1/1'],
    ['in a strange place', 'refs/meta/config'],
  ])('%s is refused with its name, and so is what came with it', async (_title, ref) => {
    const { ada } = await startProject();
    await ada.commit('More', { 'more.txt': 'more\n' });
    const escaped = ref.replace(/[$.*+?^{}()|[\]\\]/g, '\\$&');
    await expectRefused(
      ada,
      () => ada.tryGit('push', 'origin', 'HEAD:refs/heads/fine', `HEAD:${ref}`),
      new RegExp(`^remote: .*${escaped.replace('refs/heads/', '')}`, 'm'),
    );
  });

  test('that is the default branch is refused with the way out', async () => {
    const { ada } = await startProject();
    await ada.commit('More', { 'more.txt': 'more\n' });
    await expectRefused(ada, () => ada.tryGit('push', 'origin', 'main'), /^remote: .*main.*push/im);
    await expectRefused(ada, () => ada.tryGit('push', '--force', 'origin', ':main'), /^remote: .*main/im);
  });

  test('that differs from another only in case is refused', async () => {
    const { ada } = await startProject();
    await pushBranch(ada, { name: 'topic', message: 'A topic', files: { 'a.txt': 'a\n' } });
    await expectRefused(
      ada,
      () => ada.tryGit('push', 'origin', 'HEAD:refs/heads/Topic'),
      /^remote: .*topic/im,
    );
  });
});

describe('an oversized push', () => {
  test('is refused with the limit', async () => {
    const { ada } = await startProject('[limits]\nmaxPushBytes = 200000\n');
    await ada.git('switch', '--quiet', '--create', 'big');
    writeFileSync(join(ada.checkout, 'big.bin'), randomBytes(1_000_000));
    await ada.commit('Add something big', {});
    await expectRefused(ada, () => ada.tryGit('push', 'origin', 'big'), /200000|195|limit|large|exceeds/i);
  });

  test('of one big file is refused with its path', async () => {
    const { ada } = await startProject('[limits]\nmaxFileBytes = 100000\n');
    await ada.git('switch', '--quiet', '--create', 'big');
    writeFileSync(join(ada.checkout, 'big.bin'), randomBytes(300_000));
    await ada.commit('Add something big', {});
    await expectRefused(ada, () => ada.tryGit('push', 'origin', 'big'), /^remote: .*big\.bin/m);
  });
});

describe('a caller', () => {
  const wrong = `pika_${'x'.repeat(43)}`;

  test('with a wrong token gets 401 and a sentence', async () => {
    const { served } = await startProject();
    for (const token of [wrong, 'x', `${wrong}${wrong}`]) {
      const response = await post(served, '/api/v1/repos', { token, body: '{"owner":"ada","name":"new"}' });
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({
        error: { code: 'unauthenticated', message: expect.stringMatching(/token/i) },
      });
    }
    expect((await served.operate('doctor')).stdout).not.toContain('ada/new');
  });

  test('with a wrong or a read token pushes nothing over HTTP', async () => {
    const { served, ada, repo } = await startProject();
    await ada.commit('More', { 'more.txt': 'more\n' });
    const http = new URL(served.http).host;
    for (const token of [wrong, await served.token(ada.name, 'read')]) {
      const url = `http://${ada.name}:${token}@${http}/${repo}.git`;
      await expectRefused(
        ada,
        () => ada.tryGit('push', url, 'HEAD:refs/heads/topic'),
        /40[13]|denied|Authentication failed/i,
      );
    }
  });

  test('with a key that the forge does not know is refused', async () => {
    const { served, ada, repo } = await startProject();
    const eve = await makeClient(served.folder, { name: 'eve' });
    await eve.commit('Mine', { 'a.txt': 'a\n' });
    await expectRefused(
      ada,
      () => eve.tryGit('push', `ssh://git@${served.ssh}/${repo}.git`, 'HEAD:refs/heads/topic'),
      /denied/i,
    );
  });

  test('with a malformed body gets 400 and a sentence', async () => {
    const { served, ada } = await startProject();
    const token = await served.token(ada.name);
    for (const body of ['{', '[]', '{"owner":1}', '{"head":"main"}']) {
      const response = await post(served, '/api/v1/repos', { token, body });
      expect(response.status, body).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: 'invalid' } });
    }
  });
});
