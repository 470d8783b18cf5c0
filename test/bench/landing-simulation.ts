// The landing queue as it really is, with its real git and tables, in a time of its own: lanes run nothing and last as
// long as the benchmark says, and the clock goes from one end of a lane to the next.
import type { Caller } from '../../src/accounts/model.ts';
import { findOpenBranch } from '../../src/branches/find.ts';
import { getRun } from '../../src/ci/find.ts';
import { openCi, type Ci } from '../../src/ci/open.ts';
import { openLandings } from '../../src/landing/queue/landings.ts';
import { enqueueLanding } from '../../src/landing/queue/queue.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { Slots } from '../../src/lib/slot.ts';
import type { Repo } from '../../src/repos/model.ts';
import { manifest, recordHead } from '../support/ci.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { ScriptedExecutor, type ScriptedLane } from '../support/scripted-executor.ts';
import type { QueueSettings } from './landing-formulas.ts';

export const laneMinutes = 10;
const laneMs = laneMinutes * 60_000;
/** More places than any queue asks for, so that CI is not what is measured. */
const concurrency = 256;
const turnsAtMost = 20_000;

export interface Simulated {
  landed: number;
  evicted: number;
  /** Runs of candidates, also those that were given up. */
  runs: number;
  hours: number;
}

interface Held {
  lane: ScriptedLane;
  endsAt: number;
}

/** One forge; each simulation has a repository of its own in it. */
export class LandingSimulation {
  readonly #test: TestForge;
  readonly #clock: SettableClock;
  readonly #caller: Caller;
  readonly #landings: ReturnType<typeof openLandings>;
  #ci: Ci | undefined;
  #executor: ScriptedExecutor | undefined;
  #held: Held[] = [];
  #repos = 0;

  private constructor(test: TestForge, clock: SettableClock) {
    this.#test = test;
    this.#clock = clock;
    this.#caller = test.account('ada', 'admin').caller;
    this.#landings = openLandings(test.forge, new Slots());
  }

  static async open(): Promise<LandingSimulation> {
    const clock = new SettableClock();
    const settings = {
      ci: { concurrency, sandbox: 'none' as const, pollSeconds: 3600 },
      // The clock leaps by the length of a lane, and what is asked now and then would be asked at every leap.
      landing: { recheckSeconds: 30 * 86_400 },
    };
    const test = await openTestForge({ clock, settings });
    const simulation = new LandingSimulation(test, clock);
    await simulation.#openCi();
    return simulation;
  }

  async close(): Promise<void> {
    await this.#ci?.stop();
    await this.#test.dispose();
  }

  /** All branches want to land at once; answers when none waits any more. */
  async run(settings: QueueSettings, branches: number): Promise<Simulated> {
    const { forge } = this.#test;
    const repo = await this.#stage(settings, branches);
    const startedAt = forge.clock.now();
    for (let branch = 1; branch <= branches; branch += 1) {
      const found = findOpenBranch(forge, repo.id, nameOf(branch));
      if (found === undefined) throw new Error(`The branch ${nameOf(branch)} is gone before it was queued.`);
      const order = { repo, branch: found, caller: this.#caller, expectedHead: found.headOid };
      await enqueueLanding(forge, order);
    }
    for (let turn = 0; this.#waiting(repo) > 0; turn += 1) {
      if (turn === turnsAtMost) throw new Error('The landing queue does not come to an end.');
      await this.#landings.pass();
      await this.#ci?.scheduler.pass();
      if (this.#waiting(repo) > 0) await this.#endNext();
    }
    const hours = (forge.clock.now() - startedAt) / 3_600_000;
    return { ...this.#counts(repo), hours };
  }

  /** A repository whose branches are green alone; a part of them is red wherever they are merged. */
  async #stage({ failureRate, batch, speculation }: QueueSettings, branches: number): Promise<Repo> {
    const { forge } = this.#test;
    this.#repos += 1;
    const policy = `[landing]\nbatch = ${batch}\nspeculation = ${speculation}\nmax_wait_minutes = 43200\n`;
    const files = { ...manifest('id = "unit"\ncommand = "true"'), '.pika/policy.toml': policy };
    const repo = await this.#test.repo(`demo/queue-${this.#repos}`, { files });
    const folder = this.#test.repoFolder(repo);
    const base = (await forge.git.text(['rev-parse', 'refs/heads/main'], { repo: folder })).trim();
    const red = Math.round(branches * failureRate);
    for (let branch = 1; branch <= branches; branch += 1) {
      // The red ones stand in no order that a batch could profit from, in the same places in every simulation.
      const isRed = (branch * 37) % branches < red;
      const change = { [`${isRed ? 'red' : 'green'}/${branch}.txt`]: `${branch}\n` };
      const head = await pushFiles(forge.git, {
        repo: folder,
        branch: nameOf(branch),
        from: base,
        files: change,
      });
      recordHead(forge, repo, { name: nameOf(branch), head, base });
    }
    // The heads' own runs, which are all green.
    await this.#ci?.scheduler.pass();
    while (this.#held.length > 0) {
      for (const { lane } of this.#held.splice(0)) {
        this.#executor?.end(lane, { outcome: 'success', exitCode: 0 });
      }
      await this.#ci?.scheduler.pass();
    }
    return repo;
  }

  /** Goes to the next end of a lane; what still runs beats, as its thread would have done meanwhile. */
  async #endNext(): Promise<void> {
    const next = Math.min(...this.#held.map(({ endsAt }) => endsAt));
    const now = this.#clock.now();
    // Nothing runs: the queue waits for a moment of its own.
    if (next === Infinity) return this.#clock.advance(1000);
    this.#clock.advance(Math.max(0, next - now));
    const ended = this.#held.filter(({ endsAt }) => endsAt <= next);
    this.#held = this.#held.filter(({ endsAt }) => endsAt > next);
    for (const { lane } of ended) await this.#end(lane);
    for (const { lane } of this.#held) lane.reports.heartbeat(lane.ref, 0);
    // What was given up meanwhile ends when it is asked to.
    for (const { lane } of this.#held.filter((held) => held.lane.asked !== undefined)) await this.#end(lane);
    this.#held = this.#held.filter(({ lane }) => this.#executor?.holds(lane));
  }

  async #end(lane: ScriptedLane): Promise<void> {
    if (lane.asked !== undefined) {
      this.#executor?.end(lane, { outcome: 'stopped', cause: lane.asked });
      return;
    }
    const { forge } = this.#test;
    const run = getRun(forge, lane.ref.runId);
    const repo = this.#test.repoFolder({ id: run.repoId } as Repo);
    const red = await forge.git.text(['ls-tree', '--name-only', run.headOid, 'red/'], { repo });
    if (red === '') this.#executor?.end(lane, { outcome: 'success', exitCode: 0 });
    else this.#executor?.end(lane, { outcome: 'failed', failureKind: 'test_failure', exitCode: 1 });
  }

  async #openCi(): Promise<void> {
    const maker = ScriptedExecutor.maker(
      (executor) => (this.#executor = executor),
      (lane) => this.#held.push({ lane, endsAt: this.#clock.now() + laneMs }),
    );
    this.#ci = await openCi(this.#test.forge, maker);
  }

  #waiting(repo: Repo): number {
    return this.#count(repo, `state IN ('waiting', 'queued', 'testing', 'landing')`);
  }

  #counts(repo: Repo): Omit<Simulated, 'hours'> {
    const runs = this.#test.forge.db.get<{ count: number }>(
      "SELECT count(*) AS count FROM runs WHERE repo_id = :repo AND kind = 'landing'",
      { repo: repo.id },
    );
    return {
      landed: this.#count(repo, "state = 'landed'"),
      evicted: this.#count(repo, "state IN ('evicted', 'cancelled')"),
      runs: runs?.count ?? 0,
    };
  }

  #count(repo: Repo, which: string): number {
    const sql = `SELECT count(*) AS count FROM landings WHERE repo_id = :repo AND ${which}`;
    return this.#test.forge.db.get<{ count: number }>(sql, { repo: repo.id })?.count ?? 0;
  }
}

const nameOf = (branch: number): string => `topic-${branch}`;
