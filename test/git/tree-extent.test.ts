import { expect, test } from 'vitest';
import { measureTrees } from '../../src/git/tree-extent.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { makeBomb } from '../support/git-bomb.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();

async function stage(it: TestForge): Promise<{ repo: string; commit: string }> {
  const repo = it.repoFolder(await it.repo('demo/app', { files: { 'README.md': '# App\n' } }));
  const files = { a: 'a\n', 'x/y/z': 'z\n', 'x/y/w': 'z\n' };
  return { repo, commit: await pushFiles(it.forge.git, { repo, branch: 'topic', files }) };
}

test('a tree has as many files as it has paths, and the depth of its longest one', async () => {
  const it = await open();
  const { repo, commit } = await stage(it);
  expect(await measureTrees(it.forge.git, { repo }, { names: [`${commit}^{tree}`] })).toEqual({
    files: 3,
    depth: 3,
  });
  // Again from what is known.
  expect(await measureTrees(it.forge.git, { repo }, { names: [`${commit}^{tree}`] })).toEqual({
    files: 3,
    depth: 3,
  });
});

test('what names no tree is passed over', async () => {
  const it = await open();
  const { repo, commit } = await stage(it);
  const blob = await it.forge.git.text(['rev-parse', `${commit}:a`], { repo });
  const names = ['0'.repeat(40), blob, `${blob}^{tree}`, `${commit}^{tree}`];
  expect(await measureTrees(it.forge.git, { repo }, { names })).toEqual({ files: 3, depth: 3 });
});

test('a dozen objects that spell ten thousand million paths are counted at once', async () => {
  const it = await open();
  const { repo } = await stage(it);
  const tree = await makeBomb(it.forge.git, repo, { levels: 10, width: 10 });
  expect(await measureTrees(it.forge.git, { repo }, { names: [tree] })).toEqual({ files: 1e10, depth: 10 });
});

test('folders may lie deeper than any stack', async () => {
  const it = await open();
  const { repo } = await stage(it);
  const depth = 3000;
  const files = { [`${'d/'.repeat(depth)}f`]: 'f\n' };
  const commit = await pushFiles(it.forge.git, { repo, branch: 'deep', files });
  const tree = `${commit}^{tree}`;
  expect(await measureTrees(it.forge.git, { repo }, { names: [tree] })).toEqual({
    files: 1,
    depth: depth + 1,
  });
});
