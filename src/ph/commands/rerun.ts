// New attempts of lanes of a branch's newest run, and the end of those that are not wanted any more.
import { cancelView, rerunView, type RunView } from '../../ci/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { Failure, notFound, wrongUse } from '../failure.ts';
import { cleanLine, printJson, stdout } from '../output.ts';
import { findBranch, findPlace, getStatus, repoRoute, type Place, type PlaceOptions } from '../place.ts';

export interface CancelOptions extends PlaceOptions {
  json?: boolean;
  lane?: string;
}

export interface RerunOptions extends CancelOptions {
  failed?: boolean;
}

/** Queues new attempts of one lane, of what failed, or of every lane; the old attempts and their logs stay. */
export async function rerun(given: string | undefined, options: RerunOptions): Promise<ExitStatus> {
  const { lane, failed } = options;
  if (lane !== undefined && failed) throw wrongUse('Give --lane or --failed, not both.');
  const { place, run } = await findRun(given, options);
  const body = lane === undefined ? { failed: failed === true } : { lane };
  const route = `${repoRoute(place)}/runs/${run.number}/rerun`;
  const answer = await orNo(place.client.post(route, body, rerunView));
  if (options.json) printJson(answer);
  else {
    stdout.line(
      `queued again in run ${run.number}: ${answer.queued.map(cleanLine).join(', ')}; wait with: ph wait`,
    );
  }
  return exitStatus.done;
}

/** Ends what is queued or running of the branch's newest run, or one lane of it. */
export async function cancel(given: string | undefined, options: CancelOptions): Promise<ExitStatus> {
  const { place, run } = await findRun(given, options);
  const body = options.lane === undefined ? {} : { lane: options.lane };
  const route = `${repoRoute(place)}/runs/${run.number}/cancel`;
  const answer = await orNo(place.client.post(route, body, cancelView));
  if (options.json) printJson(answer);
  else {
    const lanes = `${answer.cancelled} lane${answer.cancelled === 1 ? '' : 's'}`;
    stdout.line(`cancelled ${lanes} of run ${run.number}; bring them back with: ph rerun --failed`);
  }
  return exitStatus.done;
}

async function findRun(
  given: string | undefined,
  options: PlaceOptions,
): Promise<{ place: Place; run: RunView }> {
  const place = await findPlace(options);
  const { view } = await findBranch(place, given);
  const { run } = await getStatus(place, view.number);
  if (run === null) throw notFound('CI has not started for this branch yet. Wait for it: ph wait');
  return { place, run };
}

// That there is nothing to do is the answer no; nothing has moved.
async function orNo<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof Failure) || error.status !== exitStatus.moved) throw error;
    throw new Failure(exitStatus.no, error.message);
  }
}
