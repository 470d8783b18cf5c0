// Git itself, in every way it can be told to speak: protocols v0, v1 and v2, shallow and partial clones, atomic
// pushes, chunked and compressed bodies. What git's own trace shows is what was really spoken.
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { GitClient } from '../../support/git-client.ts';
import type { Way } from '../../support/other-clients.ts';
import { outputOf, runProgram, type ProgramResult } from '../../support/run-program.ts';
import { pushProject } from '../../support/sample-project.ts';
import { useSharedForge } from '../../support/serve.ts';

// Each starts git many times, on machines that do other work.
vi.setConfig({ testTimeout: 90_000 });
const shared = useSharedForge();

interface Meeting {
  person: GitClient;
  url: string;
  /** The object ids of main, oldest first. */
  history: string[];
  /** Runs git in a folder beside the checkout, with traces where they are asked for. */
  git: (folder: string, args: readonly string[], env?: Record<string, string>) => Promise<ProgramResult>;
}

const historyLength = 40;
let met = 0;

/** A person whose project has a history, some of it big enough for more than one packet. */
async function meet(way: Way): Promise<Meeting> {
  const served = await shared();
  met += 1;
  const name = `git${met}`;
  const person = await served.person(name);
  const changes = Array.from({ length: historyLength - 1 }, (_, index) => ({
    message: `Change ${index + 1}`,
    files: { 'log.txt': `${'x'.repeat((index + 1) * 100)}\n` },
  }));
  const history = await commitAll(person, person.checkout, changes);
  await person.git('reset', '--quiet', '--hard');
  const big = Array.from({ length: 30_000 }, (_, index) => `row ${index * 7919}\n`).join('');
  history.push(await pushProject(served, { client: person, repo: `${name}/app`, files: { 'big.txt': big } }));
  const token = way === 'HTTP' ? await served.token(name) : '';
  const url =
    way === 'SSH'
      ? `ssh://git@${served.ssh}/${name}/app.git`
      : `${served.http.replace('//', `//x:${token}@`)}/${name}/app.git`;
  const git: Meeting['git'] = (folder, args, env = {}) =>
    runProgram(['git', '-C', join(person.home, folder), ...args], {
      cwd: person.home,
      env: { ...person.env, ...env },
    });
  return { person, url, history, git };
}

/** Commits on `main` of a checkout by one git: one for each of them takes longer than all that is looked at. */
async function commitAll(
  person: GitClient,
  checkout: string,
  commits: readonly { message: string; files?: Record<string, string> }[],
): Promise<string[]> {
  const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;
  const parent = await person.tryGit('-C', checkout, 'rev-parse', '--verify', '--quiet', 'refs/heads/main');
  // Later than all commits before: git tells of the newest first.
  const atSeconds = Math.floor(Date.now() / 1000) + 1;
  const stream = commits.map(({ message, files = {} }, index) => {
    const who = `committer ${person.name} <${person.name}@example.org> ${atSeconds} +0000\n`;
    const from = index === 0 && parent.status === 0 ? `from ${parent.stdout.trim()}\n` : '';
    const changed = Object.entries(files).map(([path, text]) => `M 100644 inline ${path}\n${data(text)}`);
    return `commit refs/heads/main\nmark :1\n${who}${data(message)}${from}${changed.join('')}get-mark :1\n`;
  });
  const argv = ['git', '-C', checkout, 'fast-import', '--quiet', '--done'];
  const input = `${stream.join('')}done\n`;
  return (await outputOf(argv, { cwd: checkout, env: person.env, input })).split('\n');
}

/** The standard output of a git that must end with 0. */
async function said(result: Promise<ProgramResult>): Promise<string> {
  const { status, stdout, stderr } = await result;
  expect(status, stderr).toBe(0);
  return stdout.trim();
}

const ways: Way[] = ['SSH', 'HTTP'];
const protocols = ways.flatMap((way) => [0, 1, 2].map((version) => ({ way, version })));

test.for(protocols)(
  'protocol v$version over $way clones, fetches, pushes, is refused, forces and deletes',
  async ({ way, version }) => {
    const { person, url, history, git } = await meet(way);
    const speak = ['-c', `protocol.version=${version}`];
    const trace = { GIT_TRACE_PACKET: '1' };
    const cloned = await git('', [...speak, 'clone', url, 'copy'], trace);
    expect(cloned.status, cloned.stderr).toBe(0);
    // v0 has no word for itself: it is what is spoken when no version is named.
    const spoken = /packet: +(?:clone|git)< version (\d)/.exec(cloned.stderr)?.[1];
    expect(spoken).toBe(version === 0 ? undefined : String(version));
    expect(await said(git('copy', ['rev-list', '--reverse', 'HEAD']))).toBe(history.join('\n'));
    await said(git('copy', ['fsck', '--strict']));

    await person.git('switch', '--quiet', '--create', 'topic');
    const head = await person.commit('Topic', { 'topic.txt': '1\n' });
    expect((await person.tryGit(...speak, 'push', url, 'topic')).status).toBe(0);
    await said(git('copy', [...speak, 'fetch', 'origin']));
    expect(await said(git('copy', ['rev-parse', 'origin/topic']))).toBe(head);

    const refused = await person.tryGit(...speak, 'push', url, 'topic:main');
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('remote: refs/heads/main: the default branch takes no direct push');
    const other = await person.git('commit-tree', '-p', 'main', '-m', 'Other', 'topic^{tree}');
    expect((await person.tryGit(...speak, 'push', url, `${other}:refs/heads/topic`)).status).toBe(1);
    expect((await person.tryGit(...speak, 'push', url, `+${other}:refs/heads/topic`)).status).toBe(0);
    expect((await person.tryGit(...speak, 'push', url, ':refs/heads/topic')).status).toBe(0);
    const left = await person.git(...speak, 'ls-remote', '--heads', url);
    expect(left).toBe(`${history.at(-1)}\trefs/heads/main`);
  },
);

test.for(ways)(
  'a clone over %s may be shallow, deepened, cut by time and by branch, and made whole',
  async (way) => {
    const { url, history, git } = await meet(way);
    await said(git('', ['clone', '--quiet', '--depth=3', url, 'shallow']));
    const count = async (): Promise<number> =>
      Number(await said(git('shallow', ['rev-list', '--count', 'HEAD'])));
    expect(await count()).toBe(3);
    await said(git('shallow', ['fetch', '--quiet', '--deepen=4']));
    expect(await count()).toBe(7);
    await said(git('shallow', ['fetch', '--quiet', '--depth=5']));
    expect(await count()).toBe(5);
    await said(git('shallow', ['fetch', '--quiet', '--shallow-since=2000-01-01']));
    expect(await count()).toBe(historyLength);
    await said(git('shallow', ['fetch', '--quiet', '--depth=2']));
    await said(git('shallow', ['fetch', '--quiet', '--unshallow']));
    expect(await count()).toBe(historyLength);
    await said(git('shallow', ['fsck', '--strict']));
    await said(git('shallow', ['fetch', '--quiet', url, history[4] ?? '']));
  },
);

test.for(ways)('a shallow clone may push over %s', async (way) => {
  const { person, url, git } = await meet(way);
  await said(git('', ['clone', '--quiet', '--depth=1', url, 'shallow']));
  await said(git('shallow', ['commit', '--quiet', '--allow-empty', '-m', 'From a shallow clone']));
  await said(git('shallow', ['push', '--quiet', 'origin', 'HEAD:refs/heads/from-shallow']));
  await person.git('fetch', '--quiet', url, 'from-shallow');
  expect(await person.git('rev-list', '--count', 'FETCH_HEAD')).toBe(String(historyLength + 1));
});

test.for(ways)(
  'a clone over %s may leave blobs and trees out, and fetch them when they are looked at',
  async (way) => {
    const { url, history, git } = await meet(way);
    await said(git('', ['clone', '--quiet', '--no-checkout', '--filter=blob:none', url, 'partial']));
    const missing = async (): Promise<number> =>
      (await said(git('partial', ['rev-list', '--objects', '--missing=print', '--all'])))
        .split('\n')
        .filter((line) => line.startsWith('?')).length;
    expect(await missing()).toBe(historyLength);
    expect(await said(git('partial', ['cat-file', '-s', `${history[0]}:log.txt`]))).toBe('101');
    expect(await missing()).toBe(historyLength - 1);
    await said(git('partial', ['checkout', '--quiet', 'main']));
    await said(git('', ['clone', '--quiet', '--no-checkout', '--filter=tree:0', url, 'treeless']));
    expect(await said(git('treeless', ['log', '--format=%H', '--reverse']))).toBe(history.join('\n'));
    expect(await said(git('treeless', ['show', 'HEAD~3:log.txt']))).toHaveLength(3700);
  },
);

test.for(ways)('an atomic push over %s moves all of its branches or none', async (way) => {
  const { person, url, history } = await meet(way);
  await person.git('switch', '--quiet', '--create', 'one');
  await person.commit('One', { 'one.txt': '1\n' });
  await person.git('push', '--quiet', url, 'one');
  const other = await person.git('commit-tree', '-p', 'main', '-m', 'Other', 'main^{tree}');
  const cut = await person.tryGit('push', '--atomic', url, 'one:two', `${other}:refs/heads/one`);
  expect(cut.status).toBe(1);
  expect(cut.stderr).toContain('atomic push failed');
  expect(await person.git('ls-remote', url, 'refs/heads/two')).toBe('');
  const mixed = await person.tryGit('push', '--atomic', url, 'one:two', 'one:main');
  expect(mixed.status).toBe(1);
  expect(await person.git('ls-remote', url, 'refs/heads/two')).toBe('');
  expect(await person.git('ls-remote', url, 'refs/heads/main')).toContain(history.at(-1));
  expect((await person.tryGit('push', '--atomic', url, 'one:two', `+${other}:refs/heads/one`)).status).toBe(
    0,
  );
  expect(await person.git('ls-remote', url, 'refs/heads/one')).toContain(other);
});

test('a push that is larger than its buffer comes in chunks, after a probe', async () => {
  const { person, url } = await meet('HTTP');
  await person.git('switch', '--quiet', '--create', 'big');
  const head = await person.commit('Big', { 'more.txt': 'more\n'.repeat(100_000) });
  const argv = ['git', '-c', 'http.postBuffer=1', 'push', url, 'big'];
  const env = { ...person.env, GIT_TRACE_CURL: '1', GIT_TRACE_CURL_NO_DATA: '1' };
  const pushed = await runProgram(argv, { cwd: person.checkout, env });
  expect(pushed.status, pushed.stderr).toBe(0);
  expect(pushed.stderr).toMatch(/Transfer-Encoding: chunked/i);
  expect(pushed.stderr).toMatch(/remote: Branch #1: /);
  expect(await person.git('ls-remote', url, 'refs/heads/big')).toContain(head);
});

test('a long negotiation is sent compressed and understood', async () => {
  const { person, url, git } = await meet('HTTP');
  await said(git('', ['clone', '--quiet', url, 'copy']));
  // Commits that the forge does not know make git tell of many before both find what they share.
  const own = Array.from({ length: 60 }, (_, index) => ({ message: `Own ${index}` }));
  await commitAll(person, join(person.home, 'copy'), own);
  await person.git('switch', '--quiet', '--create', 'topic');
  const head = await person.commit('Topic', { 'topic.txt': '1\n' });
  await person.git('push', '--quiet', url, 'topic');
  const trace = { GIT_TRACE_CURL: '1', GIT_TRACE_CURL_NO_DATA: '1' };
  const fetched = await git('copy', ['fetch', 'origin'], trace);
  expect(fetched.status, fetched.stderr).toBe(0);
  expect(fetched.stderr).toMatch(/Content-Encoding: gzip/i);
  expect(await said(git('copy', ['rev-parse', 'origin/topic']))).toBe(head);
});
