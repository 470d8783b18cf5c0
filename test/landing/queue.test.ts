import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findOpenBranch } from '../../src/branches/find.ts';
import type { Branch } from '../../src/branches/model.ts';
import { listLanes } from '../../src/ci/find.ts';
import type { LandingView } from '../../src/landing/queue/model.ts';
import { enqueueLanding } from '../../src/landing/queue/queue.ts';
import { findLanding, readQueue } from '../../src/landing/queue/queue-view.ts';
import { resolveBranch } from '../../src/git/refs.ts';
import { World } from './property-world.ts';
import { openStage, reason, type ChangeKind, type Stage } from './queue-stage.ts';

let stage: Stage;
let world: World;
const size = { batch: 4, speculation: 1 };

// A forge for each test: lanes that one leaves running would take the places of the next.
beforeEach(async () => {
  stage = await openStage();
  world = await World.open(stage, 'queue', size);
});
afterEach(async () => {
  await world.stop();
  await stage.test.dispose();
});

/** CI starts what waits, and all that runs ends as its files deserve. */
async function runLanes(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) {
    await world.ciPass();
    for (let lane = 0; lane < 16; lane += 1) await world.end(0, 'truly');
  }
}

/** Branches under review with these changes, their own lanes run; their branch rows. */
async function pushed(...kinds: ChangeKind[]): Promise<Branch[]> {
  for (const [place, kind] of kinds.entries()) await world.push(place, kind);
  await runLanes();
  return kinds.map((_, place) => findOpenBranch(world.forge, world.repo.id, `topic-${place}`)!);
}

async function enqueued(...kinds: ChangeKind[]): Promise<Branch[]> {
  const branches = await pushed(...kinds);
  for (const place of kinds.keys()) await world.enqueue(place, 0);
  return branches;
}

const entry = (branch: Branch | undefined): LandingView => findLanding(world.forge, world.repo, branch!.id)!;
const tip = () => resolveBranch(world.forge.git, world.folder, 'main');
const candidates = () => readQueue(world.forge, world.repo).targets[0]?.candidates ?? [];
const runsOfLandings = () =>
  world.forge.db.all<{ id: number; head_oid: string }>(
    `SELECT id, head_oid FROM runs WHERE repo_id = :id AND kind = 'landing' ORDER BY id`,
    { id: world.repo.id },
  );

const isBusy = () => readQueue(world.forge, world.repo).targets.some(({ entries }) => entries.length > 0);

/** Until nobody is queued or tested any more; what only its branch's lanes hold is let in on the way. */
async function finish(): Promise<void> {
  await world.pass();
  for (let turn = 0; turn < 6 && isBusy(); turn += 1) {
    await runLanes();
    await world.pass();
  }
  await world.check();
}

describe('the landing queue', () => {
  test('lands three good branches in one batch, by one run, on exactly the commit that was tested', async () => {
    const branches = await enqueued('fine', 'left', 'fine');
    await world.pass();
    const [candidate] = candidates();
    expect(candidate).toMatchObject({ state: 'testing', branches: branches.map(({ number }) => number) });
    expect(entry(branches[1])).toMatchObject({
      state: 'testing',
      position: 2,
      reason: 'lanes_running',
      detail: expect.stringContaining('has to finish a, b'),
      testedWith: [branches[0]!.number],
      batchedWith: [branches[0]!.number, branches[2]!.number],
    });
    await finish();
    expect(await tip()).toBe(candidate!.commit);
    expect(runsOfLandings().map(({ head_oid: head }) => head)).toEqual([candidate!.commit]);
    for (const branch of branches) expect(entry(branch)).toMatchObject({ state: 'landed', next: '' });
  });

  test('evicts the second of two that are green alone and red together, and says which lane failed', async () => {
    const [left, right] = await enqueued('left', 'right');
    await finish();
    expect(entry(left)).toMatchObject({ state: 'landed' });
    const evicted = entry(right);
    expect(evicted).toMatchObject({
      state: 'evicted',
      ended: { cause: 'lane_failed', lane: 'b', run: expect.any(Number), commit: null },
    });
    expect(evicted.ended?.why).toMatch(/^The lane b failed in run \d+ of the merge/);
    expect(evicted.next).toContain('land it again');
  });

  test('does not test a tree again that was green already', async () => {
    const [branch] = await enqueued('fine');
    const before = world.started.length;
    await world.pass();
    expect(entry(branch)).toMatchObject({ state: 'landed' });
    expect(world.started.length).toBe(before);
    const lanes = runsOfLandings().flatMap(({ id }) => listLanes(world.forge, id));
    expect(lanes.map(({ attempt }) => attempt.state)).toEqual(['success', 'success', 'success']);
    expect(lanes[0]?.attempt.message).toMatch(/^run \d+ was green with the same files$/);
  });

  test('lets a branch go at once that conflicts, and names the one ahead of it', async () => {
    const [first, second, third] = await enqueued('same', 'same', 'fine');
    await world.pass();
    expect(entry(second)).toMatchObject({
      state: 'evicted',
      ended: { cause: 'conflict', ahead: first!.number },
    });
    expect(entry(second).ended?.why).toContain(
      `conflicts with #${first!.number} (topic-0), which is ahead of it, in shared.txt`,
    );
    expect(candidates()[0]?.branches).toEqual([first!.number, third!.number]);
  });

  test('builds anew when a human merges in between, and lands on what that merge left', async () => {
    const [one, two] = await enqueued('fine', 'fine');
    await world.pass();
    await world.push(2, 'left');
    await runLanes();
    await world.merge(2, true);
    const moved = await tip();
    await world.pass();
    expect(entry(one)).toMatchObject({ state: 'testing' });
    expect(candidates()[0]).toMatchObject({ base: moved });
    await finish();
    expect(entry(two)).toMatchObject({ state: 'landed' });
    expect(await world.forge.git.text(['rev-list', 'refs/heads/main'], { repo: world.folder })).toContain(
      moved,
    );
  });

  test('tries what a machine failed once more, and lands it then', async () => {
    const [one] = await enqueued('fine', 'left');
    await world.pass();
    await world.ciPass();
    await world.end(0, 'machine');
    await runLanes();
    await world.pass();
    expect(entry(one)).toMatchObject({ state: 'testing', reason: 'retry', retries: 1 });
    expect(entry(one).detail).toContain('tried once more');
    await finish();
    expect(entry(one)).toMatchObject({ state: 'landed' });
  });

  test('evicts what a machine failed twice, and blames the machine', async () => {
    const [one] = await pushed('fine', 'fine');
    await world.merge(1, true);
    await world.enqueue(0, 0);
    for (let turn = 0; turn < 2; turn += 1) {
      await world.pass();
      await world.ciPass();
      await world.end(0, 'machine');
      await runLanes();
    }
    await world.pass();
    expect(entry(one)).toMatchObject({ state: 'evicted', ended: { cause: 'infrastructure', lane: 'a' } });
  });

  test('holds still while it is paused, says so, and gives the time back', async () => {
    const [one, two] = await enqueued('fine', 'left');
    await world.pass();
    const { deadlineAt } = entry(one);
    await world.pause(true);
    await world.push(2, 'fine');
    await runLanes();
    await world.enqueue(2, 0);
    await runLanes();
    world.advance(60 * 24);
    await world.pass();
    const third = findOpenBranch(world.forge, world.repo.id, 'topic-2');
    for (const branch of [one, two])
      expect(entry(branch)).toMatchObject({ state: 'testing', reason: 'paused' });
    expect(entry(third)).toMatchObject({ state: 'queued', reason: 'paused', position: 3 });
    expect(entry(third).detail).toBe(`The queue is paused by ada: ${reason}.`);
    await world.pause(false);
    expect(Date.parse(entry(one).deadlineAt) - Date.parse(deadlineAt)).toBe(60 * 24 * 60_000);
    await finish();
    expect(entry(third)).toMatchObject({ state: 'landed' });
  });

  test('lets a branch wait whose lanes are red, holds up nobody for it, and ends it at its deadline', async () => {
    const [red, fine] = await enqueued('red', 'fine');
    expect(entry(red)).toMatchObject({ state: 'waiting', reason: 'gate_held', position: null });
    await finish();
    expect(entry(fine)).toMatchObject({ state: 'landed' });
    expect(entry(red)).toMatchObject({ state: 'waiting' });
    expect(entry(red).detail).toContain('The lane a failed');
    world.advance(601);
    await world.pass();
    expect(entry(red)).toMatchObject({ state: 'evicted', ended: { cause: 'deadline' } });
    expect(entry(red).ended?.why).toContain('The lane a failed');
  });

  test('queues a branch by itself when its lanes end green', async () => {
    await world.push(0, 'fine');
    await world.ciPass();
    await world.enqueue(0, 0);
    const branch = findOpenBranch(world.forge, world.repo.id, 'topic-0');
    expect(entry(branch)).toMatchObject({ state: 'waiting' });
    await runLanes();
    await finish();
    expect(entry(branch)).toMatchObject({ state: 'landed' });
  });

  test('takes a branch out of a tested candidate that somebody holds, and lands the others', async () => {
    const [one, two] = await enqueued('fine', 'fine');
    await world.pass();
    await world.hold(0);
    await world.pass();
    expect(entry(one)).toMatchObject({ state: 'waiting', holds: [{ kind: 'held' }] });
    expect(entry(two)).toMatchObject({ state: 'landed' });
    // Nobody waits for the lanes of the merge that was given up.
    const lanes = listLanes(world.forge, runsOfLandings()[0]!.id);
    expect(lanes.map(({ attempt }) => attempt.state)).toEqual(['cancelled', 'skipped', 'cancelled']);
    await world.lift(0);
    await finish();
    expect(entry(one)).toMatchObject({ state: 'landed' });
  });

  test('never lands a head that nobody meant: a push takes the branch out', async () => {
    const [one, two] = await enqueued('fine', 'left');
    await world.pass();
    await world.push(0, 'left');
    await finish();
    expect(entry(one)).toMatchObject({ state: 'evicted', ended: { cause: 'pushed' } });
    expect(entry(two)).toMatchObject({ state: 'landed' });
  });

  test('puts a higher priority before the others, and leaves what is tested alone', async () => {
    await world.stop();
    world = await World.open(stage, 'narrow', { batch: 1, speculation: 1 });
    const [one, , three, late] = await pushed('fine', 'left', 'fine', 'fine');
    await world.merge(1, true);
    await world.enqueue(0, 0);
    await world.pass();
    await world.enqueue(2, 0);
    await world.enqueue(3, 1);
    await world.pass();
    expect([entry(one).position, entry(late).position, entry(three).position]).toEqual([1, 2, 3]);
    expect(entry(three)).toMatchObject({ reason: 'behind', detail: expect.stringContaining('2 branches') });
  });

  test('asks for the rights of whoever ordered it when it lands, not only when it was ordered', async () => {
    const { account, caller } = stage.test.account('ben');
    const member = { repo: world.repo.id, account: account.id };
    world.forge.db.run(
      `INSERT INTO repo_members (repo_id, account_id, role) VALUES (:repo, :account, 'write')`,
      member,
    );
    const [one, two] = await pushed('fine', 'left');
    await world.enqueue(1, 0);
    const order = { repo: world.repo, branch: one!, expectedHead: one!.headOid };
    await enqueueLanding(world.forge, { ...order, caller });
    await world.pass();
    expect(entry(one)).toMatchObject({ state: 'testing', actor: account.name });
    world.forge.db.run('DELETE FROM repo_members WHERE repo_id = :repo AND account_id = :account', member);
    await finish();
    expect(entry(one)).toMatchObject({ state: 'evicted', ended: { cause: 'not_allowed' } });
    expect(entry(two)).toMatchObject({ state: 'landed' });
  });

  test('goes on after a death at every call between the beginning of a landing and its end', async () => {
    const isBegun = () =>
      world.forge.db.get(`SELECT id FROM landing_candidates WHERE repo_id = :id AND state = 'landing'`, {
        id: world.repo.id,
      }) !== undefined;
    for (const calls of [0, 1, 2, 3, 4, 5, 7, 9, 12, 16]) {
      const [branch] = await enqueued('fine');
      await world.die(calls, isBegun);
      await world.pass();
      expect(entry(branch), `killed ${calls} calls after its beginning`).toMatchObject({ state: 'landed' });
      await world.checkTarget();
    }
    expect(world.deaths).toBeGreaterThanOrEqual(7);
  });

  test('tests a second candidate on the first, and counts its failure only when the first has landed', async () => {
    await world.stop();
    world = await World.open(stage, 'narrow', { batch: 1, speculation: 2 });
    const [left, right] = await pushed('left', 'right', 'fine');
    await world.merge(2, true);
    await world.enqueue(0, 0);
    await world.enqueue(1, 0);
    await world.pass();
    expect(candidates()).toMatchObject([
      { branches: [left!.number], standsOn: null },
      { branches: [right!.number], standsOn: candidates()[0]?.id },
    ]);
    expect(entry(right).testedWith).toEqual([left!.number]);
    await runLanes();
    await world.pass();
    expect(entry(left)).toMatchObject({ state: 'landed' });
    expect(entry(right)).toMatchObject({ state: 'evicted', ended: { cause: 'lane_failed', lane: 'b' } });
  });
});
