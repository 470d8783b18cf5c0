// What is said of lines that a branch takes away, where one revision is read against an earlier one.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getRevision } from '../../src/branches/find.ts';
import { changesData } from '../../src/front/changes.ts';
import { startThread } from '../../src/reviews/comment.ts';
import { numbered, stageReview } from '../reviews/stage-review.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';

let testForge: TestForge;
beforeAll(async () => void (testForge = await openTestForge()));
afterAll(() => testForge.dispose());

test('a thread on an old line stands above its file between two revisions, for their old side has other numbers', async () => {
  const change = numbered(40).replace('line 20\n', '');
  const files = { 'a.txt': numbered(40) };
  const staged = await stageReview(testForge, { name: 'range', files, change: { 'a.txt': change } });
  const { repo, reviewer } = staged;
  const { forge } = testForge;
  const request = {
    path: 'a.txt',
    side: 'old' as const,
    line: 20,
    body: 'Why was it taken away?',
    draft: false,
  };
  await startThread(forge, { repo, branch: staged.branch(), caller: reviewer.caller, request });
  await staged.push({ 'a.txt': change.replace('line 22\n', 'changed\n') });
  const branch = staged.branch();
  const place = { repo, branch, caller: reviewer.caller, revision: getRevision(forge, branch.id, 2) };
  const [whole] = (await changesData(forge, place)).files;
  expect(Object.keys(whole!.talk!)).toEqual(['old20']);
  const since = getRevision(forge, branch.id, 1);
  const [file] = (await changesData(forge, { ...place, since })).files;
  expect(file!.talk).toEqual({});
  expect(file!.talkAbove.map(({ lines, side }) => [lines, side])).toEqual([['line 20', 'old']]);
});
