// What a job says of itself in Slurm, for people who look there and for the forge that made it: several forges may use
// one cluster as one user.
import { cookiePrefix } from '../launch.ts';

const beginning = (dataFolder: string): string => `pika-git:${cookiePrefix(dataFolder)}:`;

/** `rowId`: in slurm_jobs. */
export const commentOf = (
  dataFolder: string,
  { runId, attemptId, rowId }: { runId: number; attemptId: number; rowId: number },
): string => `${beginning(dataFolder)}run=${runId}:attempt=${attemptId}:row=${rowId}`;

/** Undefined for a job of somebody else. */
export function rowOfComment(dataFolder: string, comment: string): number | undefined {
  if (!comment.startsWith(beginning(dataFolder))) return undefined;
  const row = /:row=(\d+)$/.exec(comment)?.[1];
  return row === undefined ? undefined : Number(row);
}
