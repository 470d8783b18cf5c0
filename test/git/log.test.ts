import { expect, test } from 'vitest';
import type { GitPath } from '../../src/git/git-path.ts';
import { findRename, readLog } from '../../src/git/log.ts';
import { useForge } from '../support/forge.ts';
import { outputOf } from '../support/run-program.ts';
import { rawCommit, rawName, type RawCommit } from '../support/raw-commit.ts';

const open = useForge();
const maxMs = 20_000;
const range = { skip: 0, limit: 10, maxMs };

async function stage() {
  const it = await open();
  it.account('ada');
  const repo = it.repoFolder(await it.repo('ada/app'));
  const { git } = it.forge;
  const commit = (raw: Omit<RawCommit, 'repo'>) => rawCommit(git, { repo, ...raw });
  return { it, git, repo, commit };
}

test('commits come newest first, page by page, with their people and times', async () => {
  const { git, repo, commit } = await stage();
  const oids: string[] = [];
  for (let number = 0; number < 5; number += 1) {
    const parents = oids.slice(-1);
    oids.push(
      await commit({
        files: { a: `${number}\n` },
        parents,
        message: `Number ${number}\n\nBody\n`,
        at: 1000 + number,
      }),
    );
  }
  const [head = ''] = oids.slice(-1);
  const first = await readLog(git, { repo, head, ...range, limit: 3 });
  expect(first.commits.map(({ subject }) => subject)).toEqual(['Number 4', 'Number 3', 'Number 2']);
  expect(first).toMatchObject({ hasMore: true, timedOut: false });
  expect(first.commits[0]).toEqual({
    oid: head,
    parents: [oids[3]],
    authorName: 'Ada Example',
    authorEmail: 'ada@example.org',
    authoredAt: 1_004_000,
    committedAt: 1_004_000,
    subject: 'Number 4',
  });
  const second = await readLog(git, { repo, head, ...range, skip: 3, limit: 3 });
  expect(second.commits.map(({ subject }) => subject)).toEqual(['Number 1', 'Number 0']);
  expect(second.hasMore).toBe(false);
  expect(second.commits[1]?.parents).toEqual([]);
  const between = await readLog(git, { repo, head, base: oids[2], ...range });
  expect(between.commits.map(({ oid }) => oid)).toEqual([oids[4], oids[3]]);
});

test('the history of a name is that of its very bytes', async () => {
  const { git, repo, commit } = await stage();
  const names = [
    '*',
    '?',
    ':(glob)**',
    '-x',
    '[a]',
    '"q"',
    'a\nb',
    'sp ace',
    'ä',
    Buffer.from([0x61, 0xff, 0x0a, 0x27]),
  ];
  let head = await commit({ files: { plain: 'x\n' }, message: 'plain\n' });
  const files: Record<string, string> = { plain: 'x\n' };
  const made: string[] = [];
  for (const [index, name] of names.entries()) {
    files[rawName(name)] = `${index}\n`;
    head = await commit({ files, parents: [head], message: `add ${index}\n`, at: 2000 + index });
    made.push(head);
  }
  for (const [index, name] of names.entries()) {
    const { commits } = await readLog(git, { repo, head, path: rawName(name), ...range });
    expect(
      commits.map(({ oid }) => oid),
      String(name),
    ).toEqual([made[index]]);
  }
  expect((await readLog(git, { repo, head, path: 'nothing' as GitPath, ...range })).commits).toEqual([]);
});

test('D2: a commit that says more than a page may hold does not hide the others', async () => {
  const { git, repo, commit } = await stage();
  const root = await commit({ files: { a: '1\n' }, message: 'Root\n', at: 1 });
  const long = await commit({ files: { a: '2\n' }, parents: [root], message: 'x'.repeat(900_000), at: 2 });
  const longer = await commit({
    files: { a: '3\n' },
    parents: [long],
    message: 'y'.repeat(1_500_000),
    at: 3,
  });
  const head = await commit({ files: { a: '4\n' }, parents: [longer], message: 'Head\n', at: 4 });
  const { commits, timedOut } = await readLog(git, { repo, head, ...range });
  expect(timedOut).toBe(false);
  expect(commits.map(({ oid }) => oid)).toEqual([head, longer, long, root]);
  expect(commits.map(({ subject }) => subject.slice(0, 60))).toEqual([
    'Head',
    'The message of this commit is too large to read.',
    'x'.repeat(60),
    'Root',
  ]);
  expect(commits[2]?.subject).toHaveLength(500);
});

test('what git is still looking for when the time is up is said to be missing', async () => {
  const { git, repo, commit } = await stage();
  const head = await commit({ files: { a: '1\n' } });
  // Git waits for ever for what the pipe would say.
  await outputOf(['mkfifo', `${repo}/objects/info/alternates`], {
    cwd: repo,
    env: { PATH: process.env['PATH'] ?? '' },
  });
  const cut = await readLog(git, { repo, head, ...range, maxMs: 300 });
  expect(cut).toEqual({ commits: [], hasMore: false, timedOut: true });
});

test('a message in another encoding is read in it', async () => {
  const { git, repo, commit } = await stage();
  const head = await commit({
    files: { a: '1\n' },
    message: Buffer.from('Gr\xfc\xdfe\n', 'latin1'),
    headers: 'encoding ISO-8859-1\n',
  });
  expect((await readLog(git, { repo, head, ...range })).commits[0]?.subject).toBe('Grüße');
});

test('where a file came from is told only of the commit that renamed it', async () => {
  const { git, repo, commit } = await stage();
  const text = 'one\ntwo\nthree\nfour\n';
  const bytes = rawName(Buffer.from([0xff, 0x0a, 0x31]));
  const root = await commit({ files: { old: text } });
  const renamed = await commit({ files: { [bytes]: `${text}five\n` }, parents: [root] });
  const changed = await commit({ files: { [bytes]: `${text}5\n`, fresh: 'x\n' }, parents: [renamed] });
  const of = (oid: string, path: GitPath) => findRename(git, { repo, commit: oid, path, maxMs });
  expect(await of(renamed, bytes)).toEqual({ commit: root, path: 'old' });
  expect(await of(changed, bytes)).toBeUndefined();
  expect(await of(changed, 'fresh' as GitPath)).toBeUndefined();
  const beside = await commit({ files: { [bytes]: `${text}five\n`, other: '1\n' }, parents: [renamed] });
  expect(await of(beside, bytes)).toBeUndefined();
  expect(await of(root, 'old' as GitPath)).toBeUndefined();
});
