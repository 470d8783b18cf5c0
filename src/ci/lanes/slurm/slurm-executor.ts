// The executor whose lanes run on a cluster of Slurm. It keeps nothing that the tables do not say: the rows of slurm_jobs
// are what was offered, Slurm's queue is what became of it, and one loop brings both together. Slurm retries nothing;
// whether a lane runs again is the forge's decision.
//
// - offer: `sbatch` with the agent's script on stdin; mark of the forge, run and row as its comment, so that a forge that
//   was restarted finds its jobs again, and ends those of its own that it does not know.
// - claim: taken by the agent when it starts (claim-offered.ts); heartbeat, log and result come over HTTP, fenced by it.
// - cancel: the attempt's state first; then the agent is asked (SIGTERM), then the job is ended by `scancel`, and the
//   attempt ends when the agent says, or Slurm shows, that its programs are gone.
// - trouble: a cluster that does not answer, or refuses what the target asks for, takes no lane until it does.
// - a lane whose node is lost waits for the end of its lease, for its agent ends itself before that, and is then offered
//   anew with the node excluded (discard).
//
// Kubernetes fits the same calls. An offer is a Job with `backoffLimit: 0`, `restartPolicy: Never`, its row as a label, the
// script as its command and the credential as a Secret that the Job owns; the limits are `activeDeadlineSeconds` and the
// resources of its one container, the target's constraint a `nodeSelector`, an excluded node a `nodeAffinity` with `NotIn`.
// Cancel is a deletion in the foreground: SIGTERM, `terminationGracePeriodSeconds`, SIGKILL. The queue is a list by label,
// where a Pending pod's `PodScheduled=False` says why a lane waits, and a Failed one's `DeadlineExceeded`, `OOMKilled` or
// `NodeLost` is what decide-job.ts reads. Trouble is a server that does not answer, or a quota that refuses the Job;
// discard is the deletion without waiting for the node.
import { setTimeout as delay } from 'node:timers/promises';
import type { Forge } from '../../../forge/open.ts';
import { Loop, type LoopStatus } from '../../../lib/loop.ts';
import type { QueuedLane } from '../../scheduler/queue.ts';
import type { QueueingExecutor } from '../executor.ts';
import { ClusterTrouble } from './cluster-trouble.ts';
import { JobWatch, type Agents } from './job-watch.ts';
import { findCurrentJob, insertJob, noteGone, releaseJob } from './slurm-job-store.ts';

const discardLookMs = 250;

export class SlurmExecutor implements QueueingExecutor {
  readonly #forge: Forge;
  readonly #watch: JobWatch;
  readonly #trouble: ClusterTrouble;
  readonly #loop: Loop;

  /** `wakeScheduler`: something is to be offered again. */
  constructor(forge: Forge, parts: { agents: Agents; wakeScheduler: () => void }) {
    this.#forge = forge;
    const { pollSeconds } = forge.config.ci.slurm;
    this.#trouble = new ClusterTrouble(forge, parts.wakeScheduler);
    this.#watch = new JobWatch(forge, { ...parts, trouble: this.#trouble });
    this.#loop = new Loop({
      name: 'slurm',
      pollMs: pollSeconds * 1000,
      log: forge.log,
      now: () => forge.clock.now(),
      runOnce: () => this.#watch.pass(),
      disabled: this.#watch.hasTargets() ? undefined : 'no target of the configuration is a cluster',
    });
  }

  takes(target: string): boolean {
    return this.#watch.targetOf(target) !== undefined;
  }

  trouble(target: string): string | undefined {
    return this.#trouble.of(target);
  }

  /** Inside the caller's transaction; the lane is submitted by the next pass. */
  offer({ attemptId, target }: QueuedLane): void {
    insertJob(this.#forge.db, { attemptId, target, now: this.#forge.clock.now() });
    this.#loop.wake();
  }

  cancel(attemptId: number): void {
    if (findCurrentJob(this.#forge.db, attemptId) === undefined) return;
    this.#watch.hurry();
    this.#loop.wake();
  }

  /** Takes the lane's job away from it. Where its lease has run out its agent has ended itself, however its node is. */
  async discard(attemptId: number): Promise<void> {
    const { db, clock } = this.#forge;
    const job = findCurrentJob(db, attemptId);
    if (job === undefined) return;
    const now = clock.now();
    const isLost = job.leaseUntil !== null && job.leaseUntil < now;
    releaseJob(db, { id: job.id, now, ending: isLost ? 'lost' : 'broken' });
    // Nobody looks whether it is gone.
    if (!this.takes(job.target)) return noteGone(db, { id: job.id, now });
    do {
      this.#watch.hurry();
      this.#loop.wake();
      if (isLost) return;
      await delay(discardLookMs);
    } while (this.#watch.isWatched(job.id));
  }

  start(): void {
    this.#loop.start();
  }

  /** Its lanes run on: their agents wait for the forge to come back for as long as their leases last. */
  async stop(): Promise<void> {
    this.#watch.stop();
    await this.#loop.stop();
  }

  status(): LoopStatus {
    return this.#loop.status();
  }
}
