// A forge with a settable clock whose lanes are claimed and ended by hand, so that every rule of the queue can be staged.
import { claimLanes, type Claim, type ClaimOrder } from '../../src/ci/scheduler/claim.ts';
import { createMissingRuns } from '../../src/ci/scheduler/create-run.ts';
import { getRun, listAttempts, listLanes } from '../../src/ci/find.ts';
import { finishAttempt, type Ending } from '../../src/ci/scheduler/finish.ts';
import type { Attempt, Lane, Run } from '../../src/ci/model.ts';
import { rerunLanes } from '../../src/ci/recovery/rerun.ts';
import type { Caller } from '../../src/accounts/model.ts';
import type { SettingsOverride } from '../../src/forge/config.ts';
import type { Forge } from '../../src/forge/open.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import type { Repo } from '../../src/repos/model.ts';
import { manifest, pushBranch, runOfBranch } from './ci.ts';
import type { TestForge, TestForgeOptions } from './forge.ts';

const order: ClaimOrder = { owner: 'test', sandbox: 'none', unsatisfiable: undefined };

export const laneText = (id: string, more = ''): string => `id = "${id}"\ncommand = "true"\n${more}`;

export class StagedQueue {
  readonly testForge: TestForge;
  readonly clock: SettableClock;
  readonly repo: Repo;
  readonly caller: Caller;

  private constructor(parts: { testForge: TestForge; clock: SettableClock; repo: Repo; caller: Caller }) {
    this.testForge = parts.testForge;
    this.clock = parts.clock;
    this.repo = parts.repo;
    this.caller = parts.caller;
  }

  /** `ci` holds settings as they stand below [ci]; without any, five lanes run at once. */
  static async open(
    openForge: (options: TestForgeOptions) => Promise<TestForge>,
    ci: SettingsOverride = {},
  ): Promise<StagedQueue> {
    const clock = new SettableClock();
    const testForge = await openForge({ clock, settings: { ci: { concurrency: 5, ...ci } } });
    const { caller } = testForge.account('ada', 'admin');
    const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
    return new StagedQueue({ testForge, clock, repo, caller });
  }

  get forge(): Forge {
    return this.testForge.forge;
  }

  /** A new head with these lanes, and its run. */
  async push(name: string, lanes: string[], repo = this.repo): Promise<Run> {
    const branch = await pushBranch(this.forge, repo, { name, files: manifest(...lanes) });
    await createMissingRuns(this.forge);
    return runOfBranch(this.forge, branch);
  }

  claim(): Claim[] {
    return claimLanes(this.forge, order);
  }

  /** Claims what may run; the claim of the lane of that key. */
  start(key: string, run?: Run): Claim {
    const claims = this.claim();
    const claim = claims.find(
      (one) => this.#keyOf(one) === key && (run === undefined || one.runId === run.id),
    );
    if (claim === undefined) {
      throw new Error(`${key} was not claimed, but ${claims.map((one) => this.#keyOf(one)).join(', ')}`);
    }
    return claim;
  }

  end(claim: Claim, ending: Ending): void {
    if (!finishAttempt(this.forge, claim, ending)) throw new Error('the claim did not stand');
  }

  /** Starts the lane and lets it fail for a reason that is not its tests. */
  fail(key: string, failureKind: 'infrastructure' | 'timeout' | 'test_failure' | 'idle_timeout'): void {
    this.end(this.start(key), { state: 'failed', failureKind, message: `ended by ${failureKind}` });
  }

  /** Queues every lane of the run again that failed. */
  rerun(run: Run): void {
    rerunLanes(this.forge, {
      repo: this.repo,
      run: getRun(this.forge, run.id),
      caller: this.caller,
      scope: 'failed',
    });
  }

  lane(run: Run, key: string): Lane {
    const lane = listLanes(this.forge, run.id).find((one) => one.key === key);
    if (lane === undefined) throw new Error(`run ${run.number} has no lane ${key}`);
    return lane;
  }

  attempts(run: Run, key: string): Attempt[] {
    return listAttempts(this.forge, this.lane(run, key).id);
  }

  stateOf(run: Run): string {
    return getRun(this.forge, run.id).state;
  }

  /** `unit queued ready`, one for each lane of the run. */
  states(run: Run): string[] {
    return listLanes(this.forge, run.id).map(({ key, attempt }) =>
      `${key} ${attempt.state} ${attempt.reason ?? ''}`.trim(),
    );
  }

  #keyOf({ laneId, runId }: Claim): string {
    return listLanes(this.forge, runId).find(({ id }) => id === laneId)?.key ?? '';
  }
}
