import { expect, test } from 'vitest';
import { commitTree, listCoAuthors, mergeTree, parseTreeMerge } from '../../src/git/merge.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();
const person = { name: 'ada', email: 'ada@example.org' };

async function twoSides(mine: Record<string, string | null>, theirs: Record<string, string | null>) {
  const { forge, repo, repoFolder } = await open();
  const folder = repoFolder(await repo('ada/app', { files: { 'a.txt': 'one\n', 'b.txt': 'two\n' } }));
  const base = await forge.git.text(['rev-parse', 'refs/heads/main'], { repo: folder });
  const target = await pushFiles(forge.git, { repo: folder, branch: 'main', files: mine });
  const head = await pushFiles(forge.git, { repo: folder, branch: 'work', from: base, files: theirs });
  return { git: forge.git, folder, base, target, head };
}

test('changes of both sides come together in the tree of a clean merge', async () => {
  const { git, folder, target, head } = await twoSides({ 'c.txt': 'new\n' }, { 'a.txt': 'changed\n' });
  const merge = await mergeTree(git, { repo: folder, target, head });
  if (merge.outcome !== 'clean') throw new Error('expected a clean merge');
  const names = await git.text(['ls-tree', '--name-only', merge.tree], { repo: folder });
  expect(names.split('\n')).toEqual(['a.txt', 'b.txt', 'c.txt']);
  expect(await git.text(['cat-file', 'blob', `${merge.tree}:a.txt`], { repo: folder })).toBe('changed');
});

test('a conflict names every path and says what kind each is', async () => {
  const { git, folder, target, head } = await twoSides(
    { 'a.txt': 'mine\n', 'b.txt': 'mine\n' },
    { 'a.txt': 'theirs\n', 'b.txt': null },
  );
  const merge = await mergeTree(git, { repo: folder, target, head });
  if (merge.outcome !== 'conflict') throw new Error('expected a conflict');
  expect(merge.paths).toEqual(['a.txt', 'b.txt']);
  expect(merge.messages).toEqual([
    expect.stringContaining('Merge conflict in a.txt'),
    expect.stringContaining('b.txt deleted in'),
  ]);
});

test('the output of a conflict without messages is still understood', () => {
  const tree = 'a'.repeat(40);
  expect(parseTreeMerge(`${tree}\0odd name\n\0\0`, 1)).toEqual({
    outcome: 'conflict',
    paths: ['odd name\n'],
    messages: [],
  });
});

test('a name is refused where an object id is wanted, so that no tag is ever merged', async () => {
  const { git, folder, head } = await twoSides({ 'c.txt': 'new\n' }, { 'a.txt': 'changed\n' });
  await expect(mergeTree(git, { repo: folder, target: 'main', head })).rejects.toThrow(/object id/);
});

test('a commit carries the people, the date and the message it was given', async () => {
  const { git, folder, target, head } = await twoSides({ 'c.txt': 'new\n' }, { 'a.txt': 'changed\n' });
  const merge = await mergeTree(git, { repo: folder, target, head });
  const oid = await commitTree(git, {
    repo: folder,
    tree: merge.outcome === 'clean' ? merge.tree : '',
    parents: [target, head],
    message: 'Land it\n\nBecause.',
    author: person,
    committer: { name: 'bob', email: 'bob@example.org' },
    at: Date.UTC(2026, 0, 2),
  });
  const shown = await git.text(['show', '-s', '--format=%P|%an|%ae|%cn|%cI|%B', oid], { repo: folder });
  expect(shown.trim()).toBe(
    `${target} ${head}|ada|ada@example.org|bob|2026-01-02T00:00:00+00:00|Land it\n\nBecause.`,
  );
});

test('co-authors are everybody who wrote or is named in the commits, once each, without the author', async () => {
  const { git, folder, target, head } = await twoSides({ 'c.txt': 'new\n' }, { 'a.txt': 'changed\n' });
  const more = await pushFiles(git, {
    repo: folder,
    branch: 'work',
    from: head,
    files: { 'd.txt': 'd\n' },
    author: 'Bob B <bob@example.org>',
    message: 'More\n\nCo-authored-by: Cy <cy@example.org>\nCo-authored-by: Ada <ADA@example.org>\n',
  });
  const people = await listCoAuthors(git, { repo: folder, target, head: more, author: person });
  expect(people).toEqual([
    { name: 'Bob B', email: 'bob@example.org' },
    { name: 'Cy', email: 'cy@example.org' },
  ]);
});
