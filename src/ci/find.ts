// What other domains may ask about runs, lanes and attempts.
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import type { Attempt, Lane, Run } from './model.ts';
import {
  findAttemptRow,
  findLaneRow,
  findRunOfAttempt,
  findRunRow,
  listAttemptRows,
  listLaneRows,
  listRunsOfBranch,
} from './store.ts';

export const newestRun = (forge: Forge, branchId: number): Run | undefined =>
  findRunRow(forge.db, { branch_id: branchId });

export const runOf = (
  forge: Forge,
  { branchId, revision }: { branchId: number; revision: number },
): Run | undefined => findRunRow(forge.db, { branch_id: branchId, revision });

/** By the number that people see; numbers count within a repository. */
export const findRun = (forge: Forge, repoId: number, number: number): Run | undefined =>
  findRunRow(forge.db, { repo_id: repoId, number });

export const newestRunOfHead = (forge: Forge, repoId: number, headOid: string): Run | undefined =>
  findRunRow(forge.db, { repo_id: repoId, head_oid: headOid });

/** As `newestRunOfHead`, of runs that pushes and people asked for: what the queue tests or gives up says nothing of a head. */
export const newestBranchRunOfHead = (forge: Forge, repoId: number, headOid: string): Run | undefined =>
  findRunRow(forge.db, { repo_id: repoId, head_oid: headOid, kind: 'branch' });

export function getRun(forge: Forge, id: number): Run {
  const run = findRunRow(forge.db, { id });
  if (run === undefined) throw new ForgeError('not_found', 'There is no such run.');
  return run;
}

/** Newest first. */
export const listRuns = (forge: Forge, { branchId }: { branchId: number }): Run[] =>
  listRunsOfBranch(forge.db, branchId);

export const listLanes = (forge: Forge, runId: number): Lane[] => listLaneRows(forge.db, runId);

export const findLane = (forge: Forge, runId: number, key: string): Lane | undefined =>
  findLaneRow(forge.db, runId, key);

/** Refuses (`not_found`) a lane that the run does not have. */
export function getLane(forge: Forge, run: Pick<Run, 'id' | 'number'>, key: string): Lane {
  const lane = findLane(forge, run.id, key);
  if (lane === undefined) throw new ForgeError('not_found', `Run ${run.number} has no lane "${key}".`);
  return lane;
}

/** Oldest first. */
export const listAttempts = (forge: Forge, laneId: number): Attempt[] => listAttemptRows(forge.db, laneId);

export function getAttempt(forge: Forge, id: number): Attempt {
  const attempt = findAttemptRow(forge.db, id);
  if (attempt === undefined) throw new ForgeError('not_found', 'There is no such attempt.');
  return attempt;
}

/** Refuses (`not_found`) an attempt that does not exist. */
export function runOfAttempt(forge: Forge, attemptId: number): Run {
  const run = findRunOfAttempt(forge.db, attemptId);
  if (run === undefined) throw new ForgeError('not_found', 'There is no such attempt.');
  return run;
}
