// What a maintainer does about a lane that hangs: its verdict by hand, or back into the queue.
import { hasEnded, laneOrderView, type LaneView, type RunView } from '../../ci/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { Failure, wrongUse } from '../failure.ts';
import { findRun, orNo, runRoute, type RunOptions } from '../named-run.ts';
import { cleanLine, printJson, stdout } from '../output.ts';

export interface LaneOptions extends RunOptions {
  lane?: string;
}

export const failLane = (given: string | undefined, options: LaneOptions): Promise<ExitStatus> =>
  orderLane('fail-lane', given, options);

export const requeueLane = (given: string | undefined, options: LaneOptions): Promise<ExitStatus> =>
  orderLane('requeue-lane', given, options);

async function orderLane(
  verb: 'fail-lane' | 'requeue-lane',
  given: string | undefined,
  options: LaneOptions,
): Promise<ExitStatus> {
  const { place, run } = await findRun(given, options);
  const lane = options.lane ?? onlyUnfinished(run);
  const body = { lane, reason: options.reason };
  const answer = await orNo(place.client.post(`${runRoute(place, run)}/${verb}`, body, laneOrderView));
  if (options.json) printJson(answer);
  else stdout.line(sentenceOf(verb, answer.run, answer.lane));
  return exitStatus.done;
}

function onlyUnfinished(run: RunView): string {
  const unfinished = run.lanes.filter(({ state }) => !hasEnded(state)).map(({ id }) => id);
  const [only] = unfinished;
  if (only === undefined) {
    throw new Failure(
      exitStatus.no,
      `Every lane of run ${run.number} has ended; rerun one: ph rerun --lane NAME`,
    );
  }
  if (unfinished.length === 1) return only;
  throw wrongUse(`Which lane? Name one with --lane: ${unfinished.map(cleanLine).join(', ')}`);
}

function sentenceOf(verb: 'fail-lane' | 'requeue-lane', run: RunView, key: string): string {
  const lane: LaneView | undefined = run.lanes.find(({ id }) => id === key);
  const name = `${cleanLine(key)} of run ${run.number}`;
  const done = verb === 'fail-lane' ? `${name} is marked failed` : `${name} is in the queue again`;
  return lane?.state === 'cancelling'
    ? `${done} as soon as its programs are gone; wait with: ph wait`
    : `${done}; wait with: ph wait`;
}
