import { expect, test } from 'vitest';
import { findPointers } from '../../src/lfs/find-pointers.ts';
import { eachSmallBlob } from '../../src/git/small-blobs.ts';
import { updateRefs } from '../../src/git/refs.ts';
import { oidOf, pointerTo } from '../mirror/lfs-remote.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();
const nowhere = 'f'.repeat(40);

test('what new commits point to is found, with a bitmap and without, and what older ones point to is not', async () => {
  const { forge, repo: addRepo, repoFolder } = await open();
  const { git } = forge;
  const path = repoFolder(await addRepo('ada/art'));
  const commit = (files: Record<string, string | null>) =>
    pushFiles(git, { repo: path, branch: 'main', files });
  const first = await commit({ 'a.bin': pointerTo('a'), 'b.txt': 'version of mine\n' });
  // Deleted again, it is still part of the history that goes.
  await commit({ 'deep/b.bin': pointerTo('b'), 'same.bin': pointerTo('a') });
  const last = await commit({ 'deep/b.bin': null, 'c.bin': `${pointerTo('c')}${'x'.repeat(1000)}` });
  const large = await git.text(['hash-object', '-w', '--stdin'], {
    repo: path,
    input: pointerTo('d').repeat(9),
  });
  await updateRefs(git, path, [{ ref: 'refs/tags/blob', newOid: large }]);
  const oids = async (wanted: string[], known: string[]): Promise<string[]> =>
    (await findPointers(forge, { path, wanted, known })).map(({ oid }) => oid).toSorted();
  for (const prepare of [[], ['repack', '-adbq']]) {
    if (prepare.length > 0) await git.run(prepare, { repo: path });
    expect(await oids([last, large], [])).toEqual([oidOf('a'), oidOf('b')].toSorted());
    expect(await oids([last], [first, nowhere])).toEqual([oidOf('b')]);
    expect(await oids([first], [last])).toEqual([]);
  }
  // However large what a tag names is, nobody reads it.
  const read: number[] = [];
  const source = { repo: path, wanted: [last, large], known: [], belowBytes: 1024, timeoutMs: 60_000 };
  await eachSmallBlob(git, source, ({ length }) => read.push(length));
  expect(Math.max(...read)).toBeLessThan(1024);
  expect(await findPointers(forge, { path, wanted: [first], known: [] })).toEqual([
    { oid: oidOf('a'), size: 1 },
  ]);
});

test('a repository that lacks what its commits name is told to be damaged', async () => {
  const { forge, repo: addRepo, repoFolder } = await open();
  const repo = await addRepo('ada/art', { files: { 'a.txt': 'a\n' } });
  const path = repoFolder(repo);
  const tree = await forge.git.text(['mktree', '--missing'], {
    repo: path,
    input: `040000 tree ${nowhere}\tgone\n`,
  });
  const broken = await forge.git.text(['commit-tree', tree, '-m', 'broken'], { repo: path });
  await expect(findPointers(forge, { path, wanted: [broken], known: [] })).rejects.toMatchObject({
    code: 'unavailable',
  });
  const stopping = new AbortController();
  stopping.abort(new Error('no more'));
  const stopped = findPointers(forge, { path, wanted: [broken], known: [], signal: stopping.signal });
  await expect(stopped).rejects.toThrow('no more');
});
