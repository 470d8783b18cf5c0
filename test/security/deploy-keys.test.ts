// A deploy key with the real git and the real ssh: what it opens, and everything that it does not.
import { expect, test } from 'vitest';
import { addDeployKey, listDeployKeys, removeDeployKey } from '../../src/accounts/deploy-keys.ts';
import { findCallerByPass } from '../../src/accounts/pass.ts';
import { listAudit } from '../../src/accounts/store.ts';
import { fullName, type Repo } from '../../src/repos/model.ts';
import { rightOn } from '../../src/repos/rights.ts';
import { useForge } from '../support/forge.ts';
import { makeClient, type GitClient } from '../support/git-client.ts';
import { serveGit } from '../support/git-server.ts';
import { runProgram } from '../support/run-program.ts';
import { sshArguments } from '../support/ssh.ts';

const open = useForge();

async function stage() {
  const it = await open();
  const server = await serveGit(it);
  const { caller } = it.account('ada', 'admin');
  const files = { 'README.md': '# App\n' };
  const [app, hidden] = [await it.repo('ada/app', { files }), await it.repo('ada/hidden', { files })];
  const everybodys = await it.repo('ada/open', { files, visibility: 'public' });
  const add = (repo: Repo, client: GitClient, canWrite: boolean) =>
    addDeployKey(it.forge, {
      caller,
      repo: { id: repo.id, fullName: fullName(repo) },
      text: client.key.publicText,
      label: client.name,
      canWrite,
    });
  const [reader, writer] = [
    await makeClient(it.folder, { name: 'reader' }),
    await makeClient(it.folder, { name: 'writer' }),
  ];
  add(app, reader, false);
  add(app, writer, true);
  const ssh = (client: GitClient, ...command: string[]) =>
    runProgram([...sshArguments(client.key, server.sshPort), 'git@127.0.0.1', ...command], {
      cwd: client.home,
      env: client.env,
    });
  return { it, server, caller, app, hidden, everybodys, reader, writer, ssh };
}

test('Z2: a deploy key opens its repository, no other one, and pushes only when it may write', async () => {
  const { it, server, app, reader, writer, caller } = await stage();
  for (const client of [reader, writer]) {
    expect(await client.git('ls-remote', server.sshUrl('ada/app'))).toContain('refs/heads/main');
    for (const other of ['ada/hidden', 'ada/open', 'ada/none', 'reader/new']) {
      const refused = await client.tryGit('ls-remote', server.sshUrl(other));
      expect(refused.stderr, other).toMatch(/There is no repository/);
    }
    await client.git('fetch', '--quiet', server.sshUrl('ada/app'), 'main');
    await client.git('checkout', '--quiet', '-B', 'topic', 'FETCH_HEAD');
    await client.commit('More', { [`${client.name}.txt`]: 'x\n' });
  }
  const push = (client: GitClient, repo: string, ref: string) =>
    client.tryGit('push', server.sshUrl(repo), `HEAD:refs/heads/${ref}`);
  expect((await push(reader, 'ada/app', 'topic')).stderr).toMatch(
    /need the right write .* this deploy key may only read/,
  );
  for (const other of ['ada/open', 'ada/hidden', 'writer/new']) {
    expect((await push(writer, other, 'topic')).stderr, other).toMatch(/There is no repository/);
  }
  expect((await push(writer, 'ada/app', 'main')).status).not.toBe(0);
  expect(await push(writer, 'ada/app', 'topic')).toMatchObject({ status: 0 });
  const accepted = listAudit(it.forge.db, 20).find(({ action }) => action === 'push.accept');
  expect(accepted).toMatchObject({
    account: 'deploy key',
    credential: expect.stringMatching(/^deploy-key SHA256:/),
    address: '127.0.0.1',
  });
  const [, key] = listDeployKeys(it.forge, app.id);
  expect(key).toMatchObject({ label: 'writer', canWrite: true, lastUsedAt: expect.any(Number) });
  removeDeployKey(it.forge, { caller, repo: { id: app.id, fullName: 'ada/app' }, id: key!.id });
  expect((await writer.tryGit('ls-remote', server.sshUrl('ada/app'))).status).not.toBe(0);
});

test('a deploy key gets no sign-in link and no shell, and its pass for large files is worth what it is', async () => {
  const { it, app, hidden, writer, reader, ssh, caller } = await stage();
  expect(await ssh(writer, 'whoami')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^deploy key/),
  });
  expect(await ssh(writer, 'login')).toMatchObject({ status: 1, stdout: '' });
  expect((await ssh(writer, 'shell', 'ada/app', '1', 'unit')).stderr).toContain('opens no shell');
  expect((await ssh(reader, 'git-lfs-authenticate', 'ada/app', 'upload')).status).toBe(1);
  const answered = await ssh(writer, 'git-lfs-authenticate', 'ada/app', 'upload');
  const { header } = JSON.parse(answered.stdout) as { header: { Authorization: string } };
  const secret = header.Authorization.slice('Bearer '.length);
  const use = (repoId: number) => findCallerByPass(it.forge, { secret, repoId, address: '::1' });
  expect(use(hidden.id)).toBeUndefined();
  const holder = use(app.id)!;
  expect([rightOn(it.forge, holder, app), rightOn(it.forge, holder, hidden)]).toEqual(['write', 'none']);
  const [, key] = listDeployKeys(it.forge, app.id);
  removeDeployKey(it.forge, { caller, repo: { id: app.id, fullName: 'ada/app' }, id: key!.id });
  expect(use(app.id)).toBeUndefined();
});
