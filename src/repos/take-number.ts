import type { Forge } from '../forge/open.ts';
import { takeNumber } from './store.ts';

/** The next number for a branch of the repository; call it in the transaction that inserts the branch. */
export const takeBranchNumber = (forge: Forge, repoId: number): number =>
  takeNumber(forge.db, repoId, 'next_branch');

/** The next number for a run of the repository; call it in the transaction that inserts the run. */
export const takeRunNumber = (forge: Forge, repoId: number): number =>
  takeNumber(forge.db, repoId, 'next_run');
