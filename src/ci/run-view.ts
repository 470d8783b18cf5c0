// What the page of a run shows: its lanes with their timeline, what may be done, and the runs beside it.
import type { Caller } from '../accounts/model.ts';
import { getBranch } from '../branches/find.ts';
import type { Branch } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { fullName, includesRight, type Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { listLanes, listRuns } from './find.ts';
import { hasEnded, satisfiesGate, type Run } from './model.ts';
import { runPanels } from './panels-view.ts';
import { runPathOf } from './route-run.ts';
import { countStates, timelineOf } from './timeline.ts';

const shownRuns = 20;

export interface RunOfPage {
  repo: Repo;
  run: Run;
  caller: Caller;
}

/** Everything but the panels of other verbs. */
export function runFacts(forge: Forge, { repo, run, caller }: RunOfPage) {
  const lanes = listLanes(forge, run.id);
  const branch = run.branchId === undefined ? undefined : getBranch(forge, run.branchId);
  const runs = branch === undefined ? [] : listRuns(forge, { branchId: branch.id }).slice(0, shownRuns);
  const isOpen = branch === undefined || branch.state === 'open';
  const mayWrite = isOpen && includesRight(rightOn(forge, caller, repo), 'write');
  const now = forge.clock.now();
  return {
    repo,
    repoName: fullName(repo),
    run,
    branch,
    newer: newerRun(run, { branch, runs }),
    lanes,
    path: runPathOf(repo, run),
    timeline: timelineOf(lanes, now),
    counts: countStates(lanes),
    waitsFor: lanes.filter((lane) => lane.required && !hasEnded(lane.attempt.state)).map((lane) => lane.key),
    mayCancel: mayWrite && lanes.some((lane) => !hasEnded(lane.attempt.state)),
    mayRerun: mayWrite && lanes.some((lane) => hasEnded(lane.attempt.state)),
    mayRerunFailed:
      mayWrite && lanes.some((lane) => hasEnded(lane.attempt.state) && !satisfiesGate(lane.attempt)),
    runs: runs.map((entry) => ({ run: entry, lanes: listLanes(forge, entry.id) })),
    leaseMs: forge.config.ci.leaseSeconds * 1000,
    now,
  };
}

export function runPage(forge: Forge, shown: RunOfPage) {
  const facts = runFacts(forge, shown);
  const { lanes, path } = facts;
  return { ...facts, ...runPanels(forge, { ...shown, lanes, path }) };
}

/** The run of the branch's newest revision, when this is not it. */
function newerRun(
  run: Run,
  { branch, runs }: { branch: Branch | undefined; runs: readonly Run[] },
): Run | undefined {
  const newest = runs[0];
  return branch !== undefined && newest !== undefined && newest.id > run.id ? newest : undefined;
}
