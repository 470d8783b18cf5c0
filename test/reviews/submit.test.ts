import { afterAll, beforeAll, expect, test } from 'vitest';
import { moveTarget } from '../../src/branches/move-target.ts';
import { closeBranch } from '../../src/landing/close.ts';
import { Slots } from '../../src/lib/slot.ts';
import { setMember } from '../../src/repos/members.ts';
import { deleteComment, editComment, replyTo, startThread } from '../../src/reviews/comment.ts';
import { countDrafts, listComments, listMentions, listThreads, reviewState } from '../../src/reviews/find.ts';
import { threadRequest, type Comment, type Thread, type VerdictKind } from '../../src/reviews/model.ts';
import { resolveThread } from '../../src/reviews/resolve.ts';
import { noteOf, submitReview } from '../../src/reviews/submit.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { numbered, stageReview, type Person, type StagedReview } from './stage-review.ts';

let testForge: TestForge;
beforeAll(async () => {
  testForge = await openTestForge({ settings: { limits: { maxCommentBytes: 1000 } } });
});
afterAll(() => testForge.dispose());

let names = 0;
const stage = (options: { visibility?: 'public' } = {}): Promise<StagedReview> =>
  stageReview(testForge, {
    name: `r${(names += 1)}`,
    files: { 'a.txt': numbered(20) },
    change: { 'b.txt': numbered(5) },
    ...options,
  });

const orderOf = (staged: StagedReview, by: Person) => ({
  repo: staged.repo,
  branch: staged.branch(),
  caller: by.caller,
});

const review = (staged: StagedReview, by: Person, verdict: VerdictKind, body = '') =>
  submitReview(testForge.forge, {
    ...orderOf(staged, by),
    verdict,
    body,
    expectedHead: staged.branch().headOid,
  });

const say = (staged: StagedReview, by: Person, request: object = {}): Promise<Thread> =>
  startThread(testForge.forge, {
    ...orderOf(staged, by),
    request: threadRequest.parse({ body: 'Why?', ...request }),
  });

const stateOf = (staged: StagedReview) =>
  reviewState(testForge.forge, { repo: staged.repo, branch: staged.branch() });

const commentsOf = (staged: StagedReview, by: Person): Comment[] => {
  const branch = staged.branch();
  const viewerId = by.account.id;
  const threads = listThreads(testForge.forge, { branch, viewerId });
  return listComments(testForge.forge, { branch, threads, viewerId });
};

test('the newest verdict of each account counts, and a comment takes nothing back', async () => {
  const staged = await stage();
  review(staged, staged.reviewer, 'changes', 'Not like this.');
  review(staged, staged.owner, 'approve');
  expect(stateOf(staged)).toMatchObject({
    approvals: [{ name: staged.owner.account.name, isCurrent: true, revision: 1 }],
    changesAsked: [{ name: staged.reviewer.account.name }],
  });
  review(staged, staged.reviewer, 'approve');
  review(staged, staged.owner, 'comment', 'One more word.');
  expect(stateOf(staged).approvals).toHaveLength(2);
  expect(stateOf(staged).changesAsked).toEqual([]);
});

test('the approval of one’s own branch, or of what one pushed oneself, is kept as a comment and says so', async () => {
  const staged = await stage();
  const own = review(staged, staged.author, 'approve');
  expect(own).toMatchObject({ verdict: 'comment', asked: 'approve' });
  expect(noteOf(own)).toMatch(/own work/);
  await staged.push({ 'b.txt': 'other\n' }, { by: staged.reviewer });
  expect(review(staged, staged.reviewer, 'approve').verdict).toBe('comment');
  expect(stateOf(staged).approvals).toEqual([]);
});

test('an approval outlives a rebase and no other change, not even of white space, and not a push of the one who gave it', async () => {
  const staged = await stage();
  const work = (base: string, word = 'line') => ({ 'a.txt': `${base}${word} 21\n`, 'b.bin': 'a\0b' });
  const rebased = `top\n${numbered(20)}`;
  await staged.push(work(numbered(20)));
  review(staged, staged.reviewer, 'approve');
  review(staged, staged.owner, 'approve');
  const current = () => stateOf(staged).approvals.map(({ isCurrent }) => isCurrent);
  await staged.moveTarget({ 'a.txt': rebased, 'c.txt': 'c\n' });
  await staged.push(work(rebased));
  // The gate is shut until the patches are compared.
  expect(current()).toEqual([false, false]);
  const told = testForge.forge.events.next('review-changed');
  await staged.settle();
  expect((await told).branchId).toBe(staged.branch().id);
  expect(current()).toEqual([true, true]);
  await staged.push({ ...work(rebased), 'b.bin': 'a\0c' });
  await staged.settle();
  expect(current()).toEqual([false, false]);
  await staged.push(work(rebased, 'line '), { by: staged.reviewer });
  await staged.settle();
  expect(stateOf(staged).approvals).toMatchObject([{ name: staged.owner.account.name, isCurrent: false }]);
  await staged.push(work(rebased));
  await staged.settle();
  expect(current()).toEqual([true, true]);
});

test('an approval does not follow a branch to a target where it would land more than was read', async () => {
  const staged = await stage();
  const { forge } = testForge;
  const repo = testForge.repoFolder(staged.repo);
  const from = 'refs/heads/main';
  await pushFiles(forge.git, { repo, branch: 'unread', from, files: { 'unread.txt': 'nobody read this\n' } });
  const base = 'refs/heads/unread';
  await staged.push({ 'b.txt': 'short\n' }, { from: base });
  const aim = (target: string) => moveTarget(forge, { branchId: staged.branch().id, target });
  const current = () => stateOf(staged).approvals.map(({ isCurrent }) => isCurrent);
  await aim('unread');
  review(staged, staged.reviewer, 'approve');
  expect(current()).toEqual([true]);
  await aim('main');
  expect(current()).toEqual([false]);
  await staged.settle();
  expect(current()).toEqual([false]);
  await aim('unread');
  expect(current()).toEqual([true]);
  // The other tests of this file hear of their own branches alone.
  await staged.settle();
});

test('who cannot write any more, or is disabled, decides nothing any more', async () => {
  const staged = await stage();
  const { forge } = testForge;
  review(staged, staged.reviewer, 'approve');
  review(staged, staged.owner, 'changes', 'No.');
  setMember(forge, {
    repo: staged.repo,
    caller: staged.owner.caller,
    account: staged.reviewer.account.name,
    role: 'read',
  });
  forge.db.run('UPDATE accounts SET disabled_at = 1 WHERE id = :id', { id: staged.owner.account.id });
  expect(stateOf(staged)).toMatchObject({ approvals: [], changesAsked: [] });
});

test('who may only read comments but decides nothing, and who may not read is told of no branch', async () => {
  const staged = await stage();
  expect(() => review(staged, staged.reader, 'approve')).toThrow(/right write/);
  review(staged, staged.reader, 'comment', 'Nice.');
  const stranger = testForge.account(`stranger-${names}`);
  expect(() => review(staged, stranger, 'comment', 'Hm.')).toThrow(/There is no repository/);
});

test('a review of a head that is no more, one that says nothing, and one of an ended branch are refused', async () => {
  const staged = await stage();
  const { headOid } = staged.branch();
  const order = { ...orderOf(staged, staged.reviewer), verdict: 'approve' as const, body: '' };
  await staged.push({ 'b.txt': 'moved\n' });
  expect(() => submitReview(testForge.forge, { ...order, expectedHead: headOid })).toThrow(
    /moved on to revision 2/,
  );
  // Aimed at another target, the same head is a revision of its own.
  const now = { ...order, expectedHead: staged.branch().headOid };
  expect(() => submitReview(testForge.forge, { ...now, expectedRevision: 1 })).toThrow(
    /moved on to revision 2/,
  );
  expect(() => review(staged, staged.reviewer, 'comment')).toThrow(/write something/);
  expect(() => review(staged, staged.reviewer, 'changes')).toThrow(/say what should change/);
  await closeBranch(testForge.forge, { ...orderOf(staged, staged.owner), slots: new Slots() });
  expect(() => review(staged, staged.reviewer, 'approve')).toThrow(/is closed/);
  review(staged, staged.reviewer, 'comment', 'A pity.');
});

test('drafts are their author’s alone until a review publishes them all', async () => {
  const staged = await stage();
  const { reviewer, author } = staged;
  const open = await say(staged, author, { path: 'b.txt', line: 1, body: 'Look here.' });
  const audit = () => testForge.forge.db.get<{ count: number }>('SELECT count(*) AS count FROM audit')!.count;
  const before = audit();
  await say(staged, reviewer, { path: 'b.txt', line: 2, body: 'Hello @nobody', draft: true });
  replyTo(testForge.forge, { ...orderOf(staged, reviewer), threadId: open.id, body: 'Hm', isDraft: true });
  const dropped = replyTo(testForge.forge, {
    ...orderOf(staged, reviewer),
    threadId: open.id,
    body: 'No',
    isDraft: true,
  });
  deleteComment(testForge.forge, { ...orderOf(staged, reviewer), id: dropped.id });
  expect(audit()).toBe(before);
  expect(countDrafts(testForge.forge, staged.branch(), reviewer.account.id)).toBe(2);
  expect(commentsOf(staged, author).map(({ body }) => body)).toEqual(['Look here.']);
  expect(stateOf(staged)).toMatchObject({ threads: 1, unresolvedThreads: 1 });
  expect(() =>
    editComment(testForge.forge, { ...orderOf(staged, author), id: dropped.id - 1, body: 'Mine' }),
  ).toThrow(/has no comment/);
  const given = review(staged, reviewer, 'changes');
  expect(commentsOf(staged, author).map(({ body, reviewId }) => [body, reviewId])).toEqual([
    ['Look here.', undefined],
    ['Hello @nobody', given.id],
    ['Hm', given.id],
  ]);
  expect(stateOf(staged)).toMatchObject({ threads: 2, unresolvedThreads: 2 });
});

test('one’s own comments can be changed and taken back; a maintainer takes back anybody’s', async () => {
  const staged = await stage();
  const { author, reviewer, owner } = staged;
  await say(staged, reviewer, { body: 'First' });
  const [comment] = commentsOf(staged, author) as [Comment];
  const change = (by: Person) =>
    editComment(testForge.forge, { ...orderOf(staged, by), id: comment.id, body: 'Second' });
  expect(() => change(owner)).toThrow(/only they may change it/);
  expect(change(reviewer)).toMatchObject({ body: 'Second', editedAt: expect.any(Number) });
  const remove = (by: Person) => deleteComment(testForge.forge, { ...orderOf(staged, by), id: comment.id });
  expect(() => remove(author)).toThrow(/only they and maintainers/);
  remove(owner);
  expect(commentsOf(staged, author)).toEqual([]);
  expect(() => remove(owner)).toThrow(/has no comment/);
});

test('a thread is resolved by who began it, who wrote the branch, or who may write; talk about the branch is not', async () => {
  const staged = await stage();
  const { author, reader, reviewer } = staged;
  const thread = await say(staged, reviewer, { path: 'b.txt', line: 1 });
  const resolve = (by: Person, isResolved: boolean, threadId = thread.id) =>
    resolveThread(testForge.forge, { ...orderOf(staged, by), threadId, isResolved });
  expect(() => resolve(reader, true)).toThrow(/Only who began/);
  expect(resolve(author, true)).toMatchObject({ resolvedByName: author.account.name });
  expect(stateOf(staged)).toMatchObject({ threads: 1, unresolvedThreads: 0 });
  expect(resolve(reviewer, false).resolvedAt).toBeUndefined();
  const talk = await say(staged, reader);
  expect(() => resolve(reviewer, true, talk.id)).toThrow(/needs no resolution/);
});

test('who is named with an @ and may read is noted once; code, addresses, strangers and oneself are not', async () => {
  const staged = await stage();
  const { author, reviewer, reader } = staged;
  const stranger = testForge.account(`outside-${names}`);
  const at = (person: Person) => `@${person.account.name}`;
  await say(staged, reviewer, {
    body: `${at(author)}, ${at(author)} and ${at(stranger)} ${at(reviewer)}: \`${at(reader)}\` x${at(reader)} y${at(reader)}.org`,
  });
  const mentionsOf = (person: Person) => listMentions(testForge.forge, person.account.id, 10);
  expect(mentionsOf(author)).toMatchObject([{ branchId: staged.branch().id, byName: reviewer.account.name }]);
  for (const person of [reader, reviewer, stranger]) expect(mentionsOf(person)).toEqual([]);
  review(staged, reviewer, 'comment', `Ask ${at(reader)}!`);
  expect(mentionsOf(reader)).toHaveLength(1);
});

test('a comment is bounded in bytes, and a branch in comments', async () => {
  const staged = await stage();
  await expect(say(staged, staged.reviewer, { body: 'ä'.repeat(501) })).rejects.toMatchObject({
    code: 'too_large',
  });
  testForge.forge.config.limits.maxCommentsPerBranch = 1;
  await say(staged, staged.reviewer);
  await expect(say(staged, staged.reviewer)).rejects.toMatchObject({ code: 'limited' });
  expect(() => review(staged, staged.reviewer, 'approve')).toThrow(/at most 1 comments/);
  testForge.forge.config.limits.maxCommentsPerBranch = 2000;
});
