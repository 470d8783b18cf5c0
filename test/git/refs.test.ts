import { expect, test } from 'vitest';
import { listHeads, resolveBranch, updateRefs, zeroOid } from '../../src/git/refs.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();

async function stage() {
  const it = await open();
  it.account('ada');
  const repo = it.repoFolder(await it.repo('ada/app', { files: { a: '1\n' } }));
  const { git } = it.forge;
  const main = (await resolveBranch(git, repo, 'main'))!;
  const topic = await pushFiles(git, { repo, branch: 'topic', from: main, files: { b: '1\n' } });
  return { git, repo, main, topic };
}

test('a branch is resolved by its full name, whatever tags are called like it', async () => {
  const { git, repo, main, topic } = await stage();
  const decoys = ['refs/tags/main', 'refs/tags/refs/heads/main', 'refs/heads/refs/heads/main'];
  await updateRefs(
    git,
    repo,
    decoys.map((ref) => ({ ref, newOid: topic })),
  );
  expect(await resolveBranch(git, repo, 'main')).toBe(main);
  expect(await resolveBranch(git, repo, 'nothing')).toBeUndefined();
  expect(await resolveBranch(git, repo, '--all')).toBeUndefined();
  expect((await listHeads(git, repo)).get('main')).toBe(main);
});

test('refs move together or not at all', async () => {
  const { git, repo, main, topic } = await stage();
  const moves = [
    { ref: 'refs/heads/main', newOid: topic, oldOid: main },
    { ref: 'refs/heads/topic', newOid: zeroOid, oldOid: main },
  ];
  await expect(updateRefs(git, repo, moves)).rejects.toMatchObject({ code: 'conflict' });
  expect(await listHeads(git, repo)).toEqual(
    new Map([
      ['main', main],
      ['topic', topic],
    ]),
  );
  await updateRefs(git, repo, [moves[0]!, { ref: 'refs/heads/topic', newOid: zeroOid, oldOid: topic }]);
  expect(await listHeads(git, repo)).toEqual(new Map([['main', topic]]));
  const create = { ref: 'refs/heads/main', newOid: main, oldOid: zeroOid };
  await expect(updateRefs(git, repo, [create])).rejects.toMatchObject({ code: 'conflict' });
});
