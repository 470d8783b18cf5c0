// A forge whose lanes run nothing and report what a test tells them to.
import type { Caller } from '../../src/accounts/model.ts';
import { openCi, type Ci } from '../../src/ci/open.ts';
import type { LaneResult } from '../../src/ci/lanes/lane-message.ts';
import type { Run } from '../../src/ci/model.ts';
import type { LocatedTest, ReportedTests } from '../../src/ci/tests/reported-tests.ts';
import { rerunLanes } from '../../src/ci/recovery/rerun.ts';
import type { Forge } from '../../src/forge/open.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import type { Repo } from '../../src/repos/model.ts';
import { manifest, pushBranch, runOfBranch } from './ci.ts';
import type { TestForge, TestForgeOptions } from './forge.ts';
import type { Files } from './push-files.ts';
import { ScriptedExecutor, type ScriptedLane } from './scripted-executor.ts';

export const told = (...tests: Partial<LocatedTest>[]): ReportedTests => ({
  reports: [{ path: 'junit.xml', tests: tests.length }],
  tests: tests.map((test) => ({ suite: 'unit', name: 'adds', state: 'passed', flaky: false, ...test })),
});

export class ToldLanes {
  readonly forge: Forge;
  readonly repo: Repo;
  readonly caller: Caller;
  readonly clock: SettableClock;
  readonly ci: Ci;
  readonly #started: ScriptedLane[];
  readonly #executors: ScriptedExecutor[];

  constructor(parts: {
    testForge: TestForge;
    repo: Repo;
    ci: Ci;
    clock: SettableClock;
    started: ScriptedLane[];
    executors: ScriptedExecutor[];
  }) {
    this.forge = parts.testForge.forge;
    this.repo = parts.repo;
    this.ci = parts.ci;
    this.clock = parts.clock;
    this.caller = parts.testForge.account('ada', 'admin').caller;
    this.#started = parts.started;
    this.#executors = parts.executors;
  }

  static async open(
    open: (options: TestForgeOptions) => Promise<TestForge>,
    settings: Record<string, unknown> = {},
  ): Promise<ToldLanes> {
    const clock = new SettableClock();
    const testForge = await open({ clock, settings: { ci: { pollSeconds: 3600, ...settings } } });
    const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
    const started: ScriptedLane[] = [];
    const executors: ScriptedExecutor[] = [];
    const maker = ScriptedExecutor.maker(
      (executor) => executors.push(executor),
      (lane) => started.push(lane),
    );
    const ci = await openCi(testForge.forge, maker);
    testForge.defer(() => ci.stop());
    return new ToldLanes({ testForge, repo, ci, clock, started, executors });
  }

  /** Pushes a branch with the lane `unit` and ends it with what its reports told. */
  async push(name: string, tests: ReportedTests, files: Files = {}): Promise<Run> {
    const unit = 'id = "unit"\ncommand = "true"\nreports = ["junit.xml"]';
    const branch = await pushBranch(this.forge, this.repo, {
      name,
      files: { 'test/a.test.ts': 'one\ntwo\nthree\n', ...manifest(unit), ...files },
    });
    await this.ci.scheduler.pass();
    this.end(tests);
    return runOfBranch(this.forge, branch);
  }

  async rerun(run: Run, tests: ReportedTests): Promise<void> {
    await this.startAgain(run);
    this.end(tests);
  }

  /** A new attempt that runs until it is told to end. */
  async startAgain(run: Run): Promise<void> {
    rerunLanes(this.forge, { repo: this.repo, run, caller: this.caller, scope: 'all' });
    await this.ci.scheduler.pass();
  }

  /** The claim that was handed out last. */
  get newest(): ScriptedLane {
    const lane = this.#started.at(-1);
    if (lane === undefined) throw new Error('no lane was started');
    return lane;
  }

  end(tests: ReportedTests, result: Partial<LaneResult> = {}, lane = this.newest): void {
    const hasFailed = tests.tests.some(({ state }) => state === 'failed' || state === 'error');
    const outcome = hasFailed ? { outcome: 'failed', failureKind: 'test_failure' } : { outcome: 'success' };
    this.#executors.at(-1)?.end(lane, { ...(outcome as LaneResult), tests, ...result });
  }
}
