// What the end of a lane is called, by what ended it.
import type { LaneResult, StartMessage, StopCause } from './lane-message.ts';
import type { Excess } from './limit-watch.ts';

export type EndCause = StopCause | 'timeout' | 'idle_timeout' | 'excess';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export function resultOfExit({ code, signal }: Exit): LaneResult {
  if (code === 0) return { outcome: 'success', exitCode: 0 };
  const message = code === null ? `ended by ${signal}` : `exit ${code}`;
  return { outcome: 'failed', failureKind: 'test_failure', message, ...codesOf({ code, signal }) };
}

/** `excess` is the limit that the lane passed, when that is the cause. */
export function resultOfCause(
  cause: EndCause,
  { timeoutMs, idleMs }: Pick<StartMessage, 'timeoutMs' | 'idleMs'>,
  excess: Excess | undefined,
): LaneResult {
  switch (cause) {
    case 'timeout':
      return { outcome: 'failed', failureKind: cause, message: `took longer than ${span(timeoutMs)}` };
    case 'idle_timeout':
      return { outcome: 'failed', failureKind: cause, message: `printed nothing for ${span(idleMs)}` };
    case 'excess':
      return { outcome: 'failed', ...excess };
    default:
      return { outcome: 'stopped', cause };
  }
}

export const codesOf = ({ code, signal }: Exit) => ({
  ...(code === null ? {} : { exitCode: code }),
  ...(signal === null ? {} : { signal }),
});

export const unkillable = (count: number): LaneResult => ({
  outcome: 'failed',
  failureKind: 'unkillable',
  message: `${count} of its programs could not be ended`,
});

const span = (milliseconds: number): string =>
  milliseconds < 60_000 ? `${milliseconds / 1000} s` : `${milliseconds / 60_000} min`;
