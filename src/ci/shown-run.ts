// What a page of a run or a lane tells its panels.
import type { Caller } from '../accounts/model.ts';
import type { Repo } from '../repos/model.ts';
import type { Attempt, Lane, Run } from './model.ts';

export interface ShownRun {
  repo: Repo;
  run: Run;
  /** Of the run, in the manifest's order. */
  lanes: readonly Lane[];
  caller: Caller;
  /** The page of the run, without a slash at its end. */
  path: string;
}

export interface ShownLane extends ShownRun {
  lane: Lane;
  /** The attempt that is shown; `isNewest` says whether actions on the lane belong to it. */
  attempt: Attempt;
  isNewest: boolean;
  lanePath: string;
}
