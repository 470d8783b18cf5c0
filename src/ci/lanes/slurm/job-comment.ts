// What a job says of itself in Slurm, for people who look there and for the forge that made it: several forges may use
// one cluster as one user. Whoever sees the queue can write the same, so it is believed of the forge's own user alone.

const beginning = (mark: string): string => `pika-git:${mark}:`;

/** `mark`: of this forge on the cluster; `rowId`: in slurm_jobs. */
export const commentOf = (
  mark: string,
  { runId, attemptId, rowId }: { runId: number; attemptId: number; rowId: number },
): string => `${beginning(mark)}run=${runId}:attempt=${attemptId}:row=${rowId}`;

/** Undefined for a job of somebody else. */
export function rowOfComment(mark: string, comment: string): number | undefined {
  if (!comment.startsWith(beginning(mark))) return undefined;
  const row = /:row=(\d{1,15})$/.exec(comment)?.[1];
  return row === undefined ? undefined : Number(row);
}
