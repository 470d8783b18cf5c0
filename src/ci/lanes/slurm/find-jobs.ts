// Which of the jobs in Slurm's queue are this forge's, and to which rows they belong. A comment alone proves nothing, for
// others see it in the queue and may write the same on jobs of their own: a job counts when the forge's user has it, and
// of a row that knows its number, no other number does.
import { rowOfComment } from './job-comment.ts';
import type { WatchedJob } from './slurm-job-store.ts';
import type { SlurmJob } from './slurm-queue.ts';

export interface FoundJobs {
  ofRow: Map<number, SlurmJob>;
  /** What bears the mark of the forge and is no row's. */
  others: SlurmJob[];
}

/** `own`: the forge's mark on the cluster, and its user there; undefined where there are no such numbers. */
export function findJobs(
  queue: readonly SlurmJob[],
  own: { mark: string; userId: number | undefined; rows: readonly Pick<WatchedJob, 'id' | 'jobId'>[] },
): FoundJobs {
  const numbers = new Map(own.rows.map(({ id, jobId }) => [id, jobId]));
  const found: FoundJobs = { ofRow: new Map(), others: [] };
  // What lives comes first, and then the oldest: what sbatch refuses stays in the queue as a job that has failed.
  const isOver = ({ phase }: SlurmJob): number => (phase === 'ended' ? 1 : 0);
  for (const job of queue.toSorted((a, b) => isOver(a) - isOver(b) || a.jobId - b.jobId)) {
    const rowId = rowOfComment(own.mark, job.comment);
    if (rowId === undefined || !isOwn(job, own.userId)) continue;
    const number = numbers.get(rowId);
    const isOfRow = number === job.jobId || (number === null && !found.ofRow.has(rowId));
    if (isOfRow) found.ofRow.set(rowId, job);
    else found.others.push(job);
  }
  return found;
}

const isOwn = (job: SlurmJob, userId: number | undefined): boolean =>
  job.userId === undefined || userId === undefined || job.userId === userId;
