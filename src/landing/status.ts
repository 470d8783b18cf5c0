import type { Caller } from '../accounts/model.ts';
import type { Branch } from '../branches/model.ts';
import { branchViewOf } from '../branches/view.ts';
import { newestRun } from '../ci/find.ts';
import { runViewOf } from '../ci/view.ts';
import type { Forge } from '../forge/open.ts';
import type { Repo } from '../repos/model.ts';
import { newestTutorial } from '../tutorials/find.ts';
import { askGate } from './gate/gate.ts';
import type { BranchStatusView } from './model.ts';
import { landingSummaryOf } from './summary-view.ts';

export interface StatusQuestion {
  repo: Repo;
  branch: Branch;
  caller: Caller;
}

/** The part of a branch's status that rows tell, without asking git anything. */
export function branchFacts(forge: Forge, { repo, branch }: StatusQuestion): Omit<BranchStatusView, 'gate'> {
  const run = newestRun(forge, branch.id);
  const tutorial = newestTutorial(forge, branch.id);
  return {
    branch: branchViewOf(forge, repo, branch),
    run: run === undefined ? null : runViewOf(forge, repo, run),
    tutorial:
      tutorial === undefined ? null : { state: tutorial.state, steps: tutorial.body?.steps.length ?? 0 },
    landing: landingSummaryOf(forge, repo, branch),
  };
}

/** A branch with its newest run, its tutorial and what holds it; `ph status` prints this. */
export async function branchStatus(forge: Forge, question: StatusQuestion): Promise<BranchStatusView> {
  const gate = await askGate(forge, question);
  return { ...branchFacts(forge, question), gate };
}
