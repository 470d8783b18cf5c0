// What the panels of other verbs show on a run's and a lane's page: failing tests, artifacts, recovery, the shell.
// Each gives its data here under a name of its own; its template `ci/_<name>.njk` is part of both pages and shows
// nothing when its data is not there.
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
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

export function runPanels(_forge: Forge, _shown: ShownRun): Record<string, unknown> {
  return {};
}

export function lanePanels(_forge: Forge, _shown: ShownLane): Record<string, unknown> {
  return {};
}
