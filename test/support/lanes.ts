// One forge whose CI runs lanes in a chosen sandbox tier; each lane is a branch of its own with one command.
import { openCi, type Ci } from '../../src/ci/open.ts';
import { getRun } from '../../src/ci/find.ts';
import { readLog } from '../../src/ci/logs/log.ts';
import type { Lane, Run } from '../../src/ci/model.ts';
import { attemptCookie } from '../../src/ci/lanes/launch.ts';
import { findSurvivors, type Survivor } from '../../src/ci/lanes/survivors.ts';
import { cancelRun } from '../../src/ci/recovery/cancel.ts';
import type { Tier } from '../../src/ci/lanes/lane-message.ts';
import type { Caller } from '../../src/accounts/model.ts';
import type { Forge } from '../../src/forge/open.ts';
import type { Repo } from '../../src/repos/model.ts';
import { laneOf, laneReaching, manifest, nextOutput, pushBranch, runOfBranch } from './ci.ts';
import type { Files } from './push-files.ts';
import { openTestForge, type TestForge } from './forge.ts';

interface Limits {
  timeoutSeconds?: number;
  idleSeconds?: number;
  env?: Record<string, string>;
  /** Committed beside the manifest. */
  files?: Files;
}

export class Lanes {
  readonly forge: Forge;
  readonly ci: Ci;
  readonly testForge: TestForge;
  readonly repo: Repo;
  readonly caller: Caller;

  constructor(parts: { testForge: TestForge; ci: Ci; repo: Repo }) {
    this.testForge = parts.testForge;
    this.forge = parts.testForge.forge;
    this.ci = parts.ci;
    this.repo = parts.repo;
    this.caller = parts.testForge.account('ada', 'admin').caller;
  }

  /** Runs a lane to its end. */
  async run(key: string, command: string | string[], limits: Limits = {}): Promise<Lane> {
    const { run } = await this.#push(key, command, limits);
    return laneReaching(this.forge, { run, key });
  }

  /** Starts a lane and resolves when it has printed something. */
  async start(key: string, command: string | string[]): Promise<Lane> {
    const { run, printed } = await this.#push(key, command, {});
    await printed;
    return laneOf(this.forge, run, key);
  }

  async cancel(lane: Lane): Promise<Lane> {
    const run = getRun(this.forge, lane.runId);
    cancelRun(this.forge, { repo: this.repo, run, caller: this.caller });
    await this.ci.scheduler.pass();
    return laneReaching(this.forge, { run, key: lane.key });
  }

  survivorsOf({ attempt }: Lane): Survivor[] {
    const { id: attemptId, token } = attempt;
    return findSurvivors(attemptCookie(this.forge.config.paths.data, { attemptId, token }));
  }

  async log({ attempt }: Lane): Promise<string> {
    return (await readLog(this.forge, attempt, { from: 0, maxBytes: 1e7 })).text;
  }

  async dispose(): Promise<void> {
    await this.testForge.dispose();
  }

  async #push(
    key: string,
    command: string | string[],
    limits: Limits,
  ): Promise<{ run: Run; printed: Promise<unknown> }> {
    const { forge } = this;
    const env = Object.entries(limits.env ?? {}).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
    const lane = `id = "${key}"\ncommand = ${JSON.stringify(command)}\nenv = { ${env.join(', ')} }`;
    const files = { ...limits.files, ...manifest(lane) };
    const branch = await pushBranch(forge, this.repo, { name: key, files });
    let printed: Promise<unknown> = Promise.resolve();
    // Between the run's creation and its claim: listens before the first byte can come, and shortens the limits,
    // which a manifest counts in minutes.
    const off = forge.events.on('run-created', ({ runId, branchId }) => {
      if (branchId !== branch.id) return;
      const { timeoutSeconds = 60, idleSeconds = 60 } = limits;
      forge.db.run(
        'UPDATE lanes SET timeout_seconds = :timeoutSeconds, idle_seconds = :idleSeconds WHERE run_id = :runId',
        {
          timeoutSeconds,
          idleSeconds,
          runId,
        },
      );
      printed = nextOutput(forge, laneOf(forge, runOfBranch(forge, branch), key));
    });
    // Timeouts that an earlier test wanted would keep the lanes of this one away from the machine.
    forge.db.run('DELETE FROM ci_targets');
    await this.ci.scheduler.pass();
    off();
    return { run: runOfBranch(forge, branch), printed };
  }
}

export async function openLanes(tier: Tier): Promise<Lanes> {
  const settings = { ci: { sandbox: tier, concurrency: 4, graceSeconds: 1, pollSeconds: 3600 } };
  const testForge = await openTestForge({ settings });
  const ci = await openCi(testForge.forge);
  testForge.defer(() => ci.stop());
  const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
  return new Lanes({ testForge, ci, repo });
}
