import { expect, test } from 'vitest';
import { findConflicts } from '../../src/landing/conflicts/conflicts.ts';
import { readHunks } from '../../src/landing/conflicts/conflict-hunks.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles, type Files } from '../support/push-files.ts';
import { stageBranch, stageRepo } from './staged-branch.ts';

const open = useForge();
const numbered = (replaced: Record<number, string> = {}): string =>
  Array.from({ length: 20 }, (_, index) => `${replaced[index + 1] ?? `line ${index + 1}`}\n`).join('');

/** The target and the branch change what both begin with. */
async function stage(sides: { start: Files; target: Files; branch: Files }, method?: 'fast-forward') {
  const staged = await stageRepo(await open(), method);
  const push = (files: Files) => pushFiles(staged.forge.git, { repo: staged.folder, branch: 'main', files });
  await push(sides.start);
  const branch = await stageBranch(staged, { files: sides.branch });
  await push(sides.target);
  return { ...staged, branch };
}

test('both sides of every place are shown, with the lines around it and what to do', async () => {
  const staged = await stage({
    start: { 'c.txt': numbered() },
    target: { 'c.txt': numbered({ 5: 'of main', 15: 'of main too' }) },
    branch: { 'c.txt': numbered({ 5: 'of work', 15: 'of work too' }) },
  });
  const { files, commands } = await findConflicts(staged.forge, staged);
  expect(files).toMatchObject([{ path: 'c.txt', without: null, moreHunks: 0 }]);
  expect(files[0]?.hunks).toEqual([
    {
      before: ['line 2', 'line 3', 'line 4'],
      target: ['of main'],
      branch: ['of work'],
      after: ['line 6', 'line 7', 'line 8'],
      leftOut: 0,
    },
    {
      before: ['line 12', 'line 13', 'line 14'],
      target: ['of main too'],
      branch: ['of work too'],
      after: ['line 16', 'line 17', 'line 18'],
      leftOut: 0,
    },
  ]);
  expect(commands).toEqual([
    expect.stringMatching(/^git fetch http\S+\/ada\/app\.git main$/),
    'git switch work',
    'git merge FETCH_HEAD',
    'git add -- c.txt',
    'git commit --no-edit',
    'git push',
  ]);
});

test('what has no lines to compare is told in words', async () => {
  const staged = await stage({
    start: { 'gone.txt': 'one\n', 'image.bin': Buffer.from([0, 1]), 'plain.txt': '1\n' },
    target: { 'gone.txt': null, 'image.bin': Buffer.from([0, 2]), 'plain.txt': '2\n' },
    branch: { 'gone.txt': 'two\n', 'image.bin': Buffer.from([0, 3]) },
  });
  const { files } = await findConflicts(staged.forge, staged);
  expect(files.map(({ path, without }) => [path, without])).toEqual([
    ['gone.txt', 'no_lines'],
    ['image.bin', 'binary'],
  ]);
  expect(files[0]?.messages[0]).toContain('gone.txt deleted in main and modified in work');
});

test('a path for a shell is quoted, and where history is straight the branch is rebased', async () => {
  const name = "it's $(here).txt";
  const staged = await stage(
    { start: { [name]: '1\n' }, target: { [name]: '2\n' }, branch: { [name]: '3\n' } },
    'fast-forward',
  );
  const { commands } = await findConflicts(staged.forge, staged);
  expect(commands).toContain(String.raw`git add -- 'it'\''s $(here).txt'`);
  expect(commands).toContain('git rebase FETCH_HEAD');
});

test('a branch that merges cleanly has no conflicts, and one that ended is refused', async () => {
  const staged = await stage({ start: {}, target: { 'c.txt': '1\n' }, branch: { 'd.txt': '1\n' } });
  expect(await findConflicts(staged.forge, staged)).toMatchObject({ files: [], moreFiles: 0 });
  const branch = { ...staged.branch, state: 'closed' as const };
  await expect(findConflicts(staged.forge, { ...staged, branch })).rejects.toMatchObject({
    code: 'conflict',
  });
});

const sides = { target: 'a'.repeat(40), head: 'b'.repeat(40) };
const place = (target: string, branch: string) =>
  `<<<<<<< ${sides.target}\n${target}=======\n${branch}>>>>>>> ${sides.head}\n`;

test('lines that look like marks and are none are text', () => {
  const text = `<<<<<<< HEAD\nx\n=======\n>>>>>>> other\n${place('=======x\n', '<<<<<<< HEAD\n')}`;
  expect(readHunks(text, sides).hunks).toMatchObject([{ target: ['=======x'], branch: ['<<<<<<< HEAD'] }]);
});

test('very many places and lines are cut, and counted', () => {
  const many = readHunks(place('a\n', 'b\n').repeat(100), sides);
  expect([many.hunks.length, many.moreHunks]).toEqual([30, 70]);
  const long = readHunks(place('a\n'.repeat(1000), 'b\n'), sides);
  expect(long.hunks[0]).toMatchObject({ leftOut: 880 });
  expect(long.hunks[0]?.target).toHaveLength(120);
});
