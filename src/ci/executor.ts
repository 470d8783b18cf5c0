// The seam between the scheduler and the place where lanes run. The token of a claim is taken before submit.
import type { Log } from '../lib/log.ts';
import type { LaneResult, StartMessage, StopCause, Tier } from './lane-message.ts';

export interface Submission extends Omit<StartMessage, 'type' | 'tier'> {
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
  /** Makes ready what the next lanes need. */
  warm(): void;
  /** Ends a lane that does not answer, without its help; resolves when its programs are gone. */
  discard(attemptId: number): Promise<void>;
  /** Ends every lane with `requeue`; resolves when nothing of them is left. */
  stop(): Promise<void>;
}

/** Makes the executor of a forge; `tier` is the sandbox that was probed. */
export type MakeExecutor = (parts: { tier: Tier; reports: Reports; log: Log }) => Executor;
