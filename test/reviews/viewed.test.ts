// What a reviewer need not look at twice, against real revisions.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getRevision } from '../../src/branches/find.ts';
import { rangeOf } from '../../src/reviews/range.ts';
import { changedSince } from '../../src/reviews/since.ts';
import { submitReview } from '../../src/reviews/submit.ts';
import { markViewed, viewedOf } from '../../src/reviews/viewed.ts';
import { generateTutorials } from '../../src/tutorials/desk.ts';
import { tutorialSections } from '../../src/tutorials/view.ts';
import { viewStep } from '../../src/tutorials/view-step.ts';
import { outlineWriter } from '../../src/tutorials/writers/outline.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';
import { numbered, stageReview, type StagedReview } from './stage-review.ts';

let testForge: TestForge;
let count = 0;
beforeAll(
  async () =>
    void (testForge = await openTestForge({ settings: { limits: { maxViewedFilesPerBranch: 3 } } })),
);
afterAll(() => testForge.dispose());

const base = { 'a.txt': numbered(40), 'b.txt': numbered(40), 'c.txt': numbered(40) };
const changeIn = (line: number, to = 'changed'): string => numbered(40).replace(`line ${line}\n`, `${to}\n`);

async function stage(change: Record<string, string>): Promise<StagedReview> {
  count += 1;
  return stageReview(testForge, { name: `viewed${count}`, files: base, change });
}

const revisionOf = (staged: StagedReview, number?: number) =>
  getRevision(testForge.forge, staged.branch().id, number ?? staged.branch().revision);

async function view(staged: StagedReview, path: string, isViewed = true) {
  const branch = staged.branch();
  const order = { ...staged, branch, caller: staged.reviewer.caller, path, isViewed, head: branch.headOid };
  return markViewed(testForge.forge, order);
}

async function viewedPaths(staged: StagedReview): Promise<string[]> {
  const place = { ...staged, branch: staged.branch(), caller: staged.reviewer.caller };
  const { paths } = await viewedOf(testForge.forge, { ...place, revision: revisionOf(staged) });
  return [...paths].sort();
}

async function since(staged: StagedReview, from: number, to?: number) {
  const range = { from: revisionOf(staged, from), to: revisionOf(staged, to) };
  const found = await changedSince(testForge.forge, { ...staged, branch: staged.branch(), ...range });
  return {
    ...found,
    labels: Object.fromEntries([...found.labels].sort()),
    shown: found.diff.files.map(({ newPath, added, removed }) => `${newPath} +${added} -${removed}`),
  };
}

test('a file that is only rebased stays viewed; one that changes has to be looked at again, and back again not', async () => {
  const change = { 'a.txt': changeIn(20), 'b.txt': changeIn(20) };
  const staged = await stage(change);
  await view(staged, 'a.txt');
  expect(await view(staged, 'b.txt')).toMatchObject({ total: 2, paths: new Set(['a.txt', 'b.txt']) });
  // The target grows above the change, so every line of it has another number.
  await staged.moveTarget({ 'a.txt': `first\n${numbered(40)}` });
  await staged.push({ 'a.txt': `first\n${changeIn(20)}`, 'b.txt': changeIn(20, 'otherwise') });
  expect(staged.branch().revision).toBe(2);
  expect(await viewedPaths(staged)).toEqual(['a.txt']);
  await staged.push({ 'a.txt': `first\n${changeIn(20)}`, 'b.txt': changeIn(20) });
  expect(await viewedPaths(staged)).toEqual(['a.txt', 'b.txt']);
  await view(staged, 'a.txt', false);
  expect(await viewedPaths(staged)).toEqual(['b.txt']);
});

test('a file and the steps of the tutorial have the same marks: what is viewed in one place is viewed in the other', async () => {
  const twoPlaces = changeIn(3).replace('line 36\n', 'changed too\n');
  const staged = await stage({ 'a.txt': twoPlaces, 'b.txt': changeIn(20) });
  await generateTutorials(testForge.forge, outlineWriter);
  const order = () => ({ ...staged, branch: staged.branch(), caller: staged.reviewer.caller });
  const steps = async () => {
    const viewerId = staged.reviewer.account.id;
    const { steps: found = [] } = await tutorialSections(testForge.forge, staged.branch(), { viewerId });
    return found.map(({ viewedCount, hunkCount }) => `${viewedCount} of ${hunkCount}`);
  };
  expect(await steps()).toEqual(['0 of 3']);
  await view(staged, 'a.txt');
  expect(await steps()).toEqual(['2 of 3']);
  await viewStep(testForge.forge, { ...order(), step: 1, isViewed: true });
  expect(await viewedPaths(staged)).toEqual(['a.txt', 'b.txt']);
  await view(staged, 'b.txt', false);
  expect(await steps()).toEqual(['2 of 3']);
  await viewStep(testForge.forge, { ...order(), step: 1, isViewed: false });
  expect(await viewedPaths(staged)).toEqual([]);
});

test('marks are refused for files and heads that the branch has not, and beyond their maximum', async () => {
  const staged = await stage(Object.fromEntries(['1', '2', '3', '4'].map((name) => [name, 'text\n'])));
  await expect(view(staged, 'a.txt')).rejects.toMatchObject({ code: 'not_found' });
  const branch = staged.branch();
  const order = { ...staged, branch, caller: staged.reviewer.caller, path: '1', isViewed: true };
  const elsewhere = markViewed(testForge.forge, { ...order, head: '1'.repeat(40) });
  await expect(elsewhere).rejects.toMatchObject({ code: 'not_found' });
  for (const path of ['1', '2', '3']) await view(staged, path);
  await expect(view(staged, '4')).rejects.toMatchObject({ code: 'limited' });
  await view(staged, '3');
});

test('since an earlier revision, a rebase brings nothing: each file is changed, new, gone, only rebased or unchanged', async () => {
  const staged = await stage({
    'a.txt': changeIn(20),
    'b.txt': changeIn(20),
    'c.txt': changeIn(20),
    kept: 'kept\n',
    left: 'left\n',
  });
  const head = staged.branch().headOid;
  const reviewer = { ...staged, branch: staged.branch(), caller: staged.reviewer.caller };
  submitReview(testForge.forge, { ...reviewer, verdict: 'comment', body: 'Read.', expectedHead: head });
  await staged.moveTarget({
    'a.txt': `first\n${numbered(40)}`,
    'b.txt': `first\n${numbered(40)}`,
    other: 'target\n',
  });
  await staged.push({
    'a.txt': `first\n${changeIn(20)}`,
    'b.txt': `first\n${changeIn(20)}`.replace('line 30\n', 'changed too\n'),
    'c.txt': changeIn(20),
    kept: 'kept\n',
    came: 'came\n',
  });
  const range = rangeOf(testForge.forge, { ...reviewer, branch: staged.branch() }, { since: 'review' });
  expect([range.from.number, range.to.number]).toEqual([1, 2]);
  const found = await since(staged, 1);
  expect(found.labels).toEqual({
    'a.txt': 'rebased',
    'b.txt': 'changed',
    'c.txt': 'unchanged',
    came: 'new',
    kept: 'unchanged',
    left: 'gone',
  });
  expect(found.shown).toEqual(['b.txt +1 -1', 'came +1 -0', 'left +0 -1']);
  const back = await since(staged, 2, 1);
  expect(back.labels).toMatchObject({ 'b.txt': 'changed', came: 'gone', left: 'new', 'a.txt': 'rebased' });
  expect((await since(staged, 2)).shown).toEqual([]);
  const nobody = { ...reviewer, caller: staged.author.caller };
  expect(() => rangeOf(testForge.forge, nobody, { since: 'review' })).toThrow(/not reviewed/);
});

test('where carrying over meets a conflict, the file is compared with what was read, and said to be', async () => {
  const staged = await stage({ 'a.txt': changeIn(20), 'b.txt': changeIn(20) });
  await staged.moveTarget({ 'a.txt': changeIn(20, 'the target’s') });
  await staged.push({ 'a.txt': changeIn(20, 'both'), 'b.txt': changeIn(20) });
  const found = await since(staged, 1);
  expect(found.conflicts).toEqual(new Set(['a.txt']));
  expect(found.labels).toEqual({ 'a.txt': 'changed', 'b.txt': 'unchanged' });
  expect(found.shown).toEqual(['a.txt +1 -1']);
  expect(JSON.stringify(found.diff)).not.toContain('<<<<<<<');
});
