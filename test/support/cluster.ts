// A forge whose lanes go to a real Slurm of two nodes on this machine. Each lane is a branch of its own with one command.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Caller } from '../../src/accounts/model.ts';
import { systemCaller } from '../../src/accounts/system.ts';
import { createAccount } from '../../src/accounts/create-account.ts';
import { getAttempt, getRun } from '../../src/ci/find.ts';
import { readLog } from '../../src/ci/logs/log.ts';
import { hasEnded, type Lane, type Run } from '../../src/ci/model.ts';
import { cancelRun } from '../../src/ci/recovery/cancel.ts';
import { readConfig, type SettingsOverride } from '../../src/forge/config.ts';
import type { Forge } from '../../src/forge/open.ts';
import { serve, type Served } from '../../src/operator/serve.ts';
import { createRepo } from '../../src/repos/create-repo.ts';
import type { Repo } from '../../src/repos/model.ts';
import { repoPath } from '../../src/repos/path.ts';
import { laneOf, manifest, pushBranch, runOfBranch } from './ci.ts';
import { pushFiles } from './push-files.ts';
import { Slurm, type NodeName } from './slurm.ts';
import { until } from './until.ts';

export interface LaneLimits {
  timeoutSeconds?: number;
  idleSeconds?: number;
  artifacts?: string[];
  /** The branch; default: the lane's own. */
  branch?: string;
}

export class Cluster {
  readonly slurm: Slurm;
  readonly folder: string;
  readonly data: string;
  /** Seen by lanes too. */
  readonly shared: string;
  readonly #settings: SettingsOverride;
  #served: Served | undefined;
  #repo: Repo | undefined;
  #caller: Caller | undefined;

  private constructor(slurm: Slurm, settings: SettingsOverride) {
    this.slurm = slurm;
    this.folder = mkdtempSync(join(tmpdir(), 'pika-cluster-'));
    this.data = join(this.folder, 'data');
    this.shared = join(this.folder, 'shared');
    mkdirSync(this.shared);
    this.#settings = settings;
  }

  /** `cpus` of each of the two nodes; the rest goes over what a test wants. */
  static async open(
    over: { cpus?: number; ci?: SettingsOverride; target?: SettingsOverride } = {},
  ): Promise<Cluster> {
    const slurm = await Slurm.start({ cpus: over.cpus ?? 2 });
    const target = {
      executor: 'slurm',
      concurrency: 8,
      partition: 'lanes',
      memoryMebibytes: 512,
      configFile: slurm.configFile,
      path: process.env['PATH'],
      scratch: slurm.folder,
      sandbox: 'unshare',
      allowUnsandboxed: true,
      ...over.target,
    };
    const settings = {
      ci: {
        concurrency: 4,
        graceSeconds: 1,
        pollSeconds: 1,
        leaseSeconds: 90,
        heartbeatSeconds: 1,
        slurm: { pollSeconds: 1 },
        targets: { cluster: target },
        ...over.ci,
      },
    };
    const cluster = new Cluster(slurm, settings);
    await cluster.startForge(0);
    const { forge } = cluster;
    const caller = systemCaller(forge);
    const owner = createAccount(forge, { name: 'ada', kind: 'person', role: 'admin' });
    cluster.#caller = { ...caller, account: owner };
    cluster.#repo = await createRepo(forge, { owner: 'ada', name: 'app', caller });
    const place = repoPath(forge, cluster.repo.id);
    await pushFiles(forge.git, { repo: place, branch: 'main', files: { 'README.md': 'x' } });
    return cluster;
  }

  get forge(): Forge {
    return this.served.forge;
  }

  get served(): Served {
    if (this.#served === undefined) throw new Error('the forge does not run');
    return this.#served;
  }

  get repo(): Repo {
    if (this.#repo === undefined) throw new Error('there is no repository yet');
    return this.#repo;
  }

  /** On `port`: agents of an earlier start know only that one. */
  async startForge(port: number): Promise<void> {
    const settings = { http: { port }, ssh: { port: 0 }, logLevel: 'silent', ...this.#settings };
    const config = readConfig(this.data, settings, { PATH: process.env['PATH'] });
    this.#served = await serve(config, { welcome: false });
  }

  /** Answers the port it had. */
  async stopForge(): Promise<number> {
    const { port } = this.forge.config.http;
    await this.served.stop();
    this.#served = undefined;
    return port;
  }

  /** Pushes a branch with one lane; answers the lane as soon as there is one. */
  async start(key: string, command: string, limits: LaneLimits = {}): Promise<Lane> {
    const { forge, repo } = this;
    const { timeoutSeconds = 600, idleSeconds = 600, artifacts = [], branch: name = key } = limits;
    const lane = `id = "${key}"\ncommand = ${JSON.stringify(command)}\ntarget = "cluster"\nartifacts = ${JSON.stringify(artifacts)}`;
    const off = forge.events.on('run-created', ({ runId }) => {
      forge.db.run(
        `UPDATE lanes SET timeout_seconds = :timeoutSeconds, idle_seconds = :idleSeconds WHERE run_id = :runId AND key = :key`,
        { timeoutSeconds, idleSeconds, runId, key },
      );
    });
    // What an earlier test wanted to fail would keep the lanes of this one away.
    forge.db.run('DELETE FROM ci_targets');
    const branch = await pushBranch(forge, repo, { name, files: manifest(lane) });
    await until(`${name} has a run`, () => this.#hasRun(branch));
    off();
    return laneOf(forge, runOfBranch(forge, branch), key);
  }

  #hasRun(branch: Parameters<typeof runOfBranch>[1]): boolean {
    try {
      return laneOf(this.forge, runOfBranch(this.forge, branch), branch.name) !== undefined;
    } catch {
      return (
        this.forge.db.get('SELECT 1 FROM runs WHERE head_oid = :head', { head: branch.headOid }) !== undefined
      );
    }
  }

  now({ runId, key }: Lane): Lane {
    return laneOf(this.forge, getRun(this.forge, runId), key);
  }

  runOf({ runId }: Lane): Run {
    return getRun(this.forge, runId);
  }

  /** The lane when it has ended. */
  async end(lane: Lane): Promise<Lane> {
    await until(`${lane.key} has ended`, () => hasEnded(this.now(lane).attempt.state));
    return this.now(lane);
  }

  /** Waits until the lane's program has printed `text`. */
  async printed(lane: Lane, text: string): Promise<Lane> {
    await until(`${lane.key} has printed ${text}`, async () =>
      (await this.log(this.now(lane))).includes(text),
    );
    return this.now(lane);
  }

  async log(lane: Lane): Promise<string> {
    const attempt = getAttempt(this.forge, lane.attempt.id);
    return (await readLog(this.forge, attempt, { from: 0, maxBytes: 1e6 }).catch(() => ({ text: '' }))).text;
  }

  cancel(lane: Lane): void {
    if (this.#caller === undefined) throw new Error('there is nobody yet');
    cancelRun(this.forge, { repo: this.repo, run: this.runOf(lane), caller: this.#caller });
  }

  /** Slurm's numbers for the jobs of a lane, oldest first. */
  jobsOf({ attempt }: Lane): { id: number; jobId: number; node: string | null; ending: string | null }[] {
    return this.forge.db.all(
      'SELECT id, job_id AS jobId, node, ending FROM slurm_jobs WHERE attempt_id = :id ORDER BY id',
      { id: attempt.id },
    );
  }

  artifactsOf({ attempt }: Lane): { path: string; bytes: number }[] {
    return this.forge.db.all('SELECT path, bytes FROM artifacts WHERE attempt_id = :id', { id: attempt.id });
  }

  /** How many attempts of the lane have ended. */
  verdictsOf({ id }: Lane): number {
    const query =
      'SELECT count(*) AS count FROM lane_attempts WHERE lane_id = :id AND finished_at IS NOT NULL';
    return this.forge.db.get<{ count: number }>(query, { id })?.count ?? 0;
  }

  /** The node of the lane's newest job, once the forge knows it. */
  async nodeOf(lane: Lane): Promise<NodeName> {
    await until('the node is known', () => this.jobsOf(lane).at(-1)?.node != null);
    return this.jobsOf(lane).at(-1)?.node as NodeName;
  }

  /** From its next heartbeat on, the lane's claim holds for seconds; what is answered makes leases as long as before. */
  async shortenLease(lane: Lane): Promise<() => void> {
    const { ci } = this.forge.config;
    const usual = ci.leaseSeconds;
    ci.leaseSeconds = 10;
    const left = () => (this.now(lane).attempt.leaseUntil ?? Infinity) - this.forge.clock.now();
    await until('a heartbeat has brought the short lease', () => left() < 11_000);
    return () => void (ci.leaseSeconds = usual);
  }

  /** The program that runs the lane of a job. */
  agentOf(jobId: number): number {
    const commandOf = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    const agent = programsOf(this.slurm, jobId).find((pid) => commandOf(pid).includes('--input-type=module'));
    if (agent === undefined) throw new Error(`job ${jobId} has no agent`);
    return agent;
  }

  /** A job that the forge has not made; answers its number. */
  async sleepAt(comment: string, ...options: string[]): Promise<string> {
    const limits = ['--output=/dev/null', '--chdir=/', '--mem=64'];
    const args = ['--parsable', ...limits, `--comment=${comment}`, ...options];
    return (await this.slurm.ask('sbatch', ...args, '--wrap=sleep 600')).trim();
  }

  /** Waits until neither Slurm nor this machine has anything of the lane's jobs. */
  async gone(lane: Lane): Promise<void> {
    const ids = this.jobsOf(lane).map(({ jobId }) => jobId);
    await until('no program of it lives', () => ids.every((id) => programsOf(this.slurm, id).length === 0));
    const watched = 'SELECT id FROM slurm_jobs WHERE attempt_id = :id AND gone_at IS NULL';
    await until(
      'Slurm has it no more',
      () => this.forge.db.all(watched, { id: lane.attempt.id }).length === 0,
    );
  }

  async dispose(): Promise<void> {
    await this.#served?.stop();
    await this.slurm.stop();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The processes of a job, and of what it started: all of them have Slurm's variables or the agent's mark. */
export function programsOf({ configFile }: Slurm, jobId: number): number[] {
  const isOf = (environment: string) =>
    environment.includes(`SLURM_CONF=${configFile}\0`) && environment.includes(`SLURM_JOB_ID=${jobId}\0`);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return isOf(readFileSync(`/proc/${pid}/environ`, 'latin1'));
      } catch {
        return false;
      }
    })
    .map(Number);
}
