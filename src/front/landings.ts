// The landing queue of a repository: its page, and the forms about it there and on the page of a branch.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import { findRun, listLanes } from '../ci/find.ts';
import type { Lane } from '../ci/model.ts';
import type { Forge } from '../forge/open.ts';
import { resolveBranch } from '../git/refs.ts';
import {
  landRequest,
  maxPriority,
  pauseLandingsRequest,
  prioritizeRequest,
  type CandidateView,
  type LandingState,
  type LandingView,
  type QueueView,
} from '../landing/queue/model.ts';
import { pauseLandings, resumeLandings } from '../landing/queue/queue-pause.ts';
import { readQueue } from '../landing/queue/queue-view.ts';
import { cancelLanding, enqueueLanding, prioritizeLanding } from '../landing/queue/queue.ts';
import { repoOf } from '../repos/guard.ts';
import { includesRight, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { rightOn } from '../repos/rights.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { branchOfRoute, type Exchange } from './place.ts';

const queueQuery = z.object({ fragment: z.literal('queue').optional() });
/** Which page a form stood on, and so where its sender goes on. */
const fromQueue = z.object({ from: z.literal('queue').optional() });
const landForm = landRequest.omit({ message: true }).loose();

/** The class and icon of each state, of those that everything else has too. */
const marks: Record<LandingState, string> = {
  waiting: 'warning',
  queued: 'queued',
  testing: 'running',
  landing: 'running',
  landed: 'merged',
  evicted: 'failed',
  cancelled: 'cancelled',
};

/** A landing as templates show it: with the state that colours it, and times as numbers. */
export function landingShown(landing: LandingView) {
  const { ended } = landing;
  return {
    ...landing,
    mark: marks[landing.state],
    sinceAt: Date.parse(landing.since),
    deadlineAtMs: Date.parse(landing.deadlineAt),
    ended: ended === null ? undefined : { ...ended, atMs: Date.parse(ended.at) },
  };
}

export function landingsPages(forge: Forge): Router {
  const router = Router();
  router.get('/:owner/:repo/landings', (request, response) => showQueue(forge, { request, response }));
  router.post('/:owner/:repo/landings/pause', (request, response) => {
    const repo = repoOf(forge, { request, response }, 'maintain');
    const { reason } = parse(pauseLandingsRequest.loose(), request.body);
    pauseLandings(forge, { repo, caller: callerOf(response), reason });
    response.redirect(303, queuePath(repo));
  });
  router.post('/:owner/:repo/landings/resume', (request, response) => {
    const repo = repoOf(forge, { request, response }, 'maintain');
    const { reason } = parse(pauseLandingsRequest.loose(), request.body);
    resumeLandings(forge, { repo, caller: callerOf(response), reason });
    response.redirect(303, queuePath(repo));
  });
  entryForms(forge, router);
  return router;
}

const queuePath = (repo: Repo): string => `/${repo.owner}/${repo.name}/landings`;

function entryForms(forge: Forge, router: Router): void {
  const goOn = ({ request, response }: Exchange, repo: Repo): void => {
    const { from } = parse(fromQueue, request.body);
    const path = `/${repo.owner}/${repo.name}/branches/${String(request.params['number'])}`;
    response.redirect(303, from === 'queue' ? queuePath(repo) : path);
  };
  const land = '/:owner/:repo/branches/:number/land';
  router.post(land, async (request: Request, response: Response) => {
    const { repo, branch } = branchOfRoute(forge, { request, response }, 'write');
    const { head, method, priority } = parse(landForm, request.body);
    const order = { repo, branch, caller: callerOf(response), expectedHead: head, method, priority };
    await enqueueLanding(forge, order);
    goOn({ request, response }, repo);
  });
  router.post(`${land}/cancel`, (request: Request, response: Response) => {
    const { repo, branch } = branchOfRoute(forge, { request, response }, 'write');
    cancelLanding(forge, { repo, branch, caller: callerOf(response) });
    goOn({ request, response }, repo);
  });
  router.post(`${land}/priority`, (request: Request, response: Response) => {
    const { repo, branch } = branchOfRoute(forge, { request, response }, 'maintain');
    const { priority } = parse(prioritizeRequest.loose(), request.body);
    prioritizeLanding(forge, { repo, branch, caller: callerOf(response), priority });
    goOn({ request, response }, repo);
  });
}

async function showQueue(forge: Forge, exchange: Exchange): Promise<void> {
  const repo = repoOf(forge, exchange, 'read');
  const { fragment } = parse(queueQuery, exchange.request.query);
  const right = rightOn(forge, callerOf(exchange.response), repo);
  const queue = readQueue(forge, repo);
  const data = {
    repo,
    right,
    base: `/${repo.owner}/${repo.name}`,
    paused: queue.paused === null ? undefined : { ...queue.paused, sinceAt: Date.parse(queue.paused.since) },
    targets: await targetsOf(forge, repo, queue),
    ended: queue.ended.map(landingShown),
    mayWrite: includesRight(right, 'write'),
    mayMaintain: includesRight(right, 'maintain'),
    maxPriority,
  };
  const template = fragment === 'queue' ? 'landing/_queue.njk' : 'landing/queue.njk';
  render(exchange.response, template, data);
}

/** The default branch stands there also when nothing wants to land on it. */
async function targetsOf(forge: Forge, repo: Repo, queue: QueueView): Promise<Record<string, unknown>[]> {
  const { defaultBranch } = repo;
  const isNamed = queue.targets.some(({ target }) => target === defaultBranch);
  const empty = { target: defaultBranch, entries: [], waiting: [], candidates: [] };
  const targets = isNamed ? queue.targets : [empty, ...queue.targets];
  return Promise.all(
    targets.map(async ({ target, entries, waiting, candidates }) => ({
      target,
      tip: await resolveBranch(forge.git, repoPath(forge, repo.id), target),
      last: lastLanded(queue.ended, target),
      entries: entries.map((entry, index) => ({
        ...landingShown(entry),
        lanes: lanesOf(forge, repo, {
          entry,
          candidates,
          isFirst: !sharesCandidate(entry, entries[index - 1]),
        }),
      })),
      waiting: waiting.map(landingShown),
    })),
  );
}

function lastLanded(ended: readonly LandingView[], target: string) {
  const last = ended.find((landing) => landing.state === 'landed' && landing.target === target);
  return last === undefined ? undefined : landingShown(last);
}

const sharesCandidate = (entry: LandingView, above: LandingView | undefined): boolean =>
  entry.candidate !== null && above?.candidate === entry.candidate;

interface ShownLanes {
  /** Lanes that have nothing more to tell. */
  green: number;
  others: Lane[];
}

/** The lanes of a candidate stand at the first of its branches. */
function lanesOf(
  forge: Forge,
  repo: Repo,
  shown: { entry: LandingView; candidates: readonly CandidateView[]; isFirst: boolean },
): ShownLanes | undefined {
  const { entry, candidates, isFirst } = shown;
  const candidate = candidates.find(({ id }) => id === entry.candidate);
  const run = candidate && isFirst ? findRun(forge, repo.id, candidate.run.number) : undefined;
  if (run === undefined) return undefined;
  const lanes = listLanes(forge, run.id);
  const others = lanes.filter(({ attempt }) => attempt.state !== 'success' && attempt.state !== 'skipped');
  return { green: lanes.length - others.length, others };
}
