// What every line of the log says beside its own words: the request, the pass of a loop or the lane that it was written for.
// It follows the work through everything that is awaited, so no function has to hand it on.
import { AsyncLocalStorage } from 'node:async_hooks';

/** Ids alone: nothing that a user wrote. */
export interface LogContext {
  /** Also in the answer's `X-Request-Id`, and in the environment of the gits that the request starts. */
  requestId?: string;
  loop?: string;
  runId?: number;
  laneId?: number;
  attemptId?: number;
}

const current = new AsyncLocalStorage<LogContext>();

/** Runs `body` with this context in the place of the one around it. */
export const withLogContext = <Result>(context: LogContext, body: () => Result): Result =>
  current.run(context, body);

export const logContext = (): LogContext => current.getStore() ?? {};
