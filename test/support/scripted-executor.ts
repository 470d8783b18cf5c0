// An executor whose lanes run nothing: a test says when each of them prints, beats or ends, also those that the
// forge has given up, as threads do that come to life again too late.
import type { Executor, LaneRef, MakeExecutor, Reports, Submission } from '../../src/ci/lanes/executor.ts';
import type { LaneResult, StopCause } from '../../src/ci/lanes/lane-message.ts';

/** A lane that was submitted once; it can report for ever. */
export interface ScriptedLane {
  submission: Submission;
  ref: LaneRef;
  /** What the forge asked it to end for. */
  asked: StopCause | undefined;
  reports: Reports;
}

export class ScriptedExecutor implements Executor {
  readonly #reports: Reports;
  readonly #held = new Map<number, ScriptedLane>();
  readonly #submitted: (lane: ScriptedLane) => void;

  constructor(reports: Reports, submitted: (lane: ScriptedLane) => void) {
    this.#reports = reports;
    this.#submitted = submitted;
  }

  /** For `openCi`: every executor it makes calls `submitted` for every lane. */
  static maker(
    made: (executor: ScriptedExecutor) => void,
    submitted: (lane: ScriptedLane) => void,
  ): MakeExecutor {
    return ({ reports }) => {
      const executor = new ScriptedExecutor(reports, submitted);
      made(executor);
      return executor;
    };
  }

  submit(submission: Submission): void {
    const { attemptId, laneId, runId, token } = submission;
    if (this.#held.has(attemptId)) throw new Error(`attempt ${attemptId} was submitted while it is held`);
    const ref = { attemptId, laneId, runId, token };
    const lane: ScriptedLane = { submission, ref, asked: undefined, reports: this.#reports };
    this.#held.set(attemptId, lane);
    this.#submitted(lane);
  }

  holds(lane: ScriptedLane): boolean {
    return this.#held.get(lane.ref.attemptId) === lane;
  }

  /** The lane ends and says so, held or not. */
  end(lane: ScriptedLane, result: LaneResult): void {
    if (this.holds(lane)) this.#held.delete(lane.ref.attemptId);
    lane.reports.finished(lane.ref, 10, result);
  }

  cancel(attemptId: number, cause: StopCause): void {
    const lane = this.#held.get(attemptId);
    if (lane !== undefined) lane.asked ??= cause;
  }

  /** Nothing of its lanes ever stays. */
  held(): [] {
    return [];
  }

  probe(attemptId: number): 'running' | 'gone' {
    return this.#held.has(attemptId) ? 'running' : 'gone';
  }

  list(): LaneRef[] {
    return this.heldLanes().map(({ ref }) => ref);
  }

  heldLanes(): ScriptedLane[] {
    return [...this.#held.values()];
  }

  warm(): void {
    // Nothing is needed.
  }

  discard(attemptId: number): Promise<void> {
    this.#held.delete(attemptId);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    for (const lane of this.heldLanes()) this.end(lane, { outcome: 'stopped', cause: 'requeue' });
    return Promise.resolve();
  }
}
