import type { Forge } from '../../forge/open.ts';

/** Calls with the attempt of a lane that runs no more: its claim was lost, or it ended. Answers how to stop that. */
export const whenLaneEnds = (forge: Forge, then: (attemptId: number) => void): (() => void) =>
  forge.events.on('lane-changed', ({ attemptId, state }) => {
    if (state !== 'running' && state !== 'cancelling') then(attemptId);
  });
