// Who is told of what: derived from the rows of real verbs.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Caller } from '../../src/accounts/model.ts';
import { getBranch } from '../../src/branches/find.ts';
import { settleBranch } from '../../src/branches/settle.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { dismissEntries, readBranch } from '../../src/inbox/dismiss.ts';
import { countUnread, listInbox } from '../../src/inbox/find.ts';
import { lookAtBranch } from '../../src/inbox/look.ts';
import { openInbox } from '../../src/inbox/open.ts';
import { reasonText } from '../../src/inbox/model.ts';
import { setDraft } from '../../src/landing/holds/hold-branch.ts';
import { putMember } from '../../src/repos/store.ts';
import { replyTo, startThread } from '../../src/reviews/comment.ts';
import { threadRequest } from '../../src/reviews/model.ts';
import { submitReview } from '../../src/reviews/submit.ts';
import { recordHead } from '../support/ci.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';

const clock = new SettableClock();
let it: TestForge;
beforeAll(async () => {
  it = await openTestForge({ clock });
});
afterAll(() => it.dispose());

let staged = 0;
const head = (digit: number): string => String(digit).repeat(40);

/** A repository of its own with an author, two reviewers, a reader and an agent; `ana` owns it. */
async function stage(options: { owner?: string } = {}) {
  staged += 1;
  const make = (name: string) => it.account(`${name}${staged}`);
  const [ana, ben, cy, rea] = [make('ana'), make('ben'), make('cy'), make('rea')];
  const repo = await it.repo(`${options.owner ?? ana.account.name}/app`);
  const join = (accountId: number, role: 'read' | 'write') =>
    putMember(it.forge.db, { repoId: repo.id, accountId, role });
  if (options.owner === undefined) {
    join(ben.account.id, 'write');
    join(cy.account.id, 'write');
    join(rea.account.id, 'read');
  }
  const push = (digit: number, by = ben.account.id) => {
    clock.advance(1000);
    const branch = recordHead(it.forge, repo, { name: 'topic', head: head(digit), base: undefined });
    const { id } = branch;
    it.forge.db.run('UPDATE branches SET author_id = coalesce(author_id, :by) WHERE id = :id', { id, by });
    it.forge.db.run('UPDATE revisions SET pushed_by = :by WHERE branch_id = :id AND number = :revision', {
      id,
      by,
      revision: branch.revision,
    });
    lookAtBranch(it.forge, id);
    return getBranch(it.forge, id);
  };
  const branch = push(1);
  const look = () => (clock.advance(1000), lookAtBranch(it.forge, branch.id));
  const review = (caller: Caller, verdict: 'approve' | 'changes' | 'comment', body = 'Well.') => {
    const now = getBranch(it.forge, branch.id);
    submitReview(it.forge, { repo, branch: now, caller, verdict, body, expectedHead: now.headOid });
    look();
  };
  return { ana, ben, cy, rea, repo, branch, push, look, review };
}

const said = (caller: Caller): string[] =>
  listInbox(it.forge, caller, { limit: 50 }).entries.flatMap(({ reasons }) => reasons.map(reasonText));
const saidIn = ({ caller }: { caller: Caller }): string[] => said(caller);
const unread = ({ caller }: { caller: Caller }): number => countUnread(it.forge, caller);

test('a new branch asks everybody who may write and did not write it; a draft asks nobody', async () => {
  const { ana, ben, cy, rea, repo, branch, look } = await stage();
  const asks = [`${ben.account.name} asks for your review`];
  expect([ana, ben, cy, rea].map(saidIn)).toEqual([asks, [], asks, []]);
  setDraft(it.forge, { repo, branch, caller: ben.caller, draft: true });
  look();
  expect([ana, cy].map(saidIn)).toEqual([[], []]);
  setDraft(it.forge, { repo, branch, caller: ben.caller, draft: false });
  look();
  expect([ana, cy].map(saidIn)).toEqual([asks, asks]);
});

test('in a repository that belongs to no account the admins are asked', async () => {
  const admin = it.account('root1', 'admin');
  const { repo, branch } = await stage({ owner: 'team' });
  expect(listInbox(it.forge, admin.caller, { limit: 50 }).entries).toMatchObject([
    { repo: `team/${repo.name}`, number: branch.number },
  ]);
});

test('a review answers the question, tells the author, and new commits ask its reviewer again', async () => {
  const { ana, ben, cy, push, review } = await stage();
  review(cy.caller, 'changes');
  expect(saidIn(cy)).toEqual([]);
  expect(saidIn(ben)).toEqual([`${cy.account.name} asks for changes`]);
  expect(saidIn(ana)).toEqual([`${ben.account.name} asks for your review`]);
  push(2);
  expect(saidIn(cy)).toEqual([`New commits since your review, pushed by ${ben.account.name}`]);
  review(cy.caller, 'approve');
  expect(saidIn(cy)).toEqual([]);
  expect(saidIn(ben)).toEqual([`${cy.account.name} approved it`]);
});

test('a branch that was only rebased is no news for who reviewed it', async () => {
  const { cy, branch, push, look, review } = await stage();
  review(cy.caller, 'approve');
  push(2);
  for (const revision of [1, 2]) {
    it.forge.db.run(
      `INSERT INTO revision_patches (branch_id, revision, patch) VALUES (:id, :revision, 'the same') ON CONFLICT DO NOTHING`,
      { id: branch.id, revision },
    );
  }
  look();
  expect(saidIn(cy)).toEqual([]);
});

test('what is dismissed stays away until there is news, and who reads the branch has read it', async () => {
  const { ana, cy, branch, push, look, review } = await stage();
  expect([unread(ana), unread(cy)]).toEqual([1, 1]);
  expect(dismissEntries(it.forge, { caller: ana.caller, branches: [branch.id] })).toBe(1);
  expect(dismissEntries(it.forge, { caller: ana.caller, branches: [branch.id] })).toBe(0);
  look();
  push(2);
  expect([saidIn(ana), unread(ana)]).toEqual([[], 0]);
  readBranch(it.forge, { caller: cy.caller, branchId: branch.id });
  expect([saidIn(cy).length, unread(cy)]).toEqual([1, 0]);
  review(cy.caller, 'comment');
  dismissEntries(it.forge, { caller: cy.caller, branches: 'all' });
  push(3);
  expect([saidIn(cy).length, unread(cy)]).toEqual([1, 1]);
  dismissEntries(it.forge, { caller: cy.caller, branches: 'all' });
  look();
  expect(saidIn(cy)).toEqual([]);
  push(4);
  expect(saidIn(cy)).toHaveLength(1);
});

test('a mention, an answer and a word about the own branch reach whom they are for, and stay when the branch has ended', async () => {
  const { ana, ben, cy, rea, repo, branch, look } = await stage();
  const body = `What does @${rea.account.name} think?`;
  const thread = await startThread(it.forge, {
    repo,
    branch,
    caller: cy.caller,
    request: threadRequest.parse({ body }),
  });
  look();
  expect(saidIn(rea)).toEqual([`${cy.account.name} mentioned you`]);
  expect(saidIn(ben)).toEqual([`${cy.account.name} commented`]);
  expect(saidIn(cy)).toEqual([`${ben.account.name} asks for your review`]);
  replyTo(it.forge, {
    repo,
    branch,
    caller: ana.caller,
    threadId: thread.id,
    body: 'I wonder too.',
    isDraft: false,
  });
  look();
  expect(saidIn(cy)).toEqual([`${ana.account.name} commented`, `${ben.account.name} asks for your review`]);
  settleBranch(it.forge, { branchId: branch.id, state: 'closed', actorId: ben.account.id });
  look();
  expect([rea, cy, ben].map(saidIn)).toEqual([
    [`${cy.account.name} mentioned you`],
    [`${ana.account.name} commented`],
    [`${ana.account.name} commented`],
  ]);
});

test('a draft of a comment reaches nobody', async () => {
  const { ben, rea, cy, repo, branch, look } = await stage();
  const request = threadRequest.parse({ body: `@${rea.account.name}?`, draft: true });
  await startThread(it.forge, { repo, branch, caller: cy.caller, request });
  look();
  expect([saidIn(rea), saidIn(ben)]).toEqual([[], []]);
});

test('red CI is told to the author, with the lanes, until it is green or there is a newer revision', async () => {
  const { ben, cy, repo, branch, push, look } = await stage();
  const at = clock.now();
  const run = it.forge.db.run(
    `INSERT INTO runs (repo_id, number, kind, branch_id, revision, head_oid, tree_oid, state, created_at, finished_at)
     VALUES (:repoId, 1, 'branch', :branchId, 1, '${head(1)}', '${head(2)}', 'failed', :at, :at)`,
    { repoId: repo.id, branchId: branch.id, at },
  ).lastId;
  const lane = it.forge.db.run(
    `INSERT INTO lanes (run_id, position, key, title, command, env, needs, required, timeout_seconds, idle_seconds)
     VALUES (:run, 0, 'unit', 'Unit tests', 'true', '{}', '[]', 1, 60, 60)`,
    { run },
  ).lastId;
  it.forge.db.run(
    `INSERT INTO lane_attempts (lane_id, number, state, queued_at) VALUES (:lane, 1, 'failed', :at)`,
    { lane, at },
  );
  look();
  expect(saidIn(ben)).toEqual(['Your CI failed: Unit tests']);
  expect(saidIn(cy)).toHaveLength(1);
  dismissEntries(it.forge, { caller: ben.caller, branches: 'all' });
  it.forge.db.run('UPDATE runs SET finished_at = finished_at + 5 WHERE id = :run', { run });
  look();
  expect(saidIn(ben)).toEqual(['Your CI failed: Unit tests']);
  it.forge.db.run(`UPDATE runs SET state = 'success' WHERE id = :run`, { run });
  look();
  expect(saidIn(ben)).toEqual([]);
  it.forge.db.run(`UPDATE runs SET state = 'failed' WHERE id = :run`, { run });
  push(2);
  expect(saidIn(ben)).toEqual([]);
});

function enqueue(landing: {
  repoId: number;
  branchId: number;
  actorId: number;
  end: 'landed' | 'evicted';
  headOid: string;
}): void {
  const now = clock.now();
  it.forge.db.run(
    `INSERT INTO landings (repo_id, branch_id, target, head_oid, revision, actor_id, credential, state, enqueued_at,
       deadline_at, ended_at, end_cause, end_message)
     VALUES (:repoId, :branchId, 'main', :headOid, 1, :actorId, 'key', :end, :now, :now, :now,
       CASE :end WHEN 'landed' THEN 'landed' ELSE 'lane_failed' END, 'unit failed')`,
    { ...landing, now },
  );
}

test('leaving the queue is told to the author and to whoever put it in, until the branch moves on', async () => {
  const { ana, ben, repo, branch, push, look } = await stage();
  const place = { repoId: repo.id, branchId: branch.id, headOid: branch.headOid };
  enqueue({ ...place, actorId: ana.account.id, end: 'evicted' });
  look();
  expect(saidIn(ben)).toEqual(['It left the landing queue: unit failed']);
  expect(saidIn(ana)).toContain('It left the landing queue: unit failed');
  push(2);
  expect(saidIn(ben)).toEqual([]);
});

test('a landing is told to an author who did not do it, and by the queue to everybody it is for', async () => {
  const byHand = await stage();
  settleBranch(it.forge, {
    branchId: byHand.branch.id,
    state: 'merged',
    mergeOid: head(3),
    actorId: byHand.cy.account.id,
  });
  byHand.look();
  expect(saidIn(byHand.ben)).toEqual([`Landed on main by ${byHand.cy.account.name}`]);
  expect([byHand.ana, byHand.cy].map(saidIn)).toEqual([[], []]);
  const own = await stage();
  settleBranch(it.forge, {
    branchId: own.branch.id,
    state: 'merged',
    mergeOid: head(3),
    actorId: own.ben.account.id,
  });
  own.look();
  expect(saidIn(own.ben)).toEqual([]);
  const { ana, ben, repo, branch, look } = await stage();
  const place = { repoId: repo.id, branchId: branch.id, headOid: branch.headOid };
  enqueue({ ...place, actorId: ana.account.id, end: 'landed' });
  settleBranch(it.forge, {
    branchId: branch.id,
    state: 'merged',
    mergeOid: head(3),
    actorId: ana.account.id,
  });
  look();
  expect([ana, ben].map(saidIn)).toEqual([['Landed on main'], ['Landed on main']]);
});

test('who may not see the repository any more finds nothing of it, and no number that tells of it', async () => {
  const { rea, repo, branch, look } = await stage();
  it.forge.db.run(
    `INSERT INTO reviews (branch_id, account_id, verdict, asked, body, revision, head_oid, created_at)
     VALUES (:id, :accountId, 'comment', 'comment', 'x', 1, '${head(9)}', 1)`,
    { id: branch.id, accountId: rea.account.id },
  );
  look();
  expect([saidIn(rea).length, unread(rea)]).toEqual([1, 1]);
  it.forge.db.run('DELETE FROM repo_members WHERE repo_id = :id AND account_id = :accountId', {
    id: repo.id,
    accountId: rea.account.id,
  });
  expect([saidIn(rea), unread(rea)]).toEqual([[], 0]);
});

test('pages follow each other without a gap', async () => {
  const { ana, repo } = await stage();
  for (let number = 0; number < 4; number += 1) {
    const { id } = recordHead(it.forge, repo, {
      name: `more-${number}`,
      head: head(number),
      base: undefined,
    });
    lookAtBranch(it.forge, id);
  }
  const all = listInbox(it.forge, ana.caller, { limit: 50 }).entries.map(({ branchId }) => branchId);
  const paged: number[] = [];
  let before: string | undefined;
  do {
    const page = listInbox(it.forge, ana.caller, { limit: 2, before });
    paged.push(...page.entries.map(({ branchId }) => branchId));
    before = page.next;
  } while (before !== undefined);
  expect(all).toHaveLength(5);
  expect(paged).toEqual(all);
  // A page that is just full is the last one.
  expect(listInbox(it.forge, ana.caller, { limit: 5 }).next).toBeUndefined();
});

test('the room finds by itself what nobody told it of, tells whose inbox has changed, and forgets what is old', async () => {
  const { ana, cy, repo, branch } = await stage();
  it.forge.db.run('DELETE FROM inbox_items WHERE branch_id = :id', { id: branch.id });
  const told = it.forge.events.next('inbox-changed', ({ accountIds }) => accountIds.includes(cy.account.id));
  const inbox = openInbox(it.forge);
  inbox.start();
  expect((await told).accountIds).toContain(ana.account.id);
  // Somebody who comes later finds what was open before.
  const dan = it.account(`dan${staged}`);
  putMember(it.forge.db, { repoId: repo.id, accountId: dan.account.id, role: 'write' });
  inbox.loop.wake();
  await inbox.loop.settled();
  expect(saidIn(dan)).toHaveLength(1);
  await inbox.stop();
  expect(saidIn(ana)).toHaveLength(1);
  clock.advance(61 * 24 * 3_600_000);
  const again = openInbox(it.forge);
  again.start();
  await again.loop.settled();
  await again.stop();
  expect(saidIn(ana)).toEqual([]);
});
