// What is said of lines that a branch takes away, and what one revision is read against.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getRevision } from '../../src/branches/find.ts';
import { moveTarget } from '../../src/branches/move-target.ts';
import { changesData, commentData } from '../../src/front/changes.ts';
import { commitsData } from '../../src/front/commits.ts';
import { discussionData, type TimelineItem } from '../../src/front/discussion.ts';
import { readPlace } from '../../src/front/talk.ts';
import { startThread } from '../../src/reviews/comment.ts';
import { numbered, stageReview } from '../reviews/stage-review.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

let testForge: TestForge;
beforeAll(async () => void (testForge = await openTestForge()));
afterAll(() => testForge.dispose());

test('an old line of a renamed file leads to a form for the file as it was called then', async () => {
  const text = numbered(40);
  const change = { 'a.txt': null, 'b.txt': text.replace('line 20\n', '') };
  const staged = await stageReview(testForge, { name: 'renamed', files: { 'a.txt': text }, change });
  const { repo, reviewer } = staged;
  const branch = staged.branch();
  const revision = getRevision(testForge.forge, branch.id, 1);
  const place = { repo, branch, caller: reviewer.caller, revision };
  const [shown] = (await changesData(testForge.forge, place)).files;
  const placeIn = (href?: string) =>
    readPlace(`${new URLSearchParams(href?.split('?')[1]).get('comment')}:old:20`)!;
  const { files, form } = await commentData(testForge.forge, place, placeIn(shown?.oldCommentHref));
  expect(form).toMatchObject({ path: 'a.txt', words: 'line 20 as before' });
  expect(files[0]?.form?.key).toBe('old20');
});

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

test('commits are matched with those of a revision that is still kept, and with none where there is none', async () => {
  const files = { 'a.txt': '1\n' };
  const staged = await stageReview(testForge, { name: 'kept', files, change: { 'a.txt': '2\n' } });
  for (const text of ['3\n', '4\n']) await staged.push({ 'a.txt': text });
  const { forge } = testForge;
  const branch = staged.branch();
  const { repo, owner } = staged;
  const place = { repo, branch, caller: owner.caller, revision: getRevision(forge, branch.id, 3) };
  const giveUp = (number: number) =>
    forge.db.run('UPDATE revisions SET unpinned_at = 1 WHERE branch_id = :id AND number = :number', {
      id: branch.id,
      number,
    });
  expect(await commitsData(forge, place, {})).toMatchObject({ matched: { since: 2, revision: 3 } });
  giveUp(2);
  expect(await commitsData(forge, place, {})).toMatchObject({ matched: { since: 1, revision: 3 } });
  giveUp(1);
  expect((await commitsData(forge, place, {}))['matched']).toBeUndefined();
});

test('a branch that is aimed elsewhere was not pushed, and what its target has by now is told as that', async () => {
  const files = { 'a.txt': '1\n' };
  const staged = await stageReview(testForge, {
    name: 'aimed',
    files,
    change: { 'a.txt': '2\n', 'b.txt': 'b\n' },
  });
  const { forge } = testForge;
  const { repo, owner } = staged;
  await pushFiles(forge.git, {
    repo: testForge.repoFolder(repo),
    branch: 'ahead',
    from: 'refs/heads/main',
    files: { 'b.txt': 'b\n' },
  });
  await staged.push({ 'a.txt': '2\n' }, { from: 'refs/heads/ahead' });
  await moveTarget(forge, { branchId: staged.branch().id, target: 'ahead' });
  const branch = staged.branch();
  const place = { repo, branch, caller: owner.caller, revision: getRevision(forge, branch.id, 3) };
  const { timeline } = (await discussionData(forge, { ...place, shown: 100 })) as {
    timeline: TimelineItem[];
  };
  expect(timeline.map((item) => item.kind === 'push' && item.isAim)).toEqual([false, false, true]);
  const since = getRevision(forge, branch.id, 2);
  expect(await changesData(forge, { ...place, since })).toMatchObject({ count: 0, range: { hasGone: true } });
});
