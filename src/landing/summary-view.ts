// The newest entry of a branch in the landing queue, as the status of the branch tells it.
import type { Branch } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import type { Repo } from '../repos/model.ts';
import { runUrl } from '../repos/urls.ts';
import type { LandingView } from './queue/model.ts';
import { findLanding } from './queue/queue-view.ts';
import type { LandingSummary } from './summary-model.ts';

/** Null for a branch that was never in the queue. */
export function landingSummaryOf(forge: Forge, repo: Repo, branch: Branch): LandingSummary | null {
  const landing = findLanding(forge, repo, branch.id);
  if (landing === undefined) return null;
  const { id, target, head, state, position, detail, next, since, candidate, run, testedWith } = landing;
  const place = { id, target, head, state, position, detail, next, since, candidate, run, testedWith };
  return { ...place, ended: endOf(forge, repo, landing) };
}

function endOf(forge: Forge, repo: Repo, { ended }: LandingView): LandingSummary['ended'] {
  if (ended === null) return null;
  const { cause, why, wayOut, commit, run, lane } = ended;
  const url = run === null ? null : runUrl(forge, repo, run);
  return {
    cause,
    why,
    wayOut,
    commit,
    url: url === null || lane === null ? url : `${url}/lanes/${encodeURIComponent(lane)}`,
  };
}
