// Each reason for which something old stays, and that it goes when the reason is gone.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { getBranch, getRevision } from '../../src/branches/find.ts';
import { pinRef } from '../../src/branches/model.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { Keeping } from '../../src/ci/lanes/keeping.ts';
import { getAttempt } from '../../src/ci/find.ts';
import { readLog } from '../../src/ci/logs/log.ts';
import { listRefs } from '../../src/git/refs.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { openRetention } from '../../src/retention/open.ts';
import { setRetention } from '../../src/repos/retention.ts';
import { pushBranch, recordHead } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';
import { commentOn, dayMs, makeRun, settle, type MadeRun } from './made-days.ts';

const open = useForge({ settings: { retention: { keepRuns: 0, revisionDays: 5 } } });
const oid = (letter: string): string => letter.repeat(40);

async function old() {
  const clock = new SettableClock();
  const it = await open({ clock });
  const repo = await it.repo('demo/app');
  const retention = openRetention(it.forge, new Keeping(it.forge));
  it.defer(() => retention.stop());
  const branchAt = (name: string, head: string) =>
    recordHead(it.forge, repo, { name, head, base: undefined });
  const pass = async () => {
    clock.advance(400 * dayMs);
    return retention.run();
  };
  const isThere = ({ id, folder }: MadeRun): boolean => {
    const row = it.forge.db.get('SELECT 1 FROM runs WHERE id = :id', { id });
    // All of it or nothing.
    expect([existsSync(join(folder, 'log')), existsSync(join(folder, 'artifacts'))]).toEqual(
      row === undefined ? [false, false] : [true, true],
    );
    return row !== undefined;
  };
  const end = (branchId: number, state: string) =>
    it.forge.db.run(
      'UPDATE branches SET state = :state, settled_at = :now, updated_at = :now WHERE id = :branchId',
      { branchId, state, now: clock.now() },
    );
  return { it, db: it.forge.db, clock, repo, pass, isThere, branchAt, end };
}

describe('an old run stays with its log and artifacts', () => {
  test('while an open branch stands at its commit, or at the same files', async () => {
    const { it, repo, pass, isThere, branchAt, end } = await old();
    const branch = branchAt('work', oid('c'));
    const own = makeRun(it, repo, { branch, tree: oid('d') });
    const twin = makeRun(it, repo, { tree: oid('d') });
    const other = makeRun(it, repo);
    await pass();
    expect([own, twin, other].map(isThere)).toEqual([true, true, false]);
    end(branch.id, 'closed');
    await pass();
    expect([own, twin].map(isThere)).toEqual([false, false]);
  });

  test('while it is tested for landing, or a landing that tells of it waits', async () => {
    const { it, db, repo, pass, isThere, branchAt } = await old();
    const run = makeRun(it, repo, { kind: 'landing' });
    const branch = branchAt('work', oid('c'));
    const { account } = it.account('ada');
    const candidate = db.run(
      `INSERT INTO landing_candidates (repo_id, target, base_oid, commit_oid, tree_oid, run_id, state, created_at)
       VALUES (:repo, 'main', 'a', 'b', 'c', :run, 'testing', 0)`,
      { repo: repo.id, run: run.id },
    ).lastId;
    await pass();
    expect(isThere(run)).toBe(true);
    db.run("UPDATE landing_candidates SET state = 'failed' WHERE id = :candidate", { candidate });
    const landing = db.run(
      `INSERT INTO landings (repo_id, branch_id, target, head_oid, revision, actor_id, credential, state, reason,
                             enqueued_at, deadline_at)
       VALUES (:repo, :branch, 'main', 'a', 1, :actor, 'x', 'queued', 'split', 0, 0)`,
      { repo: repo.id, branch: branch.id, actor: account.id },
    ).lastId;
    db.run(
      `INSERT INTO landing_members (candidate_id, position, landing_id, head_oid, commit_oid, method)
       VALUES (:candidate, 0, :landing, 'a', 'b', 'merge')`,
      { candidate, landing },
    );
    await pass();
    expect(isThere(run)).toBe(true);
    db.run("UPDATE landings SET state = 'cancelled', end_cause = 'cancelled', reason = NULL", {});
    await pass();
    expect(isThere(run)).toBe(false);
  });

  test('while it is the newest of its nightly, or of what landed last', async () => {
    const { it, clock, repo, pass, isThere, branchAt, end } = await old();
    const branch = branchAt('work', oid('c'));
    const landed = makeRun(it, repo, { branch });
    end(branch.id, 'merged');
    const nightly = makeRun(it, repo, { kind: 'nightly', nightly: 'soak' });
    await pass();
    expect([landed, nightly].map(isThere)).toEqual([true, true]);
    const next = branchAt('next', oid('e'));
    end(next.id, 'merged');
    clock.advance(1);
    makeRun(it, repo, { kind: 'nightly', nightly: 'soak' });
    await pass();
    expect([landed, nightly].map(isThere)).toEqual([false, false]);
  });

  test('while a lane of it runs again', async () => {
    const { it, db, clock, repo, pass, isThere } = await old();
    const run = makeRun(it, repo);
    db.run(
      `INSERT INTO lane_attempts (lane_id, number, state, queued_at, reason)
       SELECT lane_id, 2, 'queued', 0, 'ready' FROM lane_attempts WHERE id = :id`,
      { id: run.attemptId },
    );
    await pass();
    const row = db.get('SELECT 1 FROM runs WHERE id = :id', { id: run.id });
    expect(row).toBeDefined();
    db.run(
      "UPDATE lane_attempts SET state = 'cancelled', finished_at = :now, reason = NULL WHERE number = 2",
      {
        now: clock.now(),
      },
    );
    await pass();
    expect(isThere(run)).toBe(false);
  });
});

test('a log that is gone is said to be gone, and what is kept of the run stays', async () => {
  const { it, clock, repo } = await old();
  const retention = openRetention(it.forge, new Keeping(it.forge));
  const { attemptId, folder } = makeRun(it, repo);
  clock.advance(100 * dayMs);
  const { removed } = await retention.run();
  await retention.stop();
  expect(removed.map(({ kind, count, bytes }) => ({ kind, count, bytes }))).toEqual([
    { kind: 'artifacts', count: 1, bytes: 50 },
    { kind: 'log', count: 1, bytes: 100 },
  ]);
  expect(existsSync(folder)).toBe(false);
  const attempt = getAttempt(it.forge, attemptId);
  expect(attempt.logRemovedAt).toBe(clock.now());
  await expect(readLog(it.forge, attempt, { from: 0, maxBytes: 100 })).rejects.toThrow(/not kept any more/);
});

test('a repository keeps what it wants to keep longer, and lets go earlier what it does not', async () => {
  const { it, clock, repo } = await old();
  const other = await it.repo('demo/other');
  const { caller } = it.account('ada', 'admin');
  setRetention(it.forge, { repo, caller, changes: { logDays: 500, artifactDays: 2, runDays: 500 } });
  const retention = openRetention(it.forge, new Keeping(it.forge));
  const [own, theirs] = [makeRun(it, repo), makeRun(it, other)];
  clock.advance(3 * dayMs);
  await retention.run();
  const parts = ({ folder }: MadeRun) => ['log', 'artifacts'].map((name) => existsSync(join(folder, name)));
  expect([parts(own), parts(theirs)]).toEqual([
    [true, false],
    [true, true],
  ]);
  clock.advance(450 * dayMs);
  await retention.run();
  await retention.stop();
  expect([parts(own), parts(theirs)]).toEqual([
    [true, false],
    [false, false],
  ]);
});

test('a superseded revision stays while somebody said something of it, and is said to be gone when it is', async () => {
  const { it, db, clock, repo, pass } = await old();
  const push = (text: string) => pushBranch(it.forge, repo, { name: 'work', files: { f: text } });
  await pushBranch(it.forge, repo, { name: 'main', files: { 'README.md': 'x' } });
  let branch = await push('0');
  for (const text of ['1', '2', '3', '4', '5']) branch = await push(text);
  const heads = db.all<{ oid: string }>(
    'SELECT head_oid AS oid FROM revisions WHERE branch_id = :id ORDER BY number',
    {
      id: branch.id,
    },
  );
  commentOn(it, branch, 1);
  const { account } = it.account('ada');
  db.run(
    `INSERT INTO reviews (branch_id, account_id, verdict, asked, body, revision, head_oid, created_at)
     VALUES (:id, :account, 'comment', 'comment', '', 2, 'x', 0)`,
    { id: branch.id, account: account.id },
  );
  db.run(
    `INSERT INTO commit_statuses (repo_id, oid, context, state, description, created_at, updated_at)
     VALUES (:repo, :oid, 'other', 'success', '', :now, :now)`,
    { repo: repo.id, oid: heads[2]?.oid ?? '', now: clock.now() + 300 * dayMs },
  );
  db.run(
    `INSERT INTO tutorials (branch_id, revision, state, writer, created_at) VALUES (:id, 4, 'ready', 'outline', 0)`,
    { id: branch.id },
  );
  await scanRepo(it.forge, repo, { pins: true });
  const pins = async () => {
    const refs = await listRefs(it.forge.git, it.repoFolder(repo), ['refs/pika/heads/']);
    return [1, 2, 3, 4, 5, 6].filter((number) => refs.has(pinRef(branch.number, number)));
  };
  expect((await pass()).removed).toEqual([]);
  expect(await pins()).toEqual([1, 2, 3, 4, 5, 6]);
  await settle(it, getBranch(it.forge, branch.id), 'closed');
  clock.advance(-300 * dayMs);
  const { removed } = await pass();
  expect(removed).toMatchObject([{ kind: 'revision', count: 1 }]);
  await scanRepo(it.forge, repo, { pins: true });
  expect(await pins()).toEqual([1, 2, 3, 4, 6]);
  expect(() => getRevision(it.forge, branch.id, 5)).toThrow(/is not kept any more/);
  expect(getRevision(it.forge, branch.id, 1).headOid).toBe(heads[0]?.oid);
  await pass();
  expect(await pins()).toEqual([1, 2, 4, 6]);
});
