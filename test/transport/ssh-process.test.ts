import { existsSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { findOpenBranch } from '../../src/branches/find.ts';
import { findRepo } from '../../src/repos/find.ts';
import { useForge } from '../support/forge.ts';
import { serveGit } from '../support/git-server.ts';

const open = useForge();

test('the SSH process is started again when it dies, on the same port and with the same host key', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const url = server.sshUrl('ada/app');
  await ada.commit('Start', { a: '1\n' });
  await ada.git('push', url, 'main');
  const first = server.transport.sshProcessId()!;
  process.kill(first, 'SIGKILL');
  await expect.poll(() => server.transport.sshProcessId()).not.toBe(first);
  await expect.poll(async () => (await ada.tryGit('ls-remote', url)).status).toBe(0);
});

test('a client that hangs up in the middle of a push ends its git and changes nothing', async () => {
  const it = await open({ settings: { limits: { maxGitProcesses: 1, maxWaitingGit: 0 } } });
  const server = await serveGit(it);
  const ada = await server.person('ada');
  await it.repo('ada/app', { files: { a: '1\n' } });
  const [ssh = '', ...args] = ada.env['GIT_SSH_COMMAND']!.split(' ');
  const child = spawn(
    ssh,
    [...args, '-p', String(server.sshPort), 'git@127.0.0.1', 'git-receive-pack /ada/app'],
    {
      env: ada.env,
    },
  );
  await once(child.stdout, 'data');
  expect((await ada.tryGit('ls-remote', server.sshUrl('ada/app'))).stderr).toContain(
    'serves 1 git clients already',
  );
  child.kill('SIGKILL');
  await once(child, 'close');
  await expect.poll(async () => (await ada.tryGit('ls-remote', server.sshUrl('ada/app'))).status).toBe(0);
});

test('who finds every place taken is told that it waits, and is served when one comes free', async () => {
  const it = await open({ settings: { limits: { maxGitProcesses: 1 } } });
  const server = await serveGit(it);
  const ada = await server.person('ada');
  await it.repo('ada/app', { files: { a: '1\n' } });
  const [ssh = '', ...args] = ada.env['GIT_SSH_COMMAND']!.split(' ');
  const asks = () =>
    spawn(ssh, [...args, '-p', String(server.sshPort), 'git@127.0.0.1', 'git-upload-pack /ada/app'], {
      env: ada.env,
    });
  const holder = asks();
  await once(holder.stdout, 'data');
  const waiting = asks();
  const [notice] = (await once(waiting.stderr, 'data')) as [Buffer];
  expect(notice.toString()).toBe('pika-git: The forge serves others; waiting for a place.\n');
  holder.stdin.end('0000');
  const [refs] = (await once(waiting.stdout, 'data')) as [Buffer];
  expect(refs.toString()).toContain('refs/heads/main');
  waiting.stdin.end('0000');
  await once(waiting, 'close');
  expect(waiting.exitCode).toBe(0);
});

test('the SSH process ends when the forge is killed', async () => {
  const it = await open();
  // A forge of its own process, so that it can be killed.
  const script = new URL('./serve-alone.ts', import.meta.url).pathname;
  const forge = spawn(process.execPath, [script, `${it.folder}/other`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(forge.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  const isAlive = async () =>
    existsSync(`/proc/${pid}/stat`) &&
    !(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z')).includes(') Z');
  expect(await isAlive()).toBe(true);
  forge.kill('SIGKILL');
  await expect.poll(isAlive).toBe(false);
});

test('a push that was accepted while its page could not be made stands, and is read later', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const url = server.sshUrl('ada/app');
  await ada.commit('Start', { a: '1\n' });
  await ada.git('push', url, 'main');
  const repo = findRepo(it.forge, 'ada', 'app')!;
  const head = await ada.commit('Two', { a: '2\n' });
  // What the forge would do with the ring fails; git has taken the push by then.
  it.forge.db.exec('ALTER TABLE ingested_pushes RENAME TO gone');
  const result = await ada.tryGit('push', url, 'HEAD:refs/heads/topic');
  expect(result.status).toBe(0);
  it.forge.db.exec('ALTER TABLE gone RENAME TO ingested_pushes');
  const pushed = it.forge.events.next('branch-pushed');
  server.branches.start();
  await pushed;
  expect(findOpenBranch(it.forge, repo.id, 'topic')).toMatchObject({ headOid: head, authorName: 'ada' });
});
