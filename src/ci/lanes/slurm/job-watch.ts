// One pass over the jobs of all clusters: submits what was offered, asks each cluster once for its queue, and brings the
// rows and the queue together. A cluster that does not answer changes nothing but the words on the lanes that wait.
import { readClusterMark } from '../../../forge/cluster-mark.ts';
import type { Forge } from '../../../forge/open.ts';
import { publicOrigin } from '../../../forge/open.ts';
import type { SlurmTarget } from '../../../forge/slurm-settings.ts';
import { ForgeError, errorMessage } from '../../../lib/errors.ts';
import { pauseOf } from '../../scheduler/claim.ts';
import { getLaunchRow } from '../../scheduler/queue.ts';
import { applyStep, endRefused, explainWait } from './apply-step.ts';
import type { ClusterTrouble } from './cluster-trouble.ts';
import { decideJob, type JobFacts } from './decide-job.ts';
import { findJobs, type FoundJobs } from './find-jobs.ts';
import { commentOf } from './job-comment.ts';
import { runSlurm, type Cluster } from './run-slurm.ts';
import {
  findJob,
  forgetJobs,
  listLostNodes,
  listWatched,
  noteGone,
  noteNode,
  noteSubmitted,
  releaseJob,
  type WatchedJob,
} from './slurm-job-store.ts';
import { readQueue, type SlurmJob } from './slurm-queue.ts';
import { isAboutLane, submitJob } from './submit-job.ts';

/** What starts lanes away from the forge; given, because it stands above this folder. */
export interface Agents {
  issueCredential(attemptId: number): string;
  revokeCredential(attemptId: number): void;
  program(): Promise<{ sha256: string }>;
}

interface Parts {
  agents: Agents;
  trouble: ClusterTrouble;
  wakeScheduler: () => void;
}

/** The targets that share one cluster. */
interface Group {
  cluster: Cluster;
  targets: Set<string>;
}

const submittedAtOnce = 4;
const strayLookMs = 10 * 60_000;
const hour = 60 * 60 * 1000;

export class JobWatch {
  readonly #forge: Forge;
  readonly #parts: Parts;
  /** Rows that sbatch was asked for by this process or, for all that is known, by the one before. */
  readonly #tried: Set<number>;
  readonly #askedAt = new Map<number, number>();
  readonly #runsSince = new Map<number, number>();
  readonly #lookedAt = new Map<string, number>();
  readonly #stopping = new AbortController();
  #isUrgent = true;

  constructor(forge: Forge, parts: Parts) {
    this.#forge = forge;
    this.#parts = parts;
    this.#withdrawHomeless();
    this.#tried = new Set(listWatched(forge.db).map(({ id }) => id));
  }

  hasTargets(): boolean {
    return this.#groups().length > 0;
  }

  targetOf(name: string): SlurmTarget | undefined {
    const target = this.#forge.config.ci.targets[name];
    return target?.executor === 'slurm' ? target : undefined;
  }

  isWatched(id: number): boolean {
    return listWatched(this.#forge.db).some((job) => job.id === id);
  }

  /** The next pass asks Slurm although it did so a moment ago. */
  hurry(): void {
    this.#isUrgent = true;
  }

  /** Whatever Slurm is being asked, the forge does not wait for its answer any more. */
  stop(): void {
    this.#stopping.abort();
  }

  async pass(): Promise<void> {
    const isUrgent = this.#isUrgent;
    this.#isUrgent = false;
    await this.#submitOffered();
    for (const group of this.#groups()) if (isUrgent || this.#isDue(group)) await this.#follow(group);
    // So that the loop is seen to fail, with Slurm's words.
    const silence = this.#parts.trouble.silence();
    if (silence !== undefined) throw new ForgeError('unavailable', silence);
  }

  #groups(): Group[] {
    const { searchPath, ci } = this.#forge.config;
    const groups = new Map<string, Group>();
    for (const name of Object.keys(ci.targets)) {
      const target = this.targetOf(name);
      if (target === undefined) continue;
      const { configFile } = target;
      const timeoutMs = ci.slurm.commandSeconds * 1000;
      const { signal } = this.#stopping;
      const cluster = { configFile, searchPath, timeoutMs, maxBytes: ci.slurm.maxAnswerBytes, signal };
      const key = configFile ?? '';
      groups.set(key, { cluster, targets: (groups.get(key)?.targets ?? new Set<string>()).add(name) });
    }
    return [...groups.values()];
  }

  #clusterOf(target: string): Cluster | undefined {
    return this.#groups().find(({ targets }) => targets.has(target))?.cluster;
  }

  /** Of targets that the configuration no longer has: nobody asks their cluster any more, and their lanes are no one's. */
  #withdrawHomeless(): void {
    const { db, clock } = this.#forge;
    for (const { id, attemptId, target, state, releasedAt } of listWatched(db)) {
      const isHeld = releasedAt === null && (state === 'running' || state === 'cancelling');
      if (isHeld || this.targetOf(target) !== undefined) continue;
      releaseJob(db, { id, now: clock.now(), ending: 'withdrawn' });
      noteGone(db, { id, now: clock.now() });
      this.#parts.agents.revokeCredential(attemptId);
    }
  }

  async #submitOffered(): Promise<void> {
    const offered = listWatched(this.#forge.db).filter(
      (job) => job.jobId === null && job.releasedAt === null && !this.#tried.has(job.id),
    );
    const next = async (): Promise<void> => {
      for (let job = offered.shift(); job !== undefined; job = offered.shift()) await this.#submit(job);
    };
    await Promise.all(Array.from({ length: submittedAtOnce }, next));
  }

  /** What sbatch says when it fails may hide a job that Slurm has all the same: only its queue says that there is none. */
  async #submit({ id, attemptId, target: name }: WatchedJob): Promise<void> {
    const { db, clock } = this.#forge;
    const { trouble } = this.#parts;
    const cluster = this.#clusterOf(name);
    const job = findJob(db, id);
    if (job === undefined || cluster === undefined || job.state !== 'queued') {
      releaseJob(db, { id, now: clock.now(), ending: 'withdrawn' });
      noteGone(db, { id, now: clock.now() });
      return;
    }
    const words = trouble.of(name);
    if (words !== undefined)
      return explainWait(this.#forge, job, { reason: 'target_unhealthy', detail: words });
    this.#tried.add(id);
    try {
      const jobId = await submitJob(cluster, await this.#orderOf(job));
      noteSubmitted(db, { id, jobId });
      trouble.took(name);
      const detail = `Slurm job ${jobId} was submitted`;
      explainWait(this.#forge, job, { reason: 'waiting_for_capacity', detail });
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.#isUrgent = true;
      const said = errorMessage(error);
      if (isSilence(said)) trouble.silent(name, said);
      else if (isAboutLane(said)) endRefused(this.#forge, job, said);
      else trouble.refused(name, said);
    }
    this.#forge.log.debug({ attemptId }, 'a lane was offered to Slurm');
  }

  async #orderOf({ id, attemptId, target: name }: WatchedJob) {
    const { db, config, clock } = this.#forge;
    const row = getLaunchRow(db, attemptId);
    const target = this.targetOf(name);
    if (row === undefined || target === undefined) throw new Error(`there is no attempt ${attemptId}`);
    const { sha256 } = await this.#parts.agents.program();
    const { path, scratch, sandbox, allowUnsandboxed } = target;
    const since = clock.now() - config.ci.slurm.excludeHours * hour;
    return {
      comment: commentOf(readClusterMark(config), { runId: row.runId, attemptId, rowId: id }),
      name: row.key,
      timeoutSeconds: row.timeoutSeconds,
      target,
      excluded: listLostNodes(db, { attemptId, since }),
      boot: {
        url: target.forgeUrl ?? publicOrigin(config),
        credential: this.#parts.agents.issueCredential(attemptId),
        sha256,
        path,
        scratch,
        sandbox,
        allowUnsandboxed,
      },
    };
  }

  #isDue({ targets }: Group): boolean {
    const sinceLook =
      performance.now() - Math.max(...[...targets].map((name) => this.#lookedAt.get(name) ?? -Infinity));
    const isSilent = [...targets].some((name) => this.#parts.trouble.isSilent(name));
    const hasJobs = listWatched(this.#forge.db).some(({ target }) => targets.has(target));
    // Passes that only submit come often; Slurm is not asked for its whole queue by each of them.
    const pollMs = this.#forge.config.ci.slurm.pollSeconds * 1000;
    return sinceLook > (hasJobs || isSilent ? pollMs / 2 : strayLookMs);
  }

  async #follow({ cluster, targets }: Group): Promise<void> {
    const { db, clock, config } = this.#forge;
    // Before Slurm is asked: what is submitted meanwhile may be missing in its answer.
    const jobs = listWatched(db).filter(
      ({ target, id, jobId }) => targets.has(target) && (jobId !== null || this.#tried.has(id)),
    );
    const seen = await this.#look(cluster, targets);
    if (seen === undefined) return;
    const toEnd: number[] = [];
    for (const { id } of jobs) {
      const job = this.#identify(id, seen.ofRow);
      if (job !== undefined) await this.#bringTogether(job, { seen: seen.ofRow.get(id), cluster, toEnd });
    }
    for (const { jobId, phase } of seen.others) if (phase !== 'ended') toEnd.push(jobId);
    if (toEnd.length > 0) await this.#cancel(cluster, toEnd);
    forgetJobs(db, clock.now() - config.ci.slurm.keepDays * 24 * hour);
  }

  /** Undefined when Slurm did not answer. */
  async #look(cluster: Cluster, targets: Set<string>): Promise<FoundJobs | undefined> {
    const { trouble } = this.#parts;
    try {
      const args = ['--json', '--me', '--states=all'];
      const queue = readQueue(await runSlurm(cluster, 'squeue', { args }));
      const mark = readClusterMark(this.#forge.config);
      for (const name of targets) {
        this.#lookedAt.set(name, performance.now());
        trouble.answers(name);
      }
      return findJobs(queue, { mark, userId: process.getuid?.(), rows: listWatched(this.#forge.db) });
    } catch (error) {
      if (this.#stopping.signal.aborted) return undefined;
      for (const name of targets) trouble.silent(name, errorMessage(error));
      return undefined;
    }
  }

  /** The row as it is now, with what the queue says of its number and its node. */
  #identify(id: number, seen: ReadonlyMap<number, SlurmJob>): WatchedJob | undefined {
    const { db } = this.#forge;
    const found = seen.get(id);
    if (found !== undefined) noteSubmitted(db, { id, jobId: found.jobId });
    if (found?.node !== undefined) noteNode(db, { id, node: found.node });
    if (found?.phase === 'running' && !this.#runsSince.has(id)) this.#runsSince.set(id, performance.now());
    return findJob(db, id);
  }

  async #bringTogether(
    job: WatchedJob,
    { seen, cluster, toEnd }: { seen: SlurmJob | undefined; cluster: Cluster; toEnd: number[] },
  ): Promise<void> {
    const step = decideJob(job, seen, this.#factsOf(job));
    if (step.step === 'ask' && seen !== undefined) {
      this.#askedAt.set(job.id, performance.now());
      await this.#cancel(cluster, [seen.jobId], '--signal=TERM', '--batch');
    } else if (step.step === 'end' && seen !== undefined) toEnd.push(seen.jobId);
    if (step.step === 'gone') this.#forget(job.id);
    if (step.step === 'release') this.#parts.agents.revokeCredential(job.attemptId);
    if (await applyStep(this.#forge, job, step)) this.#parts.wakeScheduler();
  }

  #factsOf({ id }: WatchedJob): JobFacts {
    const { clock, config } = this.#forge;
    const since = (at: number | undefined) => (at === undefined ? undefined : performance.now() - at);
    return {
      now: clock.now(),
      // The agent has the grace for the lane's programs, and as much again for its own words.
      graceMs: config.ci.graceSeconds * 2000,
      isPaused: pauseOf(this.#forge) !== undefined,
      askedMs: since(this.#askedAt.get(id)),
      runningMs: since(this.#runsSince.get(id)),
      startMs: config.ci.slurm.startSeconds * 1000,
      patienceMs: config.ci.unsatisfiableMinutes * 60_000,
    };
  }

  #forget(id: number): void {
    this.#tried.delete(id);
    this.#askedAt.delete(id);
    this.#runsSince.delete(id);
  }

  /** A job that has ended meanwhile is no mistake, and what could not be ended is seen by the next pass. */
  async #cancel(cluster: Cluster, jobIds: readonly number[], ...options: string[]): Promise<void> {
    try {
      await runSlurm(cluster, 'scancel', { args: [...options, ...jobIds.map(String)] });
    } catch (error) {
      this.#forge.log.warn({ err: error, jobIds }, 'scancel failed');
    }
  }
}

/** Whether sbatch could not ask, in place of having been refused. */
const isSilence = (words: string): boolean =>
  /contact slurm controller|connect failure|socket timed out|zero bytes|did not answer|communication/i.test(
    words,
  );
