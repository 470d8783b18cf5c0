// A forge to which anything may happen in any order, and what must hold in it at every moment.
import { expect } from 'vitest';
import { cancelRun } from '../../src/ci/recovery/cancel.ts';
import { clearTarget } from '../../src/ci/recovery/clear-target.ts';
import { failLane } from '../../src/ci/recovery/fail-lane.ts';
import { getRun, listLanes, newestRun } from '../../src/ci/find.ts';
import type { LaneResult } from '../../src/ci/lanes/lane-message.ts';
import { hasEnded, satisfiesGate, type AttemptState, type Run } from '../../src/ci/model.ts';
import { openCi, type Ci } from '../../src/ci/open.ts';
import { findPause, pauseCi, resumeCi } from '../../src/ci/scheduler/pause.ts';
import { recoverRun } from '../../src/ci/recovery/recover-run.ts';
import { requeueLane } from '../../src/ci/recovery/requeue-lane.ts';
import { rerunLanes, type RerunScope } from '../../src/ci/recovery/rerun.ts';
import { runAgain } from '../../src/ci/recovery/run-again.ts';
import { laneHolds } from '../../src/ci/scheduler/verdict.ts';
import type { Forge } from '../../src/forge/open.ts';
import { ForgeError } from '../../src/lib/errors.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import type { Caller } from '../../src/accounts/model.ts';
import type { Repo } from '../../src/repos/model.ts';
import { manifest, recordHead } from '../support/ci.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { ScriptedExecutor, type ScriptedLane } from '../support/scripted-executor.ts';

export const concurrency = 3;
const boxConcurrency = 1;

const reason = 'to see what happens';

const lane = (id: string, more = ''): string => `id = "${id}"\ncommand = "true"\n${more}`;

/** Lanes of the default branch, which come due as time goes by. */
const nightly = '[[nightly]]\nid = "night"\nschedule = "0 * * * *"\ncommand = "true"\ngroup = "g"\n';
const retry = 'retry = { infrastructure = 2, timeout = 1 }';

/** What a branch may ask for; heads after one another differ in it. */
const manifests: readonly string[][] = [
  [
    lane('a'),
    lane('b', 'group = "g"'),
    lane('c', 'needs = ["a"]'),
    lane('d', 'group = "g"\nrequired = false'),
  ],
  [lane('a', 'group = "g"'), lane('b', 'needs = ["a"]'), lane('c', 'needs = ["a", "b"]\ngroup = "h"')],
  [lane('a'), lane('left', 'paths = ["docs/**"]'), lane('b', 'group = "h"\nneeds = ["left"]')],
  [lane('a', retry), lane('b', `target = "box"\n${retry}\nneeds = ["a"]`), lane('c', 'target = "box"')],
  [lane('a', 'matrix = { node = ["22", "24"] }'), lane('b', 'keep_running = true\nneeds = ["a"]'), lane('d')],
  [lane('a', 'colour = "red"')],
  [],
];
export const headCount = manifests.length;
export const branchCount = 3;

/** One row of lane_attempts as it is stored. */
type AttemptRow = {
  id: number;
  lane_id: number;
  number: number;
  state: AttemptState;
  token: number;
} & Record<string, unknown>;

/** What the lanes of every world are run by; one forge serves many worlds, each with branches of its own. */
export interface Stage {
  test: TestForge;
  clock: SettableClock;
  repo: Repo;
  caller: Caller;
  heads: { head: string; base: string }[];
}

export async function openStage(): Promise<Stage> {
  const clock = new SettableClock();
  const targets = { box: { concurrency: boxConcurrency } };
  const settings = { ci: { concurrency, targets, sandbox: 'none', pollSeconds: 3600 } };
  const test = await openTestForge({ clock, settings });
  const { caller } = test.account('ada', 'admin');
  const repo = await test.repo('demo/app', { files: { '.pika/lanes.toml': nightly } });
  const { git } = test.forge;
  const folder = test.repoFolder(repo);
  const base = (await git.text(['rev-parse', 'refs/heads/main'], { repo: folder })).trim();
  const heads: Stage['heads'] = [];
  for (const [index, lanes] of manifests.entries()) {
    const files = { 'a.txt': `${index}`, ...(lanes.length === 0 ? {} : manifest(...lanes)) };
    // The manifest stands on the base already, so that the path filter counts.
    const parent = await pushFiles(git, { repo: folder, branch: `base-${index}`, from: base, files });
    const change = { 'b.txt': `${index}` };
    heads.push({
      head: await pushFiles(git, { repo: folder, branch: `head-${index}`, from: parent, files: change }),
      base: parent,
    });
  }
  return { test, clock, repo, caller, heads };
}

export class World {
  readonly stage: Stage;
  readonly #name: string;
  readonly #firstAttempt: number;
  readonly #ends = new Map<number, number>();
  readonly #stop: () => void;
  /** Every lane that was ever submitted, in order; the threads of dead forges report too. */
  readonly lanes: ScriptedLane[] = [];
  /** How many words came from lanes whose claim no longer stood. */
  staleWords = 0;
  #executor: ScriptedExecutor | undefined;
  #ci: Ci | undefined;
  #seen = new Map<number, AttemptRow>();

  private constructor(stage: Stage, name: string) {
    this.stage = stage;
    this.#name = name;
    const newest = stage.test.forge.db.get<{ id: number | null }>('SELECT max(id) AS id FROM lane_attempts');
    this.#firstAttempt = newest?.id ?? 0;
    this.#stop = stage.test.forge.events.on('lane-changed', ({ attemptId, state }) => {
      if (hasEnded(state as AttemptState)) this.#ends.set(attemptId, (this.#ends.get(attemptId) ?? 0) + 1);
    });
  }

  get forge(): Forge {
    return this.stage.test.forge;
  }

  static async open(stage: Stage, name: string): Promise<World> {
    const world = new World(stage, name);
    await world.#openCi();
    return world;
  }

  /** A new head of a branch; the first one opens it. */
  push(branch: number, head: number): void {
    const { heads, repo, test } = this.stage;
    const pushed = heads[head % heads.length]!;
    recordHead(test.forge, repo, { name: this.#branch(branch), ...pushed });
  }

  async pass(): Promise<void> {
    await this.#ci?.scheduler.pass();
    await this.#settled();
  }

  /** The forge dies; its threads do not know, and its successor takes over. */
  async crash(): Promise<void> {
    await this.#openCi();
    await this.#settled();
  }

  async stopAndStart(): Promise<void> {
    await this.#ci?.stop();
    await this.#openCi();
  }

  advance(seconds: number): void {
    this.stage.clock.advance(seconds * 1000);
  }

  /** A lane, alive or given up, says how it ended; a stale word changes nothing. */
  end(index: number, result: LaneResult): void {
    this.#say(index, (lane) => {
      const stopped: LaneResult = { outcome: 'stopped', cause: lane.asked ?? 'lost' };
      this.#executor?.end(lane, lane.asked === undefined ? result : stopped);
    });
  }

  beat(index: number): void {
    this.#say(index, (lane, stands) => {
      const isConfirmed = lane.reports.heartbeat(lane.ref, 5);
      expect(isConfirmed, 'a heartbeat is confirmed exactly while the claim stands').toBe(stands);
      if (!isConfirmed) lane.asked ??= 'lost';
    });
  }

  print(index: number): void {
    this.#say(index, (lane) => lane.reports.output(lane.ref, 3));
  }

  cancel(branch: number, how: { lane: string | undefined; force: boolean }): Promise<void> {
    return this.#ask(branch, (order) => cancelRun(this.forge, { ...order, ...how }));
  }

  rerun(branch: number, scope: RerunScope): Promise<void> {
    return this.#ask(branch, (order) => rerunLanes(this.forge, { ...order, scope }));
  }

  fail(branch: number, lane: string): Promise<void> {
    return this.#ask(branch, (order) => failLane(this.forge, { ...order, lane }));
  }

  requeue(branch: number, lane: string): Promise<void> {
    return this.#ask(branch, (order) => requeueLane(this.forge, { ...order, lane }));
  }

  recover(branch: number): Promise<void> {
    return this.#ask(branch, (order) => recoverRun(this.forge, order));
  }

  again(branch: number): Promise<void> {
    return this.#ask(branch, (order) => runAgain(this.forge, order));
  }

  /** Holds the queue, or lets it go on. */
  async pause(isPaused: boolean): Promise<void> {
    const order = { caller: this.stage.caller, reason };
    await permitRefusal(() => (isPaused ? pauseCi(this.forge, order) : resumeCi(this.forge, order)));
  }

  async clearTarget(target: string): Promise<void> {
    await permitRefusal(() => clearTarget(this.forge, { caller: this.stage.caller, target, reason }));
  }

  /** Somebody asks for something of the newest run of a branch. */
  async #ask(
    branch: number,
    ask: (order: { repo: Repo; run: Run; caller: Caller; reason: string }) => unknown,
  ): Promise<void> {
    const run = this.#newestRun(branch);
    const { repo, caller } = this.stage;
    if (run !== undefined) await permitRefusal(() => ask({ repo, run, caller, reason }));
  }

  /** Lets everything come to its end, as a forge does that is left alone. */
  async drain(): Promise<void> {
    await this.pause(false);
    for (let turn = 0; turn < 40; turn += 1) {
      await this.pass();
      for (const lane of this.#executor?.heldLanes() ?? []) {
        this.end(this.lanes.indexOf(lane), { outcome: 'success', exitCode: 0 });
      }
      this.check();
      if (this.#rows().every(({ state }) => hasEnded(state))) break;
      this.advance(20 * 60);
    }
    const left = this.#rows().filter(({ state }) => !hasEnded(state));
    expect(left, 'every lane comes to an end').toEqual([]);
    for (const { id, skip_cause: cause } of this.#rows()) {
      const isFiltered = cause === 'path_filter';
      expect(this.#ends.get(id) ?? 0, `how often attempt ${id} ended`).toBe(isFiltered ? 0 : 1);
    }
    this.#checkVerdicts();
    this.#stop();
  }

  /** What holds after every step. */
  check(): void {
    const rows = this.#rows();
    const live = rows.filter(({ state }) => state === 'running' || state === 'cancelling');
    const places = this.#placesOf(live.map(({ lane_id: id }) => id));
    const onBox = places.filter(({ target }) => target === 'box').length;
    expect(onBox, 'lanes that run at once on a target').toBeLessThanOrEqual(boxConcurrency);
    expect(places.length - onBox, 'lanes that run at once').toBeLessThanOrEqual(concurrency);
    const groups = places.flatMap(({ group }) => group ?? []);
    expect(groups, 'at most one lane of a group runs').toEqual([...new Set(groups)]);
    for (const row of rows) this.#checkRow(row);
    const unfinished = rows.filter(({ state }) => !hasEnded(state));
    const lanes = unfinished.map(({ lane_id: id }) => id);
    expect(lanes, 'a lane has one unfinished attempt at most').toEqual([...new Set(lanes)]);
    for (const { lane_id: id, number } of unfinished) {
      const later = rows.filter((row) => row.lane_id === id && row.number > number);
      expect(later, 'what is not finished is the newest attempt').toEqual([]);
    }
    this.#checkVerdicts();
    this.#seen = new Map(rows.map((row) => [row.id, row]));
  }

  #checkRow(row: AttemptRow): void {
    const before = this.#seen.get(row.id);
    if (before !== undefined) {
      expect(row.token, `the token of attempt ${row.id} only grows`).toBeGreaterThanOrEqual(before.token);
      if (hasEnded(before.state)) expect(row, 'an ended attempt never changes').toEqual(before);
    }
    const since = row.state === 'queued' ? row['reason_since'] : row['started_at'];
    const hasTime = hasEnded(row.state) ? row['finished_at'] : since;
    expect(hasTime, `attempt ${row.id} is ${row.state} since some time`).toEqual(expect.any(Number));
    if (row.state === 'queued') expect(row['reason']).toEqual(expect.any(String));
    if (row.state === 'failed' || row.state === 'cancelled') {
      expect(row['failure_kind'], `why attempt ${row.id} ${row.state}`).toEqual(expect.any(String));
    }
  }

  /** Green means: the newest attempt of every required lane is green. Asked of the rows, not of the forge's verbs. */
  #checkVerdicts(): void {
    const { test, repo } = this.stage;
    for (const run of this.#runs()) {
      if (run.problem !== undefined) expect(run.state).toBe('failed');
      const lanes = listLanes(test.forge, run.id);
      const isGreen = lanes.every(({ required, attempt }) => !required || satisfiesGate(attempt));
      if (run.state === 'success') expect(isGreen, `run ${run.number} is green`).toBe(true);
      const isOver = lanes.every(({ attempt }) => hasEnded(attempt.state));
      if (run.problem === undefined && isOver) expect(run.state === 'success').toBe(isGreen);
      if (isOver) expect(run.finishedAt, `run ${run.number} is over`).toEqual(expect.any(Number));
      else expect(['queued', 'running']).toContain(run.state);
    }
    for (let branch = 0; branch < branchCount; branch += 1) {
      const run = this.#newestRun(branch);
      if (run?.state !== 'success') continue;
      const newest = test.forge.db.get<{ id: number }>(
        'SELECT id FROM runs WHERE repo_id = :repo AND head_oid = :head ORDER BY id DESC LIMIT 1',
        { repo: repo.id, head: run.headOid },
      );
      // Two branches may stand at one head; the gate asks the newest run of it.
      if (newest?.id !== run.id) continue;
      expect(laneHolds(test.forge, { repo, headOid: run.headOid }), 'holds of a green head').toEqual([]);
    }
  }

  #say(index: number, word: (lane: ScriptedLane, stands: boolean) => void): void {
    if (this.lanes.length === 0) return;
    const lane = this.lanes[index % this.lanes.length]!;
    const before = this.#rows();
    const row = before.find(({ id }) => id === lane.ref.attemptId);
    const stands = row?.token === lane.ref.token && (row.state === 'running' || row.state === 'cancelling');
    word(lane, stands);
    if (stands) return;
    this.staleWords += 1;
    expect(this.#rows(), 'a stale word changes nothing').toEqual(before);
  }

  async #openCi(): Promise<void> {
    const maker = ScriptedExecutor.maker(
      (executor) => (this.#executor = executor),
      (lane) => this.#submitted(lane),
    );
    this.#ci = await openCi(this.forge, maker);
  }

  #submitted(lane: ScriptedLane): void {
    const { runId, laneId } = lane.ref;
    const lanes = listLanes(this.forge, runId);
    const { needs, target, attempt } = lanes.find(({ id }) => id === laneId)!;
    const unmet = lanes.filter(({ key, attempt: other }) => needs.includes(key) && !satisfiesGate(other));
    expect(unmet, 'a lane starts when what it needs is green').toEqual([]);
    expect(findPause(this.forge), 'nothing starts while the queue is held').toBeUndefined();
    const now = this.stage.clock.now();
    expect(attempt.notBefore ?? 0, 'a retry waits its time').toBeLessThanOrEqual(now);
    const ill = this.forge.db.get<object>(
      'SELECT name FROM ci_targets WHERE name = :target AND unhealthy_until > :now',
      { target, now },
    );
    expect(ill, 'nothing starts on a target that rests').toBeUndefined();
    this.lanes.push(lane);
  }

  /** A lost claim is given back beside the pass, within a turn or two when no program of it lives. */
  async #settled(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  #rows(): AttemptRow[] {
    return this.forge.db.all<AttemptRow>('SELECT * FROM lane_attempts WHERE id > :first ORDER BY id', {
      first: this.#firstAttempt,
    });
  }

  #runs(): Run[] {
    const { forge } = this.stage.test;
    const runs = Array.from({ length: branchCount }, (_, branch) => this.#branchId(branch)).flatMap((id) =>
      id === undefined
        ? []
        : forge.db.all<{ id: number }>('SELECT id FROM runs WHERE branch_id = :id', { id }),
    );
    return runs.map(({ id }) => getRun(forge, id));
  }

  #placesOf(laneIds: number[]): { target: string; group: string | null }[] {
    const sql = 'SELECT target, group_name AS "group" FROM lanes WHERE id = :id';
    return laneIds.flatMap(
      (id) => this.forge.db.get<{ target: string; group: string | null }>(sql, { id }) ?? [],
    );
  }

  readonly #branch = (branch: number): string => `${this.#name}-${branch % branchCount}`;

  #branchId(branch: number): number | undefined {
    return this.forge.db.get<{ id: number }>('SELECT id FROM branches WHERE name = :name', {
      name: this.#branch(branch),
    })?.id;
  }

  #newestRun(branch: number): Run | undefined {
    const id = this.#branchId(branch);
    return id === undefined ? undefined : newestRun(this.forge, id);
  }
}

/** A person may ask for what is not possible just now; a sentence is the answer, and any other error a fault. */
async function permitRefusal(ask: () => unknown): Promise<void> {
  try {
    await ask();
  } catch (error) {
    if (!(error instanceof ForgeError) || error.code === 'internal') throw error;
  }
}
