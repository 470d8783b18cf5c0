import { hasEnded, satisfiesGate, type Lane, type RunState } from '../model.ts';

type Judged = Pick<Lane, 'required'> & { attempt: Pick<Lane['attempt'], 'state' | 'skipCause'> };

/**
 * The state of a run, from the newest attempts of its lanes. One failed lane does not finish a run early, and a lane
 * that is not required does not fail it. A run without lanes is a success.
 */
export function runStateOf(lanes: readonly Judged[]): RunState {
  const isUnfinished = lanes.some(({ attempt }) => !hasEnded(attempt.state));
  if (isUnfinished) {
    const isUntouched = lanes.every(
      ({ attempt }) => attempt.state === 'queued' || attempt.state === 'skipped',
    );
    return isUntouched ? 'queued' : 'running';
  }
  const unmet = lanes.filter(({ required, attempt }) => required && !satisfiesGate(attempt));
  if (unmet.length === 0) return 'success';
  // A lane skipped because of a cancelled one is part of the cancelling, not a failure of its own.
  const hasFailed = unmet.some(({ attempt }) => attempt.state === 'failed');
  return hasFailed || !lanes.some(({ attempt }) => attempt.state === 'cancelled') ? 'failed' : 'cancelled';
}
