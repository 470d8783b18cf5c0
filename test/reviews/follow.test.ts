import { afterAll, beforeAll, expect, test } from 'vitest';
import { getRevision, listRevisions } from '../../src/branches/find.ts';
import { startThread } from '../../src/reviews/comment.ts';
import { followThreads } from '../../src/reviews/follow.ts';
import type { Thread } from '../../src/reviews/model.ts';
import { threadRequest } from '../../src/reviews/model.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';
import { numbered, stageReview, type StagedReview } from './stage-review.ts';

let testForge: TestForge;
beforeAll(async () => {
  testForge = await openTestForge();
});
afterAll(() => testForge.dispose());

const say = (staged: StagedReview, request: object): Promise<Thread> =>
  startThread(testForge.forge, {
    repo: staged.repo,
    branch: staged.branch(),
    caller: staged.reviewer.caller,
    request: threadRequest.parse({ body: 'Why?', ...request }),
  });

async function placeOf(staged: StagedReview, thread: Thread, revision?: number) {
  const branch = staged.branch();
  const placed = await followThreads(testForge.forge, {
    repoId: staged.repo.id,
    threads: [thread],
    revisions: listRevisions(testForge.forge, branch.id),
    to: getRevision(testForge.forge, branch.id, revision ?? branch.revision),
  });
  return placed.get(thread.id);
}

test('a thread moves with its lines, is outdated while they are gone, and is back when they are', async () => {
  const text = numbered(40);
  const staged = await stageReview(testForge, {
    name: 'lines',
    files: { 'a.txt': text },
    change: { 'b.txt': text },
  });
  const thread = await say(staged, { path: 'b.txt', line: 21, firstLine: 20 });
  expect(thread.context.map(({ number }) => number)).toEqual([17, 18, 19, 20, 21, 22, 23, 24]);
  await staged.push({ 'b.txt': `one more\n${text}` });
  expect(await placeOf(staged, thread)).toMatchObject({ state: 'here', firstLine: 21, lastLine: 22 });
  await staged.push({ 'b.txt': text.replace('line 20\n', 'another\n') });
  expect(await placeOf(staged, thread)).toMatchObject({ state: 'changed', firstLine: 21, lastLine: 21 });
  await staged.push({ 'b.txt': 'nothing of it\n' });
  expect(await placeOf(staged, thread)).toMatchObject({ state: 'outdated', firstLine: 20, lastLine: 21 });
  await staged.push({ 'b.txt': text });
  expect(await placeOf(staged, thread)).toMatchObject({ state: 'here', firstLine: 20, lastLine: 21 });
  expect(await placeOf(staged, thread, 2)).toMatchObject({ state: 'here', firstLine: 21 });
});

test('a thread follows a renamed file, and one on a file that is gone is outdated', async () => {
  const text = numbered(40);
  const staged = await stageReview(testForge, {
    name: 'renames',
    files: { 'a.txt': '1\n' },
    change: { 'b.txt': text },
  });
  const onLine = await say(staged, { path: 'b.txt', line: 3 });
  const onFile = await say(staged, { path: 'b.txt' });
  await staged.push({ 'dir/c.txt': `first\n${text}` });
  expect(await placeOf(staged, onLine)).toMatchObject({ state: 'here', path: 'dir/c.txt', lastLine: 4 });
  expect(await placeOf(staged, onFile)).toMatchObject({ state: 'here', path: 'dir/c.txt' });
  await staged.push({ 'd.txt': 'unlike\n' });
  expect(await placeOf(staged, onLine)).toMatchObject({ state: 'outdated', path: 'b.txt', lastLine: 3 });
  expect(await placeOf(staged, onFile)).toMatchObject({ state: 'outdated', path: 'b.txt' });
});

test('an old line of a file that the branch renames is commented on under either name', async () => {
  const text = numbered(40);
  const staged = await stageReview(testForge, {
    name: 'old-names',
    files: { 'a.txt': text },
    change: { 'a.txt': null, 'b.txt': text.replace('line 20\n', '') },
  });
  for (const path of ['a.txt', 'b.txt']) {
    const thread = await say(staged, { path, side: 'old', line: 20 });
    expect(thread).toMatchObject({ path: 'a.txt', lastLine: 20 });
    expect(await placeOf(staged, thread)).toMatchObject({ state: 'here', path: 'a.txt', lastLine: 20 });
  }
});

test('a thread on the old side follows the merge base through a rebase', async () => {
  const text = numbered(30);
  const staged = await stageReview(testForge, {
    name: 'bases',
    files: { 'a.txt': text },
    change: { 'a.txt': 'x\n' },
  });
  const thread = await say(staged, { path: 'a.txt', side: 'old', line: 9 });
  await staged.moveTarget({ 'a.txt': `top\n${text}` });
  await staged.push({ 'a.txt': 'x\n' });
  expect(await placeOf(staged, thread)).toMatchObject({ state: 'here', lastLine: 10 });
  const gone = await say(staged, { path: 'a.txt' });
  await staged.push({ 'a.txt': null });
  expect(await placeOf(staged, gone)).toMatchObject({ state: 'here', path: 'a.txt' });
});

test('a comment is refused where there is no such file, line or head, with the way out', async () => {
  const staged = await stageReview(testForge, {
    name: 'refused',
    files: { 'a.txt': '1\n2\n' },
    change: { 'b.txt': '1\n' },
  });
  await expect(say(staged, { path: 'none.txt' })).rejects.toThrow(/no file none.txt.*leave path out/);
  await expect(say(staged, { path: 'b.txt', side: 'old', line: 1 })).rejects.toThrow(
    /no file b.txt on that side/,
  );
  await expect(say(staged, { path: '../../etc/passwd', line: 1 })).rejects.toThrow(/no file/);
  await expect(say(staged, { path: 'b.txt', line: 2 })).rejects.toThrow(/has 1 lines there/);
  await expect(say(staged, { path: 'b.txt', line: 1, firstLine: 2 })).rejects.toThrow(/range ends behind/);
  await expect(say(staged, { line: 1 })).rejects.toThrow(/name the file/);
  await expect(say(staged, { head: '0'.repeat(40) })).rejects.toThrow(/never was a head/);
});
