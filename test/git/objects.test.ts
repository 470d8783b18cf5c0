import { symlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  commitSummary,
  isAncestor,
  listCommits,
  mergeBase,
  parseCommit,
  readBlob,
  treeOf,
} from '../../src/git/objects.ts';
import { useForge } from '../support/forge.ts';
import { makeClient } from '../support/git-client.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();

async function stage(files: Record<string, string | Buffer>) {
  const it = await open();
  it.account('ada');
  const repo = it.repoFolder(await it.repo('ada/app'));
  const { git } = it.forge;
  const head = await pushFiles(git, {
    repo,
    branch: 'main',
    files,
    message: 'Say one thing\n\nAnd why.\n\nTwice.\n',
  });
  return { it, git, repo, head };
}

test('blobs are read whole, many at once, and what is no blob is nothing', async () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 256));
  const { git, repo, head } = await stage({ 'a.bin': bytes, 'dir/ä b.txt': 'x\n', empty: '' });
  const read = (path: string, maxBytes = 1e6) => readBlob(git, repo, `${head}:${path}`, maxBytes);
  const names = ['a.bin', 'empty', 'no', 'dir/ä b.txt', 'dir', 'no\nsuch\nname', 'a.bin', 'nul\0', ''];
  const [bin, empty, no, text, folder, lines, again, nul, root] = await Promise.all(
    names.map((name) => read(name)),
  );
  expect(bin?.equals(bytes)).toBe(true);
  expect(again?.equals(bytes)).toBe(true);
  expect(empty?.length).toBe(0);
  expect(text?.toString()).toBe('x\n');
  expect([no, folder, lines, nul, root]).toEqual([undefined, undefined, undefined, undefined, undefined]);
  await expect(read('a.bin', 299_999)).rejects.toMatchObject({ code: 'too_large' });
  expect((await read('dir/ä b.txt'))?.toString()).toBe('x\n');
});

test('P2: a committed symlink is its own text, and nothing outside of the repository is read', async () => {
  const { it, git, repo } = await stage({ a: '1\n' });
  const client = await makeClient(it.folder, { name: 'ada' });
  symlinkSync('/etc/passwd', `${client.checkout}/link`);
  symlinkSync('/etc', `${client.checkout}/folder`);
  const head = await client.commit('Links', {});
  const allow = {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'protocol.file.allow',
    GIT_CONFIG_VALUE_0: 'always',
  };
  await git.run(['fetch', '--quiet', client.checkout, 'main:refs/heads/links'], { repo, env: allow });
  expect((await readBlob(git, repo, `${head}:link`, 1e6))?.toString()).toBe('/etc/passwd');
  expect(await readBlob(git, repo, `${head}:folder/passwd`, 1e6)).toBeUndefined();
  for (const path of [
    '../../etc/passwd',
    './link',
    '..',
    '/etc/passwd',
    'x/../link',
    ':link',
    '-link',
    '@{u}',
  ]) {
    expect(await readBlob(git, repo, `${head}:${path}`, 1e6), path).toBeUndefined();
  }
});

test('a commit says its tree, parents, author, subject and body', async () => {
  const { git, repo, head } = await stage({ a: '1\n' });
  const second = await pushFiles(git, {
    repo,
    branch: 'main',
    files: { a: '2\n' },
    message: 'Long\nsubject\n',
    author: 'Zoë <z@x.org>',
  });
  expect(await commitSummary(git, repo, head)).toMatchObject({
    parents: [],
    subject: 'Say one thing',
    body: 'And why.\n\nTwice.',
  });
  const summary = await commitSummary(git, repo, second);
  expect(summary).toMatchObject({
    parents: [head],
    subject: 'Long subject',
    authorName: 'Zoë',
    authorEmail: 'z@x.org',
    authoredAt: 1_767_225_600_000,
  });
  expect(summary.tree).toBe(await treeOf(git, repo, second));
  expect(await listCommits(git, repo, { head: second, limit: 10 })).toEqual([
    summary,
    await commitSummary(git, repo, head),
  ]);
  expect(await listCommits(git, repo, { base: head, head: second, limit: 10 })).toEqual([summary]);
  await expect(commitSummary(git, repo, 'main')).rejects.toThrow('no object id');
  await expect(commitSummary(git, repo, summary.tree)).rejects.toMatchObject({ code: 'not_found' });
  await expect(commitSummary(git, repo, 'a'.repeat(40))).rejects.toMatchObject({ code: 'not_found' });
});

test('a commit with a signature, no message or a broken author line is read all the same', () => {
  const signed =
    'tree t\nparent p\nauthor nobody\ngpgsig -----BEGIN\n author <x> 1\n\n -----END\n\nSubject\n';
  expect(parseCommit('o', signed)).toMatchObject({
    tree: 't',
    parents: ['p'],
    authorName: '',
    authoredAt: 0,
  });
  expect(parseCommit('o', 'tree t\nauthor A <a@x> 5 +0200\n')).toMatchObject({
    subject: '',
    authoredAt: 5000,
  });
});

test('histories are compared by ids: a merge base, an ancestor, or nothing in common', async () => {
  const { git, repo, head } = await stage({ a: '1\n' });
  const one = await pushFiles(git, { repo, branch: 'one', from: head, files: { b: '1\n' } });
  const two = await pushFiles(git, { repo, branch: 'two', from: head, files: { c: '1\n' } });
  const alien = await pushFiles(git, { repo, branch: 'alien', files: { z: '1\n' } });
  expect(await mergeBase(git, repo, one, two)).toBe(head);
  expect(await mergeBase(git, repo, one, alien)).toBeUndefined();
  expect(await isAncestor(git, repo, head, one)).toBe(true);
  expect(await isAncestor(git, repo, two, one)).toBe(false);
});
