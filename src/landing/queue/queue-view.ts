// The queue as people and programs see it: who is where, what each one waits for, and what happens next.
import { getAccount } from '../../accounts/find.ts';
import { getBranch } from '../../branches/find.ts';
import { getRun } from '../../ci/find.ts';
import { judgeLandingRun } from '../../ci/scheduler/landing-run.ts';
import type { Forge } from '../../forge/open.ts';
import { getRepo } from '../../repos/find.ts';
import { fullName, type Repo } from '../../repos/model.ts';
import { branchUrl, runUrl } from '../../repos/urls.ts';
import { iso } from '../../web/filters.ts';
import { findCandidate, listLiveCandidates, listMembers, type Candidate } from './candidate-store.ts';
import type { CandidateView, LandingView, QueueView } from './model.ts';
import {
  findLandingOfBranch,
  findLandingPause,
  listEndedLandings,
  listLiveLandings,
  type Landing,
  type LandingPause,
} from './store.ts';

const shownEnded = 20;

/** One target's queue, as the rows are. */
interface Line {
  /** queued, testing and landing, in the order in which they land. */
  entries: Landing[];
  waiting: Landing[];
  candidates: { candidate: Candidate; landingIds: number[] }[];
  pause: LandingPause | undefined;
}

/** All queues of a repository, with what ended last. */
export function readQueue(forge: Forge, repo: Repo): QueueView {
  const lines = linesOf(forge, repo.id);
  const pause = findLandingPause(forge.db, repo.id);
  const ended = listEndedLandings(forge.db, repo.id, shownEnded);
  return {
    repo: fullName(repo),
    paused:
      pause === undefined
        ? null
        : { by: pause.pausedBy ?? null, reason: pause.reason, since: iso(pause.pausedAt) },
    targets: [...lines].map(([target, line]) => ({
      target,
      entries: line.entries.map((landing) => viewOf(forge, repo, landing, line)),
      waiting: line.waiting.map((landing) => viewOf(forge, repo, landing, line)),
      candidates: line.candidates.map((one) => candidateViewOf(forge, repo, one)),
    })),
    ended: ended.map((landing) => viewOf(forge, repo, landing, undefined)),
  };
}

/** The newest entry of a branch, live or ended. */
export function findLanding(forge: Forge, repo: Repo, branchId: number): LandingView | undefined {
  const landing = findLandingOfBranch(forge.db, branchId);
  return landing?.repoId === repo.id ? landingViewOf(forge, landing) : undefined;
}

export function landingViewOf(forge: Forge, landing: Landing): LandingView {
  const repo = getRepo(forge, landing.repoId);
  const line = landing.endedAt === undefined ? linesOf(forge, repo.id).get(landing.target) : undefined;
  return viewOf(forge, repo, landing, line);
}

function linesOf(forge: Forge, repoId: number): Map<string, Line> {
  const live = Map.groupBy(listLiveLandings(forge.db, repoId), ({ target }) => target);
  const candidates = Map.groupBy(listLiveCandidates(forge.db, repoId), ({ target }) => target);
  const pause = findLandingPause(forge.db, repoId);
  const targets = [...new Set([...live.keys(), ...candidates.keys()])].sort();
  return new Map(
    targets.map((target) => {
      const all = live.get(target) ?? [];
      const tested = (candidates.get(target) ?? []).map((candidate) => ({
        candidate,
        landingIds: listMembers(forge.db, candidate.id).map(({ landingId }) => landingId),
      }));
      const placed = new Map(tested.flatMap(({ landingIds }) => landingIds).map((id, place) => [id, place]));
      const placeOf = ({ id }: Landing) => placed.get(id) ?? placed.size;
      const line = {
        entries: all
          .filter(({ state }) => state !== 'waiting')
          .sort((one, other) => placeOf(one) - placeOf(other)),
        waiting: all.filter(({ state }) => state === 'waiting'),
        candidates: tested,
        pause,
      };
      return [target, line];
    }),
  );
}

function candidateViewOf(forge: Forge, repo: Repo, { candidate }: { candidate: Candidate }): CandidateView {
  const { id, state, baseOid, commitOid, treeOid, runId, retries, createdAt } = candidate;
  const below = candidate.standsOn === undefined ? undefined : findCandidate(forge.db, candidate.standsOn);
  const run = getRun(forge, runId);
  return {
    id,
    state,
    base: baseOid,
    standsOn: below?.state === 'testing' || below?.state === 'landing' ? below.id : null,
    commit: commitOid,
    tree: treeOid,
    branches: listMembers(forge.db, id).map(({ branchId }) => getBranch(forge, branchId).number),
    run: { number: run.number, state: run.state, url: runUrl(forge, repo, run.number) },
    retries,
    createdAt: iso(createdAt),
  };
}

function viewOf(forge: Forge, repo: Repo, landing: Landing, line: Line | undefined): LandingView {
  const branch = getBranch(forge, landing.branchId);
  const actor = getAccount(forge, landing.actorId);
  const place = line?.entries.findIndex(({ id }) => id === landing.id) ?? -1;
  const tested = testedOf(forge, landing, line);
  return {
    id: landing.id,
    branch: {
      number: branch.number,
      name: branch.name,
      title: branch.title,
      url: branchUrl(forge, repo, branch.number),
    },
    target: landing.target,
    head: landing.headOid,
    revision: landing.revision,
    method: landing.method ?? null,
    actor: actor.name,
    actorKind: actor.kind,
    priority: landing.priority,
    state: landing.state,
    position: place === -1 ? null : place + 1,
    reason: landing.reason ?? null,
    detail: detailOf(forge, landing, { line, place }),
    next: nextOf(landing),
    since: iso(landing.endedAt ?? landing.reasonSince ?? landing.enqueuedAt),
    holds: landing.holds,
    ...tested,
    retries: landing.retries,
    enqueuedAt: iso(landing.enqueuedAt),
    deadlineAt: iso(landing.deadlineAt),
    ended: endOf(forge, landing),
  };
}

function testedOf(
  forge: Forge,
  landing: Landing,
  line: Line | undefined,
): Pick<LandingView, 'candidate' | 'run' | 'testedWith' | 'batchedWith'> {
  const chain = line?.candidates ?? [];
  const at = chain.findIndex(({ candidate }) => candidate.id === landing.candidateId);
  const own = chain[at];
  if (own === undefined) return { candidate: null, run: null, testedWith: [], batchedWith: [] };
  const inChain = chain.slice(0, at + 1).flatMap(({ landingIds }) => landingIds);
  const below = inChain.slice(0, inChain.indexOf(landing.id));
  const numberOf = new Map(
    (line?.entries ?? []).map(({ id, branchId }) => [id, getBranch(forge, branchId).number]),
  );
  const numbers = (ids: readonly number[]) => ids.flatMap((id) => numberOf.get(id) ?? []);
  return {
    candidate: own.candidate.id,
    run: getRun(forge, own.candidate.runId).number,
    testedWith: numbers(below),
    batchedWith: numbers(own.landingIds.filter((id) => id !== landing.id)),
  };
}

/** One sentence: what it waits for, or why it ended. */
function detailOf(forge: Forge, landing: Landing, at: { line: Line | undefined; place: number }): string {
  const { reason, reasonDetail } = landing;
  if (reason === undefined) return landing.endMessage ?? '';
  switch (reason) {
    case 'gate_held':
      return holdsIn(landing);
    case 'ready':
      return 'It is the next to be tested.';
    case 'behind':
      return behind(forge, at);
    case 'paused':
      return `The queue is ${pauseWords(at.line?.pause)}.`;
    case 'target_busy':
      return 'Another merge in the repository is under way.';
    case 'landing':
      return `${landing.target} is being moved to the commit that was tested.`;
    case 'lanes_running':
      return lanesOf(forge, landing);
    default:
      return reasonDetail ?? '';
  }
}

function holdsIn({ holds }: Landing): string {
  const [first] = holds;
  if (first === undefined) return 'The gate is closed.';
  return holds.length === 1
    ? first.message
    : `${first.message} And ${holds.length - 1} more ${holds.length === 2 ? 'thing holds' : 'things hold'} it.`;
}

const pauseWords = (pause: LandingPause | undefined): string =>
  pause === undefined ? 'paused' : `paused by ${pause.pausedBy ?? 'somebody'}: ${pause.reason}`;

function behind(forge: Forge, { line, place }: { line: Line | undefined; place: number }): string {
  const ahead = line?.entries[place - 1];
  if (ahead === undefined) return 'It is the next to be tested.';
  const { number } = getBranch(forge, ahead.branchId);
  return place === 1
    ? `#${number} is ahead of it.`
    : `${place} branches are ahead of it, the last #${number}.`;
}

function lanesOf(forge: Forge, landing: Landing): string {
  const candidate =
    landing.candidateId === undefined ? undefined : findCandidate(forge.db, landing.candidateId);
  if (candidate === undefined) return 'Its merge is being tested.';
  const { number } = getRun(forge, candidate.runId);
  const verdict = judgeLandingRun(forge, candidate.runId);
  return verdict.verdict === 'pending'
    ? `Run ${number} has to finish ${verdict.lanes.join(', ')} on its merge.`
    : `Run ${number} on its merge has ended.`;
}

/** One sentence: what happens next. */
function nextOf(landing: Landing): string {
  const { state, reason, holds, endWayOut } = landing;
  if (state === 'landed' || state === 'evicted' || state === 'cancelled') return endWayOut ?? '';
  if (reason === 'paused') return 'It goes on when a maintainer resumes the queue.';
  if (state === 'waiting') return `It is queued when the gate opens. ${holds[0]?.wayOut ?? ''}`.trim();
  if (state === 'queued') return `It is merged with ${landing.target} and what is ahead of it, and tested.`;
  if (state === 'testing') return `It lands when every required lane is green and those ahead have landed.`;
  return 'It is merged in a moment.';
}

function endOf(forge: Forge, landing: Landing): LandingView['ended'] {
  const { endedAt, endCause, endRunId, aheadId, endedBy } = landing;
  if (endedAt === undefined || endCause === undefined) return null;
  return {
    at: iso(endedAt),
    cause: endCause,
    why: landing.endMessage ?? '',
    wayOut: landing.endWayOut ?? '',
    lane: landing.endLane ?? null,
    run: endRunId === undefined ? null : getRun(forge, endRunId).number,
    ahead: aheadId === undefined ? null : getBranch(forge, aheadId).number,
    commit: landing.mergeOid ?? null,
    by: endedBy === undefined ? null : getAccount(forge, endedBy).name,
  };
}
