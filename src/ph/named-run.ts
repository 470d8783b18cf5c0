// The run that a command is about: the newest of a branch, or the one of a number.
import { runView, type RunView } from '../ci/model.ts';
import { exitStatus } from '../lib/statuses.ts';
import { Failure, notFound, wrongUse } from './failure.ts';
import { findBranch, findPlace, getStatus, repoRoute, type Place, type PlaceOptions } from './place.ts';

export interface RunOptions extends PlaceOptions {
  /** The number of a run, in place of the newest of a branch. */
  run?: string;
  reason?: string;
  json?: boolean;
}

export async function findRun(
  given: string | undefined,
  options: RunOptions,
): Promise<{ place: Place; run: RunView }> {
  if (options.run !== undefined && given !== undefined) throw wrongUse('Give a branch or --run, not both.');
  const place = await findPlace(options);
  if (options.run !== undefined) {
    if (!/^[1-9]\d{0,8}$/.test(options.run))
      throw wrongUse(`"${options.run}" is no number of a run; write --run 12`);
    return {
      place,
      run: await place.client.get(`${repoRoute(place)}/runs/${options.run}`, { answer: runView }),
    };
  }
  const { view } = await findBranch(place, given);
  const { run } = await getStatus(place, view.number);
  if (run === null) throw notFound('CI has not started for this branch yet. Wait for it: ph wait');
  return { place, run };
}

export const runRoute = (place: Place, run: RunView): string => `${repoRoute(place)}/runs/${run.number}`;

/** That there is nothing to do is the answer no; nothing has moved. */
export async function orNo<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof Failure) || error.status !== exitStatus.moved) throw error;
    throw new Failure(exitStatus.no, error.message);
  }
}
