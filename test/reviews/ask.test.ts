import { afterAll, beforeAll, expect, test } from 'vitest';
import { listInbox } from '../../src/inbox/find.ts';
import { lookAtBranch } from '../../src/inbox/look.ts';
import { reasonText } from '../../src/inbox/model.ts';
import { closeBranch } from '../../src/landing/close.ts';
import { Slots } from '../../src/lib/slot.ts';
import { askForReview, listRequests, withdrawRequest } from '../../src/reviews/ask.ts';
import { submitReview } from '../../src/reviews/submit.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';
import { stageReview, type Person, type StagedReview } from './stage-review.ts';

let testForge: TestForge;
beforeAll(async () => {
  testForge = await openTestForge();
});
afterAll(() => testForge.dispose());

let names = 0;
const stage = (): Promise<StagedReview> =>
  stageReview(testForge, {
    name: `ask${(names += 1)}`,
    files: { 'a.txt': '1\n' },
    change: { 'a.txt': '2\n' },
  });

const orderOf = (staged: StagedReview, by: Person) => ({
  repo: staged.repo,
  branch: staged.branch(),
  caller: by.caller,
});

const ask = (staged: StagedReview, by: Person, ...asked: string[]) =>
  askForReview(testForge.forge, { ...orderOf(staged, by), names: asked });

function inboxOf(staged: StagedReview, { caller }: Person): string[] {
  lookAtBranch(testForge.forge, staged.branch().id);
  const { entries } = listInbox(testForge.forge, caller, { limit: 10 });
  return entries.flatMap(({ reasons }) => reasons.map(reasonText));
}

test('who is asked finds the branch in the inbox until a review answers, and again when asked again', async () => {
  const staged = await stage();
  const { author, reader } = staged;
  expect(inboxOf(staged, reader)).toEqual([]);
  const told = testForge.forge.events.next('review-changed');
  ask(staged, author, `@${reader.account.name.toUpperCase()}`);
  expect((await told).branchId).toBe(staged.branch().id);
  const wanted = `${author.account.name} asks for your review`;
  expect(inboxOf(staged, reader)).toEqual([wanted]);
  submitReview(testForge.forge, {
    ...orderOf(staged, reader),
    verdict: 'comment',
    body: 'Fine.',
    expectedHead: staged.branch().headOid,
  });
  expect(listRequests(testForge.forge, staged.branch())).toMatchObject([{ isAnswered: true }]);
  expect(inboxOf(staged, reader)).toEqual([]);
  expect(ask(staged, author, reader.account.name)).toMatchObject([{ isAnswered: false }]);
  expect(inboxOf(staged, reader)).toEqual([wanted]);
  expect(withdrawRequest(testForge.forge, { ...orderOf(staged, reader), name: reader.account.name })).toEqual(
    [],
  );
  expect(inboxOf(staged, reader)).toEqual([]);
});

test('nobody is asked who may not read or wrote the branch, nor by who may only read, nor about what has ended', async () => {
  const staged = await stage();
  const { author, reviewer, reader, owner } = staged;
  const stranger = testForge.account(`nobody-${names}`);
  expect(() => ask(staged, author, reviewer.account.name, stranger.account.name)).toThrow(
    /is nobody who may read/,
  );
  expect(() => ask(staged, author, 'no-such-name')).toThrow(/is nobody who may read/);
  expect(() => ask(staged, reviewer, author.account.name)).toThrow(/wrote the branch/);
  expect(() => ask(staged, reader, reviewer.account.name)).toThrow(/Only who wrote the branch/);
  // All or nobody.
  expect(listRequests(testForge.forge, staged.branch())).toEqual([]);
  ask(staged, owner, reviewer.account.name);
  const withdraw = (by: Person, name: string) =>
    withdrawRequest(testForge.forge, { ...orderOf(staged, by), name });
  expect(() => withdraw(reader, reviewer.account.name)).toThrow(/Only who wrote the branch/);
  expect(() => withdraw(author, reader.account.name)).toThrow(/was not asked/);
  await closeBranch(testForge.forge, { ...orderOf(staged, owner), slots: new Slots() });
  expect(() => ask(staged, author, reviewer.account.name)).toThrow(/is closed/);
});
