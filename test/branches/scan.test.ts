import { expect, test } from 'vitest';
import { findBranch, findOpenBranch, listOpenBranches, listRevisions } from '../../src/branches/find.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { settleBranch, settleRow } from '../../src/branches/settle.ts';
import { listRefs, resolveBranch, updateRefs, zeroOid } from '../../src/git/refs.ts';
import type { Repo } from '../../src/repos/model.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();

interface Stage {
  it: TestForge;
  repo: Repo;
  path: string;
  main: string;
  /** Commits to a branch behind the forge's back, from main unless the branch exists. */
  push: (branch: string, content: string, from?: string) => Promise<string>;
}

async function stage(): Promise<Stage> {
  const it = await open();
  it.account('ada');
  const repo = await it.repo('ada/app', { files: { a: '1\n' } });
  const path = it.repoFolder(repo);
  const main = (await resolveBranch(it.forge.git, path, 'main'))!;
  const push = (branch: string, content: string, from?: string): Promise<string> =>
    pushFiles(it.forge.git, { repo: path, branch, files: { [branch]: content }, ...(from ? { from } : {}) });
  return { it, repo, path, main, push };
}

test('a branch without a row gets one, with its base, its title and a pin, and a second scan changes nothing', async () => {
  const { it, repo, path, main, push } = await stage();
  const head = await push('topic', '1\n', main);
  await scanRepo(it.forge, repo);
  await scanRepo(it.forge, repo);
  const branch = findBranch(it.forge, repo.id, 1)!;
  expect(branch).toMatchObject({
    name: 'topic',
    title: 'Change topic',
    headOid: head,
    revision: 1,
    authorName: undefined,
  });
  expect(listRevisions(it.forge, branch.id)).toMatchObject([
    { headOid: head, baseOid: main, targetOid: main },
  ]);
  expect(await listRefs(it.forge.git, path, ['refs/pika/'])).toEqual(
    new Map([['refs/pika/heads/1/1', head]]),
  );
});

test('a moved branch gets a new revision, and what it was stays pinned', async () => {
  const { it, repo, path, main, push } = await stage();
  const one = await push('topic', '1\n', main);
  await scanRepo(it.forge, repo);
  const moved = it.forge.events.next('branch-pushed');
  const two = await push('topic', '2\n', main);
  await scanRepo(it.forge, repo);
  expect(await moved).toMatchObject({ revision: 2 });
  expect([...(await listRefs(it.forge.git, path, ['refs/pika/'])).values()]).toEqual([one, two]);
});

test('a branch whose head the target contains is merged and its ref removed, a vanished one is closed', async () => {
  const { it, repo, path, main, push } = await stage();
  const landed = await push('landed', '1\n', main);
  await push('gone', '1\n', main);
  const vanished = await push('vanished', '1\n', landed);
  await scanRepo(it.forge, repo);
  const merge = await pushFiles(it.forge.git, {
    repo: path,
    branch: 'main',
    from: main,
    merges: [landed, vanished],
    files: { landed: '1\n' },
  });
  await updateRefs(it.forge.git, path, [
    { ref: 'refs/heads/gone', newOid: zeroOid },
    { ref: 'refs/heads/vanished', newOid: zeroOid },
  ]);
  const target = it.forge.events.next('target-moved');
  await scanRepo(it.forge, repo);
  expect(await target).toEqual({ repoId: repo.id, oid: merge });
  const states = [1, 2, 3].map((number) => findBranch(it.forge, repo.id, number)!);
  expect(Object.fromEntries(states.map(({ name, state }) => [name, state]))).toEqual({
    landed: 'merged',
    gone: 'closed',
    vanished: 'merged',
  });
  expect(await resolveBranch(it.forge.git, path, 'landed')).toBeUndefined();
  await scanRepo(it.forge, repo);
  expect(listOpenBranches(it.forge, { repoId: repo.id })).toEqual([]);
});

test('a branch that has no commits of its own is not taken for merged', async () => {
  const { it, repo, path, main, push } = await stage();
  await updateRefs(it.forge.git, path, [{ ref: 'refs/heads/fresh', newOid: main, oldOid: zeroOid }]);
  await scanRepo(it.forge, repo);
  await push('main', '2\n');
  await scanRepo(it.forge, repo);
  expect(findOpenBranch(it.forge, repo.id, 'fresh')).toMatchObject({ state: 'open', headOid: main });
});

test('a tag with the name of the default branch is not taken for it', async () => {
  const { it, repo, path, main, push } = await stage();
  const head = await push('topic', '1\n', main);
  await updateRefs(it.forge.git, path, [{ ref: 'refs/tags/main', newOid: head }]);
  await scanRepo(it.forge, repo);
  expect(findOpenBranch(it.forge, repo.id, 'topic')).toMatchObject({ state: 'open' });
});

test('a branch whose commit is missing is marked broken, and the others are looked at', async () => {
  const { it, repo, path, main, push } = await stage();
  await push('bad', '1\n', main);
  await push('good', '1\n', main);
  await scanRepo(it.forge, repo);
  const { writeFileSync } = await import('node:fs');
  writeFileSync(`${path}/refs/heads/bad`, `${'d'.repeat(40)}\n`);
  const good = await push('good', '2\n');
  await scanRepo(it.forge, repo);
  expect(findOpenBranch(it.forge, repo.id, 'bad')?.brokenReason).toContain('is missing');
  expect(findOpenBranch(it.forge, repo.id, 'good')).toMatchObject({ headOid: good, brokenReason: undefined });
});

test('a pin that was left by a crash before its row is used by the next try', async () => {
  const { it, repo, path, main, push } = await stage();
  await updateRefs(it.forge.git, path, [{ ref: 'refs/pika/heads/1/1', newOid: main }]);
  const head = await push('topic', '1\n', main);
  await scanRepo(it.forge, repo);
  expect(await listRefs(it.forge.git, path, ['refs/pika/'])).toEqual(
    new Map([['refs/pika/heads/1/1', head]]),
  );
});

test('a branch settles once, and a merge that the scan saw first still gets its commit', async () => {
  const { it, repo, main, push } = await stage();
  const { account } = it.account('ben');
  await push('topic', '1\n', main);
  await scanRepo(it.forge, repo);
  const { id } = findOpenBranch(it.forge, repo.id, 'topic')!;
  expect(settleBranch(it.forge, { branchId: id, state: 'merged' })).toBe(true);
  expect(settleBranch(it.forge, { branchId: id, state: 'closed' })).toBe(false);
  expect(settleRow(it.forge, { branchId: id, state: 'merged', mergeOid: main, actorId: account.id })).toBe(
    false,
  );
  expect(findBranch(it.forge, repo.id, 1)).toMatchObject({
    state: 'merged',
    mergeOid: main,
    settledByName: 'ben',
  });
});

test('however many branches are new, moved, landed or gone, the scan takes a handful of gits', async () => {
  const { it, repo, path, main } = await stage();
  const { git } = it.forge;
  const count = 120;
  const importAll = (parent: (place: number) => string, content: string): Promise<unknown> => {
    const parts = Array.from({ length: count }, (_, place) => {
      const who = `Ada Example <ada@example.org> ${1_767_225_600 + place} +0000`;
      return `commit refs/heads/t${place}\nauthor ${who}\ncommitter ${who}\ndata 1\n.\nfrom ${parent(place)}\nM 644 inline f${place}\ndata 1\n${content}\n`;
    });
    return git.run(['fast-import', '--quiet', '--done', '--force'], {
      repo: path,
      input: `${parts.join('')}done\n`,
    });
  };
  const spawn = git.spawn.bind(git);
  let gits = 0;
  git.spawn = (...order) => {
    gits += 1;
    return spawn(...order);
  };
  const gitsOf = async (): Promise<number> => {
    gits = 0;
    await scanRepo(it.forge, repo);
    return gits;
  };
  await importAll(() => main, '1');
  expect(await gitsOf()).toBeLessThan(8);
  expect(listOpenBranches(it.forge, { repoId: repo.id })).toHaveLength(count);
  await importAll((place) => `refs/heads/t${place}^0`, '2');
  expect(await gitsOf()).toBeLessThan(8);
  expect(await gitsOf()).toBeLessThan(4);

  const heads = await listRefs(git, path, ['refs/heads/']);
  heads.delete('refs/heads/main');
  const merges = [...heads.values()].slice(0, 15);
  await pushFiles(git, { repo: path, branch: 'main', from: main, merges, files: { m: '1\n' } });
  const gone = [...heads.keys()].slice(15, 60);
  await updateRefs(
    git,
    path,
    gone.map((ref) => ({ ref, newOid: zeroOid })),
  );
  expect(await gitsOf()).toBeLessThan(10);
  expect(listOpenBranches(it.forge, { repoId: repo.id })).toHaveLength(count - 60);
});

test('a pin that was lost, or that a death of the machine left half written, is mended when pins are looked at', async () => {
  const { it, repo, path, main, push } = await stage();
  const one = await push('topic', '1\n', main);
  await scanRepo(it.forge, repo);
  const two = await push('topic', '2\n', main);
  await scanRepo(it.forge, repo);
  const { writeFileSync } = await import('node:fs');
  writeFileSync(`${path}/refs/pika/heads/1/1`, '');
  await updateRefs(it.forge.git, path, [{ ref: 'refs/pika/heads/1/2', newOid: zeroOid }]);
  await scanRepo(it.forge, repo, { pins: true });
  expect(await listRefs(it.forge.git, path, ['refs/pika/'])).toEqual(
    new Map([
      ['refs/pika/heads/1/1', one],
      ['refs/pika/heads/1/2', two],
    ]),
  );
});

test('the base of a branch is where it left its target, however many commits ago, and also after a merge', async () => {
  const { it, repo, path, main, push } = await stage();
  const { git } = it.forge;
  const on = (branch: string, from: string, merges: string[] = []): Promise<string> =>
    pushFiles(git, { repo: path, branch, from, merges, files: { [branch]: from } });
  const top = await on('main', main);
  let deep = await on('deep', top);
  for (let count = 0; count < 25; count += 1) deep = await on('deep', deep);
  await on('few', await on('few', top));
  await on('early', main);
  await on('merged', await on('merged', main), [top]);
  await push('alone', '1\n');
  await scanRepo(it.forge, repo);
  const baseOf = (name: string) => {
    const { id } = findOpenBranch(it.forge, repo.id, name)!;
    return listRevisions(it.forge, id)[0]!.baseOid;
  };
  const names = ['deep', 'few', 'early', 'merged', 'alone'];
  expect(names.map(baseOf)).toEqual([top, top, main, top, undefined]);
});
