import { expect, test } from 'vitest';
import { findBranch, findOpenBranch, listRevisions } from '../../src/branches/find.ts';
import { listRefs, resolveBranch } from '../../src/git/refs.ts';
import { findRepo } from '../../src/repos/find.ts';
import { repoPath } from '../../src/repos/path.ts';
import { useForge } from '../support/forge.ts';
import { serveGit } from '../support/git-server.ts';

const open = useForge();

for (const way of ['SSH', 'HTTP'] as const) {
  test(`a push over ${way} creates the repository, then a branch with a page, and both can be cloned`, async () => {
    const it = await open();
    const server = await serveGit(it);
    const ada = await server.person('ada');
    const url = way === 'SSH' ? server.sshUrl('ada/app') : server.httpUrl('ada/app', ada.token());
    const main = await ada.commit('Start', { 'a.txt': 'one\n' });
    const first = await ada.tryGit('push', url, 'main');
    expect(first.stderr).toContain('/ada/app');
    expect(first.status).toBe(0);
    const repo = findRepo(it.forge, 'ada', 'app')!;
    expect(await resolveBranch(it.forge.git, repoPath(it.forge, repo.id), 'main')).toBe(main);

    await ada.git('switch', '--quiet', '-c', 'topic');
    const head = await ada.commit('Add two', { 'b.txt': 'two\n' });
    const pushed = it.forge.events.next('branch-pushed');
    const second = await ada.tryGit('push', url, 'topic');
    expect(second.stderr).toMatch(/remote: Branch #1: http:\/\/127\.0\.0\.1:\d+\/ada\/app\/branches\/1/);
    expect(second.stderr).toContain('remote: Follow its lanes with: ph wait');
    expect(await pushed).toMatchObject({ repoId: repo.id, revision: 1 });
    expect(findBranch(it.forge, repo.id, 1)).toMatchObject({
      name: 'topic',
      title: 'Add two',
      target: 'main',
      authorName: 'ada',
      headOid: head,
      state: 'open',
    });
    const pins = await listRefs(it.forge.git, repoPath(it.forge, repo.id), ['refs/pika/']);
    expect(pins).toEqual(new Map([['refs/pika/heads/1/1', head]]));

    await ada.git('clone', '--quiet', url, '../copy');
    expect(await ada.git('-C', '../copy', 'rev-parse', 'HEAD', 'origin/topic')).toBe(`${main}\n${head}`);
    expect(await ada.git('ls-remote', url)).not.toContain('refs/pika');
  });
}

test('a force push is a new revision, a deletion closes the branch, and its name makes a new branch later', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const url = server.sshUrl('ada/app');
  const main = await ada.commit('Start', { 'a.txt': 'one\n' });
  await ada.git('push', url, 'main');
  await ada.git('switch', '--quiet', '-c', 'topic');
  const one = await ada.commit('One', { 'b.txt': '1\n' });
  await ada.git('push', url, 'topic');
  await ada.git('reset', '--quiet', '--hard', main);
  const two = await ada.commit('Two', { 'b.txt': '2\n' });
  await ada.git('push', '--force', url, 'topic');
  const repo = findRepo(it.forge, 'ada', 'app')!;
  const branch = findOpenBranch(it.forge, repo.id, 'topic')!;
  expect(branch).toMatchObject({ number: 1, revision: 2, headOid: two, title: 'Two' });
  expect(listRevisions(it.forge, branch.id)).toMatchObject([
    { headOid: one, baseOid: main, pushedByName: 'ada' },
    { headOid: two, baseOid: main, targetOid: main, pushedByName: 'ada' },
  ]);
  await ada.git('push', url, ':topic');
  expect(findBranch(it.forge, repo.id, 1)).toMatchObject({ state: 'closed', settledByName: 'ada' });
  await ada.git('push', url, 'topic');
  expect(findBranch(it.forge, repo.id, 2)).toMatchObject({ state: 'open', revision: 1, name: 'topic' });
});

test('a repository whose first branch is not main takes that one as its default branch', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const url = server.sshUrl('ada/app');
  await ada.commit('Start', { 'a.txt': 'one\n' });
  await ada.git('push', url, 'HEAD:refs/heads/trunk');
  expect(findRepo(it.forge, 'ada', 'app')).toMatchObject({ defaultBranch: 'trunk' });
  expect(await ada.git('ls-remote', '--symref', url, 'HEAD')).toContain('ref: refs/heads/trunk\tHEAD');
});
