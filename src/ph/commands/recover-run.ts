import { recoverView } from '../../ci/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { findRun, orNo, runRoute, type RunOptions } from '../named-run.ts';
import { cleanLine, printJson, stdout } from '../output.ts';

/** Plans a run without lanes again, or queues what failed for another reason than its command. */
export async function recoverRun(given: string | undefined, options: RunOptions): Promise<ExitStatus> {
  const { place, run } = await findRun(given, options);
  const body = { reason: options.reason };
  const answer = await orNo(place.client.post(`${runRoute(place, run)}/recover-run`, body, recoverView));
  const { problem, lanes, number } = answer.run;
  if (options.json) printJson(answer);
  else if (problem !== null) stdout.line(`run ${number} still has no lanes: ${cleanLine(problem)}`);
  else if (answer.planned) stdout.line(`run ${number} has ${count(lanes.length)} now; wait with: ph wait`);
  else {
    const keys = [...answer.queued, ...answer.hastened].map(cleanLine);
    const what = keys.length === 0 ? 'is put right' : `goes on with ${keys.join(', ')}`;
    stdout.line(`run ${number} ${what}; wait with: ph wait`);
  }
  return problem === null ? exitStatus.done : exitStatus.no;
}

const count = (lanes: number): string => `${lanes} lane${lanes === 1 ? '' : 's'}`;
