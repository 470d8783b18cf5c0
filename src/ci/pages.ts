// The run page with its lanes, and the lane page with its attempts and live log.
import { Router, type Request, type Response } from 'express';
import { callerOf } from '../accounts/guard.ts';
import { getBranch } from '../branches/find.ts';
import type { Forge } from '../forge/open.ts';
import { fullName, includesRight, type Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { cancelRun } from './cancel.ts';
import { listLanes, listRuns } from './find.ts';
import { readLogLines } from './log-lines.ts';
import { readLog } from './log.ts';
import { hasEnded, satisfiesGate, type Lane, type Run } from './model.ts';
import type { Ci } from './open.ts';
import { lanePanels, runPanels } from './panels-view.ts';
import { cancelRequest, logRequest, rerunRequest, scopeOf } from './requests.ts';
import { rerunLanes } from './rerun.ts';
import { badgeRoutes } from './route-badge.ts';
import { laneOfRoute, runOfRoute } from './route-run.ts';
import { secretsPages } from './route-secrets.ts';
import { timelineOf } from './timeline.ts';

const firstPageBytes = 256 * 1024;
const rawPieceBytes = 1024 * 1024;
const shownRuns = 20;
const base = '/:owner/:repo/runs/:number';

export function ciPages(forge: Forge, ci: Pick<Ci, 'scheduler'>): Router {
  const router = Router();
  router.use(secretsPages(forge), badgeRoutes(forge));
  router.get(base, (request, response) => {
    const { repo, run } = runOfRoute(forge, { request, response }, 'read');
    render(response, 'ci/run.njk', runPage(forge, response, { repo, run }));
  });
  router.get(`${base}/fragment`, (request, response) => {
    const { repo, run } = runOfRoute(forge, { request, response }, 'read');
    render(response, 'ci/_lanes.njk', runPage(forge, response, { repo, run }));
  });
  router.get(`${base}/lanes/:lane`, (request, response) => showLane(forge, request, response));
  router.get(`${base}/lanes/:lane/facts`, (request, response) => {
    render(response, 'ci/_facts.njk', lanePage(forge, request, response));
  });
  router.get(`${base}/lanes/:lane/log`, (request, response) => sendLines(forge, request, response));
  router.get(`${base}/lanes/:lane/raw`, (request, response) => sendRaw(forge, request, response));
  router.post(`${base}/rerun`, (request, response) => {
    const { repo, run } = runOfRoute(forge, { request, response }, 'read');
    const order = parse(rerunRequest, request.body ?? {});
    rerunLanes(forge, { ...order, repo, run, caller: callerOf(response), scope: scopeOf(order) });
    ci.scheduler.wake();
    response.redirect(303, pathOf(repo, run, order.lane));
  });
  router.post(`${base}/cancel`, (request, response) => {
    const { repo, run } = runOfRoute(forge, { request, response }, 'read');
    const order = parse(cancelRequest, request.body ?? {});
    cancelRun(forge, { ...order, repo, run, caller: callerOf(response) });
    ci.scheduler.wake();
    response.redirect(303, pathOf(repo, run, order.lane));
  });
  return router;
}

function pathOf(repo: Repo, run: Run, lane?: string): string {
  const path = `/${repo.owner}/${repo.name}/runs/${run.number}`;
  return lane === undefined ? path : `${path}/lanes/${encodeURIComponent(lane)}`;
}

function runPage(forge: Forge, response: Response, { repo, run }: { repo: Repo; run: Run }) {
  const lanes = listLanes(forge, run.id);
  const branch = run.branchId === undefined ? undefined : getBranch(forge, run.branchId);
  const mayWrite =
    includesRight(rightOn(forge, callerOf(response), repo), 'write') && branch?.state === 'open';
  return {
    repo,
    repoName: fullName(repo),
    run,
    branch,
    lanes,
    path: pathOf(repo, run),
    timeline: timelineOf(lanes, forge.clock.now()),
    counts: countStates(lanes),
    waitsFor: lanes.filter((lane) => lane.required && !hasEnded(lane.attempt.state)).map((lane) => lane.key),
    mayCancel: mayWrite && lanes.some((lane) => !hasEnded(lane.attempt.state)),
    mayRerun: mayWrite && lanes.some((lane) => hasEnded(lane.attempt.state)),
    mayRerunFailed:
      mayWrite && lanes.some((lane) => hasEnded(lane.attempt.state) && !satisfiesGate(lane.attempt)),
    runs: branch === undefined ? [] : runsOf(forge, { branchId: branch.id }),
    ...runPanels(forge, { repo, run, lanes, caller: callerOf(response), path: pathOf(repo, run) }),
  };
}

const runsOf = (forge: Forge, branch: { branchId: number }) =>
  listRuns(forge, branch)
    .slice(0, shownRuns)
    .map((run) => ({ run, lanes: listLanes(forge, run.id) }));

function countStates(lanes: readonly Lane[]): { state: string; count: number }[] {
  const order = ['failed', 'running', 'cancelling', 'queued', 'cancelled', 'success', 'skipped'];
  return order
    .map((state) => ({ state, count: lanes.filter((lane) => lane.attempt.state === state).length }))
    .filter(({ count }) => count > 0);
}

function lanePage(forge: Forge, request: Request, response: Response) {
  const { repo, run, lane, attempts, attempt } = laneOfRoute(forge, { request, response });
  const page = runPage(forge, response, { repo, run });
  const isNewest = attempt.id === lane.attempt.id;
  const isEnded = hasEnded(attempt.state);
  const lanePath = pathOf(repo, run, lane.key);
  const { lanes, path } = page;
  const caller = callerOf(response);
  return {
    ...page,
    ...lanePanels(forge, { repo, run, lanes, caller, path, lane, attempt, isNewest, lanePath }),
    lane,
    attempts,
    attempt,
    lanePath,
    mayCancel: page.mayCancel && isNewest && !isEnded,
    mayRerun: page.mayRerun && isNewest && isEnded && attempt.skipCause !== 'path_filter',
    now: forge.clock.now(),
  };
}

async function showLane(forge: Forge, request: Request, response: Response): Promise<void> {
  const page = lanePage(forge, request, response);
  const log = await readLogLines(forge, page.attempt, { from: -firstPageBytes, maxBytes: firstPageBytes });
  render(response, 'ci/lane.njk', { ...page, log });
}

/** The lines that follow byte `from`, for a page that shows the ones before. */
async function sendLines(forge: Forge, request: Request, response: Response): Promise<void> {
  const { attempt } = laneOfRoute(forge, { request, response });
  const { from } = parse(logRequest, request.query);
  const log = await readLogLines(forge, attempt, { from, maxBytes: firstPageBytes });
  response.set({
    'X-Log-Next': String(log.next),
    'X-Log-Ended': String(log.ended),
    'Cache-Control': 'no-store',
  });
  render(response, 'ci/_log.njk', { log });
}

/** The whole log as plain text, piece by piece, as fast as the reader takes it. */
async function sendRaw(forge: Forge, request: Request, response: Response): Promise<void> {
  const { attempt } = laneOfRoute(forge, { request, response });
  response.set({ 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' });
  let from = 0;
  while (!response.destroyed) {
    const piece = await readLog(forge, attempt, { from, maxBytes: rawPieceBytes });
    if (piece.next <= from) break;
    from = piece.next;
    if (!response.write(piece.text)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      response.once('drain', resolve);
      response.once('close', resolve);
      await promise;
    }
  }
  response.end();
}
