import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRefFiles } from '../../src/git/ref-files.ts';
import { findHead, listRefs, updateRefs } from '../../src/git/refs.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();
const prefixes = ['refs/heads/', 'refs/tags/'];

async function stage() {
  const it = await open();
  const repo = it.repoFolder(await it.repo('demo/app', { files: { a: 'a\n' } }));
  const oid = await pushFiles(it.forge.git, { repo, branch: 'b/c', files: { b: 'b\n' } });
  const git = async (): Promise<[string, string][]> => {
    const text = await it.forge.git.text(
      ['for-each-ref', '--format=%(refname) %(objectname)', 'refs/heads/', 'refs/tags/'],
      { repo },
    );
    return text.split('\n').map((line) => line.split(' ') as [string, string]);
  };
  const create = (...refs: string[]) =>
    updateRefs(
      it.forge.git,
      repo,
      refs.map((ref) => ({ ref, newOid: oid })),
    );
  const pack = () => it.forge.git.run(['pack-refs', '--all'], { repo });
  const read = async () => [...((await readRefFiles(repo, prefixes)) ?? [])];
  return { it, repo, oid, git, create, pack, read };
}

test('loose and packed refs are read as git lists them, in its order', async () => {
  const { git, create, pack, read, repo, oid, it } = await stage();
  await create('refs/heads/z', 'refs/tags/v1', 'refs/heads/b-d', 'refs/pika/heads/1/1');
  await it.forge.git.run(['-c', 'user.name=a', 'tag', '-a', '-m', 'x', 'v2', oid], { repo });
  expect(await read()).toEqual(await git());
  await pack();
  expect(await read()).toEqual(await git());
  await create('refs/heads/b-c', 'refs/tags/v0');
  await pushFiles(it.forge.git, { repo, branch: 'z', files: { moved: 'on\n' } });
  expect(await read()).toEqual(await git());
});

test('a ref that is deleted, or packed anew, is seen at once', async () => {
  const { git, create, pack, read, repo, oid, it } = await stage();
  await create('refs/heads/one', 'refs/heads/two');
  await pack();
  await read();
  await updateRefs(it.forge.git, repo, [{ ref: 'refs/heads/one', newOid: '0'.repeat(40), oldOid: oid }]);
  expect(await read()).toEqual(await git());
  await create('refs/heads/three');
  await pack();
  expect(await read()).toEqual(await git());
});

test('one branch is read as all of them are, wherever it stands', async () => {
  const { git, create, pack, repo, it } = await stage();
  const head = (name: string) => findHead(it.forge.git, repo, name);
  await pack();
  await create('refs/heads/z');
  await pushFiles(it.forge.git, { repo, branch: 'b/c', files: { moved: 'on\n' } });
  for (const [ref, oid] of await git()) expect(await head(ref.slice('refs/heads/'.length)), ref).toBe(oid);
  for (const name of ['none', 'b', 'b/c/d', 'main.lock']) expect(await head(name), name).toBe(undefined);
  // What is no object id in a file is for git to follow.
  writeFileSync(join(repo, 'refs/heads/symbolic'), 'ref: refs/heads/b/c\n');
  expect(await head('symbolic')).toBe(await head('b/c'));
});

test('whatever looks unusual is left to git', async () => {
  const { repo, create } = await stage();
  const unusual: [string, string][] = [
    ['refs/heads/symbolic', 'ref: refs/heads/main\n'],
    ['refs/heads/broken', 'nonsense\n'],
    ['refs/heads/grün', `${'1'.repeat(40)}\n`],
    ['refs/heads/a..b', `${'1'.repeat(40)}\n`],
  ];
  for (const [name, text] of unusual) {
    writeFileSync(join(repo, name), text);
    expect(await readRefFiles(repo, prefixes), name).toBe(undefined);
    rmSync(join(repo, name));
  }
  writeFileSync(join(repo, 'refs/heads/being-written.lock'), '');
  expect((await readRefFiles(repo, prefixes))?.has('refs/heads/being-written.lock')).toBe(false);
  expect(await readRefFiles(repo, ['refs/heads/b'])).toBe(undefined);
  mkdirSync(join(repo, 'refs/heads/empty/folder'), { recursive: true });
  await create('refs/heads/last');
  expect((await readRefFiles(repo, prefixes))?.size).toBe(3);
});

test('a repository with more loose refs than files are worth is read by git, and answers the same', async () => {
  const { repo, create, it } = await stage();
  await create(...Array.from({ length: 600 }, (_unused, turn) => `refs/heads/many/${turn}`));
  expect(await readRefFiles(repo, prefixes)).toBe(undefined);
  expect((await listRefs(it.forge.git, repo, prefixes)).size).toBe(602);
});
