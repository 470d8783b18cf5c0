import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createRepo } from '../../src/repos/create-repo.ts';
import { listRepos } from '../../src/repos/find.ts';
import { refNameProblem } from '../../src/repos/model.ts';
import { repoPath } from '../../src/repos/path.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();

test('a new repository has a row, a bare git repository, and HEAD on its default branch', async () => {
  const { forge, account } = await open();
  const { caller } = account('ada');
  const repo = await createRepo(forge, { owner: 'ada', name: 'app', defaultBranch: 'trunk', caller });
  expect(repo).toMatchObject({ owner: 'ada', name: 'app', visibility: 'private' });
  const head = await forge.git.text(['symbolic-ref', 'HEAD'], { repo: repoPath(forge, repo.id) });
  expect(head).toBe('refs/heads/trunk');
});

test('a folder that a death left in its place is put aside and keeps nobody from making repositories', async () => {
  const { forge, account } = await open();
  const { caller } = account('ada');
  const left = repoPath(forge, 1);
  mkdirSync(left);
  writeFileSync(join(left, 'HEAD'), 'all that is left');
  expect(await createRepo(forge, { owner: 'ada', name: 'app', caller })).toMatchObject({ id: 1 });
  const { repos } = forge.config.paths;
  const [other = '', aside = ''] = readdirSync(repos).sort();
  expect([other, aside]).toEqual(['1.git', expect.stringMatching(/^lost-1-/)]);
  expect(readFileSync(join(repos, aside, 'HEAD'), 'utf8')).toBe('all that is left');
});

describe('P1: a bad name is refused and nothing is written', () => {
  test.each([
    '..',
    '.',
    '',
    '%2e%2e',
    'a/../../b',
    'a\0b',
    'a\\b',
    '.git',
    'x.git',
    'x.lock',
    '-x',
    'x.',
    'a..b',
    'é',
    ' a',
    'x'.repeat(300),
    '$(id)',
    'a b',
    'a\nb',
  ])('%j', async (name) => {
    const { forge, account } = await open();
    const { caller } = account('ada', 'admin');
    await expect(createRepo(forge, { owner: 'ada', name, caller })).rejects.toMatchObject({
      code: 'invalid',
    });
    await expect(createRepo(forge, { owner: name, name: 'app', caller })).rejects.toMatchObject({
      code: 'invalid',
    });
    expect(listRepos(forge)).toEqual([]);
    expect(readdirSync(forge.config.paths.repos)).toEqual([]);
  });

  test.each(['api', 'LOGIN', 'assets', 'live', 'admin'])('the owner %s, which is a page', async (owner) => {
    const { forge, account } = await open();
    const { caller } = account('root', 'admin');
    await expect(createRepo(forge, { owner, name: 'app', caller })).rejects.toThrow(/taken by a page/);
  });
});

test('a name that differs only by case is taken', async () => {
  const { forge, account } = await open();
  const { caller } = account('ada');
  await createRepo(forge, { owner: 'ada', name: 'app', caller });
  await expect(createRepo(forge, { owner: 'ADA', name: 'App', caller })).rejects.toMatchObject({
    code: 'conflict',
  });
});

test('members create repositories under their own name only', async () => {
  const { forge, account } = await open();
  const { caller } = account('ada');
  await expect(createRepo(forge, { owner: 'bea', name: 'app', caller })).rejects.toMatchObject({
    code: 'forbidden',
  });
});

test('when git cannot make the repository, no row is left', async () => {
  const { forge, account } = await open();
  const { caller } = account('ada');
  const broken = {
    ...forge,
    git: Object.create(forge.git, { run: { value: () => Promise.reject(new Error('full')) } }),
  };
  await expect(createRepo(broken, { owner: 'ada', name: 'app', caller })).rejects.toThrow();
  expect(listRepos(forge)).toEqual([]);
  expect(readdirSync(forge.config.paths.repos)).toEqual([]);
});

describe('A1, A3: names of branches', () => {
  test.each([
    '-x',
    '--upload-pack=touch',
    '--output=x',
    '$(id)',
    ';id',
    'a|b',
    'a"b',
    "a'b",
    '<img src=x>',
    'a\u202Eb',
    'HEAD',
    '@',
    'refs/heads/main',
    'a/-b',
    'a//b',
    '/a',
    'a/',
    'x.lock',
    'a.lock/b',
    'a..b',
    'a.',
    'x@{1}',
    'a b',
    'a\0b',
    '0123456789012345678901234567890123456789',
    'x'.repeat(201),
    '',
    '.hidden',
    'a/.b',
  ])('%j is refused', (name) => expect(refNameProblem(name)).toBeDefined());
  test.each([
    'main',
    'feature/new_thing',
    'v1.2',
    'fix-#1'.replace('#', ''),
    'a@b',
    'dependabot/npm/x-1.2.3+1',
  ])('%j is taken', (name) => expect(refNameProblem(name)).toBeUndefined());
});
