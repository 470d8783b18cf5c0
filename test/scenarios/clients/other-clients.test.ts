// Clients that are not git do what people do all day: clone, fetch, push a branch, be refused, force, delete. What
// they left behind is read with plain git and through the forge's own API.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { GitClient } from '../../support/git-client.ts';
import { clientKinds, type ClientKind, type OtherClient, type Way } from '../../support/other-clients.ts';
import { outputOf, type ProgramResult } from '../../support/run-program.ts';
import { pushBranch, pushProject } from '../../support/sample-project.ts';
import { useSharedForge, type ServedForge } from '../../support/serve.ts';
import { testUnless } from '../../support/where-installed.ts';

const shared = useSharedForge();

interface Meeting {
  served: ServedForge;
  person: GitClient;
  token: string;
  repo: string;
  url: string;
  client: OtherClient;
  /** Where the client cloned to. */
  folder: string;
  /** Plain git in that folder. */
  git: (...args: string[]) => Promise<string>;
}

let met = 0;

for (const kind of clientKinds) {
  const missing = await kind.missing();
  for (const way of kind.ways) {
    const title = `${kind.name} clones, fetches, pushes, is refused, forces and deletes over ${way}`;
    testUnless(missing, title)(title, { timeout: 180_000 }, async () => {
      const meeting = await meet(kind, way);
      await clones(meeting);
      const head = await pushes(meeting);
      await fetches(meeting);
      await isRefused(meeting);
      await forcesAndDeletes(meeting, head);
    });
  }
}

/** A person with a project of some size, and the client they use besides git. */
async function meet(kind: ClientKind, way: Way): Promise<Meeting> {
  const served = await shared();
  met += 1;
  const name = `person${met}`;
  const person = await served.person(name);
  const repo = `${name}/app`;
  const rows = Array.from({ length: 20_000 }, (_, index) => `row ${index}\n`).join('');
  await pushProject(served, {
    client: person,
    repo,
    files: { 'README.md': '# App\n', 'big.txt': rows, 'bin/run': '#!/bin/sh\n', 'déjà vu.txt': 'vu\n' },
  });
  await pushBranch(person, { name: 'theirs', message: 'Theirs', files: { 'theirs.txt': '1\n' } });
  const token = await served.token(name);
  const url =
    way === 'SSH'
      ? `ssh://git@${served.ssh}/${repo}.git`
      : `${served.http.replace('//', `//x:${token}@`)}/${repo}.git`;
  if (way === 'SSH') await knowHost(served, person);
  const folder = join(person.home, 'theirs');
  const git = (...args: string[]): Promise<string> =>
    outputOf(['git', ...args], { cwd: folder, env: person.env });
  const client = kind.open(person, way === 'HTTP' ? token : '');
  return { served, person, token, repo, url, client, folder, git };
}

/** Clients without a question to ask read the server's key where OpenSSH keeps it. */
async function knowHost(served: ServedForge, person: GitClient): Promise<void> {
  const argv = ['ssh-keyscan', '-p', String(served.sshPort), '127.0.0.1'];
  mkdirSync(join(person.home, '.ssh'), { recursive: true });
  writeFileSync(join(person.home, '.ssh/known_hosts'), await outputOf(argv, { cwd: '/', env: person.env }));
}

const done = ({ status, stderr }: ProgramResult): void => expect(status, stderr).toBe(0);

async function clones({ client, url, folder, person, git }: Meeting): Promise<void> {
  done(await client.clone(url, folder));
  expect(await git('rev-parse', 'HEAD')).toBe(await person.git('rev-parse', 'main'));
  expect(await git('rev-parse', 'refs/remotes/origin/theirs')).toBe(await person.git('rev-parse', 'theirs'));
  await git('fsck', '--strict');
  expect(await git('ls-tree', '-r', 'HEAD')).toBe(await person.git('ls-tree', '-r', 'main'));
  expect(await git('grep', '-c', '', 'HEAD', '--', 'big.txt')).toBe('HEAD:big.txt:20000');
}

/** A commit of plain git on the branch that is checked out. */
async function commit({ git, folder }: Meeting, message: string): Promise<string> {
  writeFileSync(join(folder, 'mine.txt'), `${message}\n`);
  await git('add', 'mine.txt');
  await git('commit', '--quiet', '-m', message);
  return git('rev-parse', 'HEAD');
}

async function pushes(meeting: Meeting): Promise<string> {
  const { client, git, folder } = meeting;
  await git('checkout', '--quiet', '-b', 'mine');
  const head = await commit(meeting, 'Mine');
  const pushed = await client.push(folder, 'refs/heads/mine:refs/heads/mine');
  done(pushed);
  expect(await branchNamed(meeting, 'mine')).toMatchObject({ state: 'open', head, revision: 1 });
  return head;
}

async function fetches({ client, person, git, folder }: Meeting): Promise<void> {
  const moved = await person.commit('More of theirs', { 'theirs.txt': '2\n' });
  await person.git('push', '--quiet', 'origin', 'theirs');
  done(await client.fetch(folder));
  expect(await git('rev-parse', 'refs/remotes/origin/theirs')).toBe(moved);
  expect(await git('show', `${moved}:theirs.txt`)).toBe('2');
}

/** The refusal is told with its reason, and nothing has moved. */
async function isRefused(meeting: Meeting): Promise<void> {
  const { client, person, folder } = meeting;
  const refused = await client.push(folder, 'refs/heads/mine:refs/heads/main');
  const said = refused.stdout + refused.stderr;
  expect(said).toContain('refs/heads/main: the default branch takes no direct push');
  expect(said).toContain('pre-receive hook declined');
  expect(await remoteHead(person, 'main')).toBe(await person.git('rev-parse', 'main'));
}

async function forcesAndDeletes(meeting: Meeting, head: string): Promise<void> {
  const { client, folder, git } = meeting;
  await git('reset', '--quiet', '--hard', 'HEAD~1');
  const other = await commit(meeting, 'Mine again');
  await client.push(folder, 'refs/heads/mine:refs/heads/mine');
  expect(await branchNamed(meeting, 'mine')).toMatchObject({ head });
  const forced = await client.push(folder, '+refs/heads/mine:refs/heads/mine');
  done(forced);
  expect(await branchNamed(meeting, 'mine')).toMatchObject({ state: 'open', head: other, revision: 2 });
  done(await client.push(folder, ':refs/heads/mine'));
  expect(await remoteHead(meeting.person, 'mine')).toBe('');
  expect(await branchNamed(meeting, 'mine')).toMatchObject({ state: 'closed' });
}

const remoteHead = async (person: GitClient, name: string): Promise<string> =>
  (await person.git('ls-remote', 'origin', `refs/heads/${name}`)).split('\t')[0] ?? '';

async function branchNamed({ served, token, repo }: Meeting, name: string): Promise<object | undefined> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${served.http}/api/v1/repos/${repo}/branches`, { headers });
  const { branches } = (await answer.json()) as { branches: { name: string }[] };
  return branches.find((branch) => branch.name === name);
}
