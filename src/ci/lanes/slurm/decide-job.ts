// What is to be done about one job, from what the table has of it and what Slurm says. Pure, so that each case can be
// tested without a cluster. The rule behind all cases: a claim that its agent may still hold ends by its lease and by
// nothing else, and one that Slurm has verifiably ended is taken back at once.
import { hasEnded, type FailureKind, type QueueReason } from '../../model.ts';
import { oldNodeStatus, refusedStatus, unreachableStatus } from './boot-script.ts';
import type { JobEnding, WatchedJob } from './slurm-job-store.ts';
import { explainReason, isHopeless, type SlurmJob } from './slurm-queue.ts';

export type JobStep =
  | { step: 'nothing' }
  /** Says on the queued lane why it waits. */
  | { step: 'explain'; reason: QueueReason; detail: string }
  /** The job is not the attempt's any more, and the attempt is queued again where it is not over. */
  | { step: 'release'; ending: JobEnding; why: string }
  /** The claim's programs are gone, and nobody said how the lane ended. */
  | { step: 'reap'; why: string }
  | { step: 'fail'; failureKind: FailureKind; message: string }
  /** The lane waits for what will not come. */
  | { step: 'give up'; message: string }
  /** Asks the agent to end its lane. */
  | { step: 'ask' }
  /** Has Slurm end the job. */
  | { step: 'end' }
  /** Slurm has it no more. */
  | { step: 'gone' };

export interface JobFacts {
  now: number;
  graceMs: number;
  isPaused: boolean;
  /** How long a lane waits for what no time brings. */
  patienceMs: number;
  /** How long its agent has been asked to end the lane, and how long the job runs; undefined: not at all. */
  askedMs: number | undefined;
  runningMs: number | undefined;
  startMs: number;
}

/** `seen` undefined: Slurm does not know the job. */
export function decideJob(job: WatchedJob, seen: SlurmJob | undefined, facts: JobFacts): JobStep {
  if (job.releasedAt !== null) return decideReleased(job, seen, facts);
  if (hasEnded(job.state)) {
    return { step: 'release', ending: job.token === null ? 'withdrawn' : 'over', why: 'the lane has ended' };
  }
  return job.state === 'queued' ? decideQueued(job, seen, facts) : decideClaimed(job, seen, facts);
}

function decideReleased(
  { ending, releasedAt }: WatchedJob,
  seen: SlurmJob | undefined,
  { now, graceMs }: JobFacts,
): JobStep {
  if (seen === undefined || seen.phase === 'ended') return { step: 'gone' };
  // An agent that told its result ends by itself.
  const isLeaving = ending === 'over' && seen.phase !== 'waiting' && now - (releasedAt ?? 0) < graceMs;
  return isLeaving ? { step: 'nothing' } : { step: 'end' };
}

function decideQueued(job: WatchedJob, seen: SlurmJob | undefined, facts: JobFacts): JobStep {
  if (job.token !== null) return release('broken', 'its claim was given back');
  if (facts.isPaused) return release('withdrawn', 'CI is paused');
  if (seen === undefined) {
    return job.jobId === null
      ? release('refused', 'Slurm did not take it')
      : release('broken', `${nameOf(job)} vanished`);
  }
  // What sbatch refuses is in the queue all the same, as a job that failed and never had a node.
  const isRefused = seen.state === 'FAILED' && seen.node === undefined;
  if (isRefused) return release('refused', `Slurm did not take it: ${explainReason(seen.reason)}`);
  if (seen.phase === 'ended') return release('broken', endOf(seen, ' before the lane began'));
  if ((facts.runningMs ?? 0) > facts.startMs) {
    return release(
      'broken',
      `${nameOf(seen)} runs on ${seen.node ?? 'a node'}, but its agent did not come to the forge`,
    );
  }
  if (seen.phase === 'running') return explain(`${nameOf(seen)} starts on ${seen.node ?? 'a node'}`);
  if (isHopeless(seen.reason)) return decideHopeless(job, seen, facts);
  return explain(`${nameOf(seen)} waits: ${explainReason(seen.reason)}`);
}

/** The operator may yet change the cluster; then it goes on. */
function decideHopeless({ reason, reasonSince }: WatchedJob, seen: SlurmJob, facts: JobFacts): JobStep {
  const why = explainReason(seen.reason);
  const hasWaited = reason === 'unsatisfiable' && facts.now - (reasonSince ?? facts.now) >= facts.patienceMs;
  return hasWaited
    ? { step: 'give up', message: `${nameOf(seen)} waited in vain: ${why}` }
    : { step: 'explain', reason: 'unsatisfiable', detail: `${nameOf(seen)} waits: ${why}` };
}

const release = (ending: JobEnding, why: string): JobStep => ({ step: 'release', ending, why });

const explain = (detail: string): JobStep => ({ step: 'explain', reason: 'waiting_for_capacity', detail });

function decideClaimed(job: WatchedJob, seen: SlurmJob | undefined, facts: JobFacts): JobStep {
  // Slurm lost sight of the agent, which may live: its lease says how long.
  if (seen === undefined || seen.state === 'NODE_FAIL') return { step: 'nothing' };
  if (seen.phase === 'ended') return decideSilentEnd(job, seen);
  if (job.state !== 'cancelling') return { step: 'nothing' };
  if (facts.askedMs === undefined) return { step: 'ask' };
  return facts.askedMs > facts.graceMs ? { step: 'end' } : { step: 'nothing' };
}

/** Slurm has ended the job with all of its programs, and no result came before. */
function decideSilentEnd({ state }: WatchedJob, seen: SlurmJob): JobStep {
  const why = endOf(seen, ' without a result');
  if (state === 'cancelling') return { step: 'reap', why };
  if (seen.state === 'TIMEOUT' || seen.state === 'DEADLINE') {
    return {
      step: 'fail',
      failureKind: 'timeout',
      message: `${endOf(seen)}: it took longer than Slurm's time limit`,
    };
  }
  if (seen.state === 'OUT_OF_MEMORY') {
    const message = `${endOf(seen)}: the lane took more memory than its target gives`;
    return { step: 'fail', failureKind: 'test_failure', message };
  }
  return { step: 'reap', why };
}

const nameOf = ({ jobId }: { jobId: number | null }): string => `Slurm job ${jobId ?? '?'}`;

/** What an operator cannot see, for a job writes nowhere. */
const hints = new Map([
  [refusedStatus, 'its agent was refused'],
  [unreachableStatus, 'the node does not reach the forge at the forgeUrl of the target'],
  [oldNodeStatus, 'Node in the path of the target is older than 20'],
  [127, 'there is no Node in the path of the target'],
]);

function endOf(seen: SlurmJob, when = ''): string {
  const { state, exitCode, node } = seen;
  const where = node === undefined ? '' : ` on ${node}`;
  const exit = exitCode === 0 ? '' : ` with exit ${exitCode}`;
  const hint = hints.get(exitCode);
  return `${nameOf(seen)} ended as ${state}${where}${exit}${when}${hint === undefined ? '' : `: ${hint}`}`;
}
