// New attempts of lanes of a run, and the end of those that are not wanted any more.
import { cancelView, rerunView, runAgainView } from '../../ci/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { wrongUse } from '../failure.ts';
import { findRun, orNo, runRoute, type RunOptions } from '../named-run.ts';
import { cleanLine, printJson, stdout } from '../output.ts';
import { shortOid } from '../verdict.ts';

export interface CancelOptions extends RunOptions {
  lane?: string;
  force?: boolean;
}

export interface RerunOptions extends RunOptions {
  lane?: string;
  failed?: boolean;
  tip?: boolean;
}

/** Queues new attempts of one lane, of what failed, or of every lane; the old attempts and their logs stay. */
export async function rerun(given: string | undefined, options: RerunOptions): Promise<ExitStatus> {
  const { lane, failed, tip } = options;
  if (lane !== undefined && failed) throw wrongUse('Give --lane or --failed, not both.');
  if (tip && (lane !== undefined || failed))
    throw wrongUse('--tip runs every lane; leave --lane and --failed out.');
  if (tip) return runAtTip(given, options);
  const { place, run } = await findRun(given, options);
  const scope = lane === undefined ? { failed: failed === true } : { lane };
  const answer = await orNo(
    place.client.post(`${runRoute(place, run)}/rerun`, { ...scope, reason: options.reason }, rerunView),
  );
  if (options.json) printJson(answer);
  else {
    stdout.line(
      `queued again in run ${run.number}: ${answer.queued.map(cleanLine).join(', ')}; wait with: ph wait`,
    );
  }
  return exitStatus.done;
}

async function runAtTip(given: string | undefined, options: RerunOptions): Promise<ExitStatus> {
  const { place, run } = await findRun(given, options);
  const body = { reason: options.reason };
  const answer = await orNo(place.client.post(`${runRoute(place, run)}/run-again`, body, runAgainView));
  if (options.json) printJson(answer);
  else {
    const { number, head } = answer.run;
    stdout.line(`run ${number} goes on at ${shortOid(head)}; wait with: ph wait`);
  }
  return exitStatus.done;
}

/** Ends what is queued or running of the branch's newest run, or one lane of it. */
export async function cancel(given: string | undefined, options: CancelOptions): Promise<ExitStatus> {
  const { place, run } = await findRun(given, options);
  const { lane, force, reason } = options;
  const answer = await orNo(
    place.client.post(`${runRoute(place, run)}/cancel`, { lane, force, reason }, cancelView),
  );
  if (options.json) printJson(answer);
  else {
    const lanes = `${answer.cancelled} lane${answer.cancelled === 1 ? '' : 's'}`;
    stdout.line(`cancelled ${lanes} of run ${run.number}; bring them back with: ph rerun --failed`);
  }
  return exitStatus.done;
}
