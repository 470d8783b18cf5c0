// The seam between the scheduler and the places where lanes run. The token of a claim grows with every claim; whoever
// reports with an older one has lost it, and nothing of that report is kept.
//
// An `Executor` starts a lane at once: `local` runs each in a thread of this machine, and the claim is taken before
// submit. A `QueueingExecutor` has a queue of its own: a lane is offered to it and stays queued, and the claim is taken by
// its agent when it starts there (slurm/slurm-executor.ts says how Slurm, and how Kubernetes, fits each call).
// Heartbeat, output and finished then come over HTTP with the token, and logs, artifacts, reports and caches as uploads
// that are put down where `local` puts them.
import type { Log } from '../../lib/log.ts';
import type { Bounds, LaneResult, StartMessage, StopCause, Tier } from './lane-message.ts';
import type { QueuedLane } from '../scheduler/queue.ts';
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

/** What a lane may take elsewhere beside its own time: to bring its commit and its caches, and to send what it leaves. */
export const awayMinutes = 15;

/** A place that takes lanes before they have a claim. Its lanes outlive this process; their agents hold their claims. */
export interface QueueingExecutor {
  takes(target: string): boolean;
  /** Why a target takes no lane for now. */
  trouble(target: string): string | undefined;
  /** Inside the caller's transaction. Until its agent takes the claim, the lane holds its place while it is queued. */
  offer(lane: QueuedLane): void;
  /** Ends a lane that is marked to be ended; safe to repeat. */
  cancel(attemptId: number): void;
  /** Takes a lane's place there from it; resolves when its programs are gone, or its agent must have ended them. */
  discard(attemptId: number): Promise<void>;
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
