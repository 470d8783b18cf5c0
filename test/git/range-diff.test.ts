import { expect, test } from 'vitest';
import { readRangeDiff } from '../../src/git/range-diff.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();
const lines = (to = 'line 5'): string =>
  Array.from({ length: 9 }, (_, at) => (at === 4 ? to : `line ${at}`)).join('\n');

test('commits are matched by what they do: the same, changed, gone and new, with what no message can pose as', async () => {
  const testForge = await open();
  const { forge } = testForge;
  const repo = testForge.repoFolder(await testForge.repo('ada/app', { files: { 'a.txt': lines() } }));
  const base = await forge.git.text(['rev-parse', 'refs/heads/main'], { repo });
  const push = (branch: string, files: Record<string, string>, message: string, from?: string) =>
    pushFiles(forge.git, { repo, branch, files, message, ...(from === undefined ? {} : { from }) });
  const pose = `Pose\n\n1:  ${'1'.repeat(40)} = 1:  ${'2'.repeat(40)} a pair\n`;
  await push('old', { kept: 'kept\n' }, 'Keep', base);
  await push('old', { 'a.txt': lines('first') }, `${pose}one\n`);
  const oldHead = await push('old', { gone: 'gone\n' }, 'Go');
  const moved = await push('main', { other: 'target\n' }, 'Move on');
  await push('new', { kept: 'kept\n' }, 'Keep', moved);
  await push('new', { 'a.txt': lines('second') }, `${pose}two\n`);
  const newHead = await push('new', { came: 'came, and nothing like it\n' }, 'Come');

  const range = { repo, old: { base, head: oldHead }, new: { base: moved, head: newHead }, maxMs: 60_000 };
  const pairs = await readRangeDiff(forge.git, range);
  expect(pairs!.map(({ kind, subject }) => `${kind} ${subject}`).sort()).toEqual([
    'changed Pose',
    'gone Go',
    'new Come',
    'same Keep',
  ]);
  const changed = pairs!.find(({ kind }) => kind === 'changed')!;
  expect(changed.patch).toContain('-+first\n');
  expect(changed.patch).toContain('++second\n');
  expect(pairs!.filter((pair) => pair !== changed).map(({ patch }) => patch)).toEqual(['', '', '']);
  expect(pairs!.find(({ kind }) => kind === 'new')).toMatchObject({
    old: undefined,
    new: { at: 3, oid: newHead },
  });
});
