// The seam between the scheduler and the place where lanes run. The token of a claim is taken before submit, and grows
// with every claim; whoever reports with an older one has lost it, and nothing of that report is kept.
//
// `local` runs each lane in a thread of this machine. The seam is made so that lanes can go to a scheduler that exists
// already, once one machine is outgrown:
// - Slurm: submit is `sbatch` with the submission as a file, the cookie as its comment and the limits as `--time` and
//   `--mem`; cancel is `scancel`; list and probe are `squeue` and `sacct` by comment, so that a forge that was restarted
//   finds its lanes again. The program that Slurm starts is what lane-thread.ts is here: it takes the token with a first
//   heartbeat when it starts and not when it was queued, so that a lane which waited too long ends as lost.
// - Kubernetes: submit makes a Job with `backoffLimit: 0` (another try is the forge's decision), `activeDeadlineSeconds`,
//   and a NetworkPolicy where the lane wants no network; cancel deletes it in the foreground; list and probe go by label.
// Either way heartbeat, output and finished come over HTTP with the token, and logs, artifacts, reports and caches as
// uploads that are put down where this executor puts them.
import type { Log } from '../../lib/log.ts';
import type { Bounds, LaneResult, StartMessage, StopCause, Tier } from './lane-message.ts';
import type { HeldPlace } from './quarantine.ts';

export interface Submission extends Omit<StartMessage, 'type' | 'tier' | 'bounds'> {
  laneId: number;
  runId: number;
}

export type LaneRef = Pick<Submission, 'attemptId' | 'laneId' | 'runId' | 'token'>;

/** What an executor tells the forge; each is fenced by the token in `lane`. */
export interface Reports {
  /** Answers whether the claim still stands; when not, the executor ends the lane as `lost`. */
  heartbeat(lane: LaneRef, logBytes: number): boolean;
  output(lane: LaneRef, logBytes: number): void;
  finished(lane: LaneRef, logBytes: number, result: LaneResult): void;
}

export interface Executor {
  submit(submission: Submission): void;
  /** Ends a lane; safe to repeat. Its end is told by `finished`. */
  cancel(attemptId: number, cause: StopCause): void;
  probe(attemptId: number): 'running' | 'gone';
  list(): LaneRef[];
  /** Places that cannot be given away, because programs of a lane that has ended could not be ended. */
  held(): HeldPlace[];
  /** Makes ready what the next lanes need. */
  warm(): void;
  /** Ends a lane that does not answer, without its help; resolves when its programs are gone. */
  discard(attemptId: number): Promise<void>;
  /** Ends every lane with `requeue`; resolves when nothing of them is left. */
  stop(): Promise<void>;
}

/** Makes the executor of a forge; `tier` is the sandbox that was probed. */
export type MakeExecutor = (parts: ExecutorParts) => Executor;

export interface ExecutorParts {
  tier: Tier;
  bounds: Bounds;
  reports: Reports;
  log: Log;
  /** Of an earlier forge, what could not be ended at the start. */
  left: readonly { attemptId: number; cookie: string }[];
}
