// A repository whose branches are queued, pushed, held, merged, closed and killed in any order, with real git and lanes whose
// verdict is a property of the tree that they run on; and what must hold in it at every moment.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Caller } from '../../src/accounts/model.ts';
import { findOpenBranch, getBranch } from '../../src/branches/find.ts';
import type { Branch } from '../../src/branches/model.ts';
import type { LaneResult } from '../../src/ci/lanes/lane-message.ts';
import { findRun, getRun, listLanes } from '../../src/ci/find.ts';
import { hasEnded } from '../../src/ci/model.ts';
import { openCi, type Ci } from '../../src/ci/open.ts';
import { cancelRun } from '../../src/ci/recovery/cancel.ts';
import type { Forge } from '../../src/forge/open.ts';
import { treeOf } from '../../src/git/objects.ts';
import { resolveBranch } from '../../src/git/refs.ts';
import { closeBranch } from '../../src/landing/close.ts';
import { holdBranch, liftHold, listHolds } from '../../src/landing/holds/hold-branch.ts';
import { openLandings, type Landings } from '../../src/landing/queue/landings.ts';
import { mergeBranch } from '../../src/landing/merge/merge.ts';
import { cancelLanding, enqueueLanding, prioritizeLanding } from '../../src/landing/queue/queue.ts';
import { pauseLandings, resumeLandings } from '../../src/landing/queue/queue-pause.ts';
import { readQueue } from '../../src/landing/queue/queue-view.ts';
import { queueView } from '../../src/landing/queue/model.ts';
import { recoverMerges } from '../../src/landing/merge/recover.ts';
import { Slots } from '../../src/lib/slot.ts';
import type { Repo } from '../../src/repos/model.ts';
import { recordHead } from '../support/ci.ts';
import { Died, mortalForge, type MortalForge } from '../support/mortal-forge.ts';
import { pushFiles } from '../support/push-files.ts';
import {
  branchCount,
  faults,
  lanes,
  permitRefusal,
  policyOf,
  reason,
  type ChangeKind,
  type LandingRow as Row,
  type Stage,
} from './queue-stage.ts';
import { ScriptedExecutor, type ScriptedLane } from '../support/scripted-executor.ts';

export class World {
  readonly stage: Stage;
  readonly repo: Repo;
  readonly folder: string;
  readonly slots = new Slots();
  /** Lane keys that really ran green, by the tree that they ran on. */
  readonly green = new Map<string, Set<string>>();
  readonly forced = new Set<string>();
  readonly started: ScriptedLane[] = [];
  deaths = 0;
  landed = 0;
  #executor: ScriptedExecutor | undefined;
  #ci: Ci | undefined;
  #mortal: MortalForge;
  #landings: Landings;
  #pushes = 0;
  /** The tree of a commit, and the names in a tree. */
  readonly #trees = new Map<string, string>();
  readonly #names = new Map<string, string>();

  private constructor(stage: Stage, repo: Repo) {
    this.stage = stage;
    this.repo = repo;
    this.folder = stage.test.repoFolder(repo);
    this.#mortal = mortalForge(this.forge);
    this.#landings = openLandings(this.#mortal.forge, this.slots);
  }

  get forge(): Forge {
    return this.stage.test.forge;
  }

  static async open(
    stage: Stage,
    name: string,
    size: { batch: number; speculation: number },
  ): Promise<World> {
    const files = {
      ...lanes,
      '.pika/policy.toml': policyOf(size.batch, size.speculation),
      'shared.txt': 'shared\n',
    };
    const repo = await stage.test.repo(`demo/${name}`, { files });
    const world = new World(stage, repo);
    // Every commit that the target ever points to is written down by git itself.
    appendFileSync(join(world.folder, 'config'), '[core]\n\tlogAllRefUpdates = always\n');
    await world.#openCi();
    return world;
  }

  async push(branch: number, change: ChangeKind): Promise<void> {
    const name = nameOf(branch);
    this.#pushes += 1;
    const { git } = this.forge;
    const tip = await resolveBranch(git, this.folder, 'main');
    const row = findOpenBranch(this.forge, this.repo.id, name);
    const content = `${change} ${this.#pushes}\n`;
    const files = change === 'same' ? { 'shared.txt': content } : { [`${change}-${name}.txt`]: content };
    const from = row === undefined || this.#pushes % 2 === 0 ? tip : row.headOid;
    const head = await pushFiles(git, { repo: this.folder, branch: name, files, ...(from && { from }) });
    recordHead(this.forge, this.repo, { name, head, base: tip });
    const pushed = findOpenBranch(this.forge, this.repo.id, name)!;
    this.forge.events.emit('branch-pushed', {
      repoId: this.repo.id,
      branchId: pushed.id,
      revision: pushed.revision,
    });
  }

  async enqueue(branch: number, priority: number): Promise<void> {
    await this.#ask(branch, (order) =>
      enqueueLanding(this.forge, { ...order, expectedHead: order.branch.headOid, priority }),
    );
  }

  async cancel(branch: number): Promise<void> {
    await this.#ask(branch, (order) => cancelLanding(this.forge, order));
  }

  async prioritize(branch: number, priority: number): Promise<void> {
    await this.#ask(branch, (order) => prioritizeLanding(this.forge, { ...order, priority }));
  }

  async close(branch: number): Promise<void> {
    await this.#ask(branch, (order) => closeBranch(this.forge, { ...order, slots: this.slots }));
  }

  /** A human merges in between: what the gate lets through, or past it with a reason. */
  async merge(branch: number, isForced: boolean): Promise<void> {
    await this.#ask(branch, async (order) => {
      const force = isForced ? { force: { reason } } : {};
      const expectedHead = order.branch.headOid;
      const view = await mergeBranch(this.forge, { ...order, ...force, expectedHead, slots: this.slots });
      const audit = this.forge.db.get<{ detail: string }>(
        `SELECT detail FROM audit WHERE action LIKE 'branch.%merge%' AND detail LIKE :commit`,
        { commit: `%${view.commit}%` },
      );
      if (isForced && audit?.detail.includes(reason)) this.forced.add(view.commit);
    });
  }

  async hold(branch: number): Promise<void> {
    await this.#ask(branch, (order) => holdBranch(this.forge, { ...order, reason }));
  }

  async lift(branch: number): Promise<void> {
    await this.#ask(branch, (order) => {
      for (const { id } of listHolds(this.forge, order.branch)) liftHold(this.forge, { ...order, id });
    });
  }

  async pause(isPaused: boolean): Promise<void> {
    const order = { repo: this.repo, caller: this.stage.caller, reason };
    await permitRefusal(() =>
      isPaused ? pauseLandings(this.forge, order) : resumeLandings(this.forge, order),
    );
  }

  /** Somebody cancels the run of a candidate. */
  async cancelRun(): Promise<void> {
    const [target] = readQueue(this.forge, this.repo).targets;
    const candidate = target?.candidates[0];
    if (candidate === undefined) return;
    const run = findRun(this.forge, this.repo.id, candidate.run.number)!;
    const order = { repo: this.repo, caller: this.stage.caller, run };
    await permitRefusal(() => cancelRun(this.forge, order));
  }

  advance(minutes: number): void {
    this.stage.clock.advance(minutes * 60_000);
  }

  async ciPass(): Promise<void> {
    await this.#ci?.scheduler.pass();
  }

  async pass(): Promise<void> {
    const before = this.#queuedInOrder();
    await this.#landings.pass();
    this.#checkFair(before);
  }

  /** The forge is killed so many calls of git and the database into a pass, or into what `once` tells, and started again. */
  async die(calls: number, once?: () => boolean): Promise<void> {
    this.#mortal.dieAfter(calls, once);
    await this.#landings.pass().catch((error: unknown) => {
      if (!this.#mortal.isDead() && !(error instanceof Died)) throw error;
    });
    if (this.#mortal.isDead()) this.deaths += 1;
    await this.stop();
    await recoverMerges(this.forge);
    this.#mortal = mortalForge(this.forge);
    this.#landings = openLandings(this.#mortal.forge, this.slots);
    await this.#openCi();
  }

  /** A lane that runs says how it ended: as its tree deserves, or as a machine or a flake has it. Never green in vain. */
  async end(index: number, how: 'truly' | 'flake' | 'machine'): Promise<void> {
    const held = this.#held();
    const lane = held[index % Math.max(held.length, 1)];
    if (lane !== undefined) await this.#endLane(lane, how);
  }

  /** What holds after every step. */
  async check(): Promise<void> {
    await this.checkTarget();
    for (const row of this.#rows()) {
      if (row.end_cause !== null) {
        expect(row.end_message, `why landing ${row.id} ended`).toEqual(expect.stringMatching(/\.$/));
        continue;
      }
      expect(row.reason, `what landing ${row.id} waits for`).toEqual(expect.any(String));
      expect(row.reason_since, `since when landing ${row.id} waits`).toEqual(expect.any(Number));
    }
    const shown = queueView.parse(readQueue(this.forge, this.repo));
    for (const { entries, waiting } of shown.targets) {
      for (const entry of [...entries, ...waiting]) {
        expect(entry.detail, `entry ${entry.id} (${entry.state}, ${entry.reason}) says why`).not.toBe('');
      }
    }
  }

  /** Every commit the target ever pointed to: each required lane really ran green on its very tree, or it was forced. */
  async checkTarget(): Promise<void> {
    const log = join(this.folder, 'logs/refs/heads/main');
    const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
    for (const line of lines) {
      const [from = '', commit = ''] = line.split(' ');
      if (/^0+$/.test(from)) continue;
      await this.#checkForward(from, commit);
      if (this.forced.has(commit)) continue;
      const tree = await this.#treeOf(commit);
      const ran = [...(this.green.get(tree) ?? [])].filter((key) => key !== 'opt').sort();
      expect(ran, `required lanes that ran green on the files of ${commit}, where the target was`).toEqual([
        'a',
        'b',
      ]);
    }
  }

  /** What was on the target once stays on it. */
  async #checkForward(from: string, to: string): Promise<void> {
    const key = `${from}..${to}`;
    if (this.#names.has(key)) return;
    const order = { repo: this.folder, accept: [1] };
    const { exitCode } = await this.forge.git.run(['merge-base', '--is-ancestor', from, to], order);
    expect(exitCode, `the target went on from ${from} to ${to}`).toBe(0);
    this.#names.set(key, '');
  }

  /** Lets everything come to its end, as a forge does that is left alone. */
  async drain(): Promise<void> {
    await this.pause(false);
    for (let branch = 0; branch < branchCount; branch += 1) await this.lift(branch);
    for (let turn = 0; turn < 60 && this.#live().length > 0; turn += 1) {
      await this.ciPass();
      for (const lane of this.#held()) await this.#endLane(lane, 'truly');
      await this.pass();
      await this.check();
      if (turn > 40) this.advance(60);
      else this.advance(1.5);
    }
    expect(this.#live(), 'nobody waits for ever').toEqual([]);
    for (let turn = 0; turn < 6; turn += 1) {
      await this.ciPass();
      for (const lane of this.#held()) await this.#endLane(lane, 'truly');
    }
    await this.#checkEnd();
    await this.stop();
  }

  async stop(): Promise<void> {
    await this.#landings.stop();
    this.#mortal.bury();
  }

  async #checkEnd(): Promise<void> {
    const { db, git } = this.forge;
    const repo = { repo: this.repo.id };
    expect(
      db.all(`SELECT id FROM merges WHERE repo_id = :repo AND state = 'intended'`, repo),
      'merges that were begun and never ended',
    ).toEqual([]);
    const unfinished = db
      .all<{ id: number }>(`SELECT id FROM runs WHERE repo_id = :repo AND kind = 'landing'`, repo)
      .filter(({ id }) => listLanes(this.forge, id).some(({ attempt }) => !hasEnded(attempt.state)));
    expect(unfinished, 'runs of candidates that nobody waits for').toEqual([]);
    const landed = db.all<{ branch_id: number; merge_oid: string; head_oid: string }>(
      `SELECT branch_id, merge_oid, head_oid FROM landings WHERE repo_id = :repo AND state = 'landed'`,
      repo,
    );
    this.landed = landed.length;
    const reached = new Set(
      (await git.text(['rev-list', 'refs/heads/main'], { repo: this.folder })).split('\n'),
    );
    for (const { branch_id: id, merge_oid: oid, head_oid: head } of landed) {
      expect(reached, `the commit of landed branch ${id} is on the target`).toContain(oid);
      expect(reached, `the head of landed branch ${id} is on the target`).toContain(head);
      expect(getBranch(this.forge, id)).toMatchObject({ state: 'merged', mergeOid: oid });
    }
    await this.#landings.pass();
    const pins = await git.text(['for-each-ref', '--format=%(refname)', 'refs/pika/landing/'], {
      repo: this.folder,
    });
    const kept = db.all<{ id: number }>(
      `SELECT id FROM landing_candidates WHERE repo_id = :repo AND state = 'failed' ORDER BY id`,
      repo,
    );
    expect(pins.split('\n').filter(Boolean).sort()).toEqual(
      kept.map(({ id }) => `refs/pika/landing/${id}`).sort(),
    );
  }

  async #treeOf(commit: string): Promise<string> {
    const tree = this.#trees.get(commit) ?? (await treeOf(this.forge.git, this.folder, commit));
    this.#trees.set(commit, tree);
    return tree;
  }

  #held(): ScriptedLane[] {
    return (this.#executor?.heldLanes() ?? []).filter(
      ({ ref }) => getRun(this.forge, ref.runId).repoId === this.repo.id,
    );
  }

  async #endLane(lane: ScriptedLane, how: 'truly' | 'flake' | 'machine'): Promise<void> {
    if (lane.asked !== undefined) {
      this.#executor?.end(lane, { outcome: 'stopped', cause: lane.asked });
      return;
    }
    const run = getRun(this.forge, lane.ref.runId);
    const key = listLanes(this.forge, run.id).find(({ id }) => id === lane.ref.laneId)!.key;
    const result = how === 'truly' ? await this.#verdict(run.headOid, key) : faults[how];
    if (result.outcome === 'success') {
      const tree = await this.#treeOf(run.headOid);
      this.green.set(tree, (this.green.get(tree) ?? new Set()).add(key));
    }
    this.#executor?.end(lane, result);
  }

  /** Lane a is red where something is red, lane b where left and right meet. */
  async #verdict(commit: string, key: string): Promise<LaneResult> {
    const tree = await this.#treeOf(commit);
    const list = ['ls-tree', '--name-only', tree];
    const names = this.#names.get(tree) ?? (await this.forge.git.text(list, { repo: this.folder }));
    this.#names.set(tree, names);
    const has = (kind: ChangeKind) => names.split('\n').some((name) => name.startsWith(`${kind}-`));
    const isRed = key === 'a' ? has('red') : key === 'b' ? has('left') && has('right') : has('left');
    return isRed ? faults.flake : { outcome: 'success', exitCode: 0 };
  }

  /** Among those that waited for their turn before and after, nobody went past somebody. */
  #checkFair(before: readonly Row[]): void {
    const now = new Map(this.#rows().map((row) => [row.id, row]));
    const left = before.findIndex(({ id }) => now.get(id)?.state === 'queued');
    const passed =
      left === -1 ? [] : before.slice(left + 1).filter(({ id }) => isFurther(now.get(id)?.state));
    expect(passed, `entries that went past ${before[left]?.id}`).toEqual([]);
  }

  #queuedInOrder(): Row[] {
    return this.#rows()
      .filter(({ state }) => state === 'queued')
      .sort((one, other) => other.priority - one.priority || one.id - other.id);
  }

  #rows(): Row[] {
    return this.forge.db.all<Row>('SELECT * FROM landings WHERE repo_id = :repo ORDER BY id', {
      repo: this.repo.id,
    });
  }

  #live(): Row[] {
    return this.#rows().filter(({ end_cause: cause }) => cause === null);
  }

  async #ask(
    branch: number,
    ask: (order: { repo: Repo; branch: Branch; caller: Caller }) => unknown,
  ): Promise<void> {
    const row = findOpenBranch(this.forge, this.repo.id, nameOf(branch));
    if (row === undefined) return;
    await permitRefusal(() => ask({ repo: this.repo, branch: row, caller: this.stage.caller }));
  }

  async #openCi(): Promise<void> {
    const maker = ScriptedExecutor.maker(
      (executor) => (this.#executor = executor),
      (lane) => void this.started.push(lane),
    );
    this.#ci = await openCi(this.forge, maker);
  }
}

const nameOf = (branch: number): string => `topic-${branch % branchCount}`;
const isFurther = (state: string | undefined): boolean =>
  state === 'testing' || state === 'landing' || state === 'landed';
