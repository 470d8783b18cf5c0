// Writes down what was decided about a job. Everything about the attempt goes through the same verbs as for a lane of this
// machine: there is one place that ends an attempt, and one that gives a claim back.
import type { Forge } from '../../../forge/open.ts';
import type { FailureKind, QueueReason } from '../../model.ts';
import { reapLane } from '../../recovery/recover.ts';
import { announce, finishAttempt } from '../../scheduler/finish.ts';
import { setReason } from '../../scheduler/queue.ts';
import { noteTarget } from '../../scheduler/target-health.ts';
import { findAttemptRow } from '../../store.ts';
import type { JobStep } from './decide-job.ts';
import { countFruitless, noteGone, releaseJob, type JobEnding, type WatchedJob } from './slurm-job-store.ts';

/** Whether the scheduler has something to do now. */
export async function applyStep(forge: Forge, job: WatchedJob, step: JobStep): Promise<boolean> {
  switch (step.step) {
    case 'explain':
      explainWait(forge, job, step);
      return false;
    case 'release':
      release(forge, job, step);
      return true;
    case 'reap':
      await takeBack(forge, job, step.why);
      return true;
    case 'fail':
      endClaim(forge, job, step);
      return true;
    case 'give up':
      endUnplaced(forge, job, step.message);
      return true;
    case 'gone':
      noteGone(forge.db, { id: job.id, now: forge.clock.now() });
      return false;
    default:
      return false;
  }
}

export function explainWait(
  forge: Forge,
  { attemptId, laneId, runId }: WatchedJob,
  { reason, detail }: { reason: QueueReason; detail: string },
): void {
  const known = findAttemptRow(forge.db, attemptId);
  if (known?.state !== 'queued' || (known.reason === reason && known.reasonDetail === detail)) return;
  setReason(forge.db, { id: attemptId, reason, detail, now: forge.clock.now() });
  announce(forge, [{ attemptId, laneId, runId, state: 'queued' }]);
}

function release(forge: Forge, job: WatchedJob, { ending, why }: { ending: JobEnding; why: string }): void {
  const { id, attemptId } = job;
  if (!releaseJob(forge.db, { id, now: forge.clock.now(), ending })) return;
  if (ending !== 'broken') return;
  forge.log.warn({ attemptId, jobId: job.jobId, why }, 'a Slurm job ended without its lane');
  if (job.state === 'queued' && isGivenUp(forge, attemptId)) endUnclaimed(forge, job, why);
}

const isGivenUp = (forge: Forge, attemptId: number): boolean =>
  countFruitless(forge.db, attemptId) >= forge.config.ci.slurm.maxJobsPerAttempt;

/** No claim was taken, so it counts for the health of the target by itself. */
function endUnclaimed(forge: Forge, { attemptId, laneId, runId }: WatchedJob, why: string): void {
  const end = { state: 'failed', failureKind: 'infrastructure', message: givenUp(forge, why) } as const;
  const alongside = () => noteTarget(forge, laneId, end);
  finishAttempt(forge, { attemptId, laneId, runId, token: undefined }, { ...end, alongside });
}

/** sbatch said no, and would say it again: nothing of it is the fault of the target, and others go on. */
export function endRefused(forge: Forge, job: WatchedJob, words: string): void {
  releaseJob(forge.db, { id: job.id, now: forge.clock.now(), ending: 'refused' });
  endUnplaced(forge, job, `Slurm does not take it: ${words}`);
}

/** As for a target that does not exist, this says nothing of the health of the target. */
function endUnplaced(forge: Forge, { attemptId, laneId, runId }: WatchedJob, message: string): void {
  const end = { state: 'failed', failureKind: 'infrastructure', message } as const;
  finishAttempt(forge, { attemptId, laneId, runId, token: undefined }, end);
}

const givenUp = (forge: Forge, why: string): string =>
  `${forge.config.ci.slurm.maxJobsPerAttempt} jobs ended without a result; the last: ${why}`;

async function takeBack(forge: Forge, job: WatchedJob, why: string): Promise<void> {
  const { attemptId, laneId, runId, state, attemptToken: token } = job;
  releaseJob(forge.db, { id: job.id, now: forge.clock.now(), ending: 'broken' });
  if (state === 'running' && isGivenUp(forge, attemptId)) {
    endClaim(forge, job, { failureKind: 'infrastructure', message: givenUp(forge, why) });
  } else if (state === 'running' || state === 'cancelling') {
    await reapLane(forge, { attemptId, laneId, runId, token, state }, why);
  }
}

function endClaim(
  forge: Forge,
  { id, attemptId, laneId, runId, attemptToken: token }: WatchedJob,
  end: { failureKind: FailureKind; message: string },
): void {
  finishAttempt(forge, { attemptId, laneId, runId, token }, { state: 'failed', ...end });
  releaseJob(forge.db, { id, now: forge.clock.now(), ending: 'over' });
}
