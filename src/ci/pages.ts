// The run page with its lanes, and the lane page with its attempts and live log.
import { Router, type Request, type Response } from 'express';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { cancelRun } from './recovery/cancel.ts';
import { lanePage } from './lane-view.ts';
import { logPlace, shownHits, shownLog } from './logs/log-view.ts';
import type { Ci } from './open.ts';
import { cancelRequest, rerunRequest, scopeOf } from './requests.ts';
import { rerunLanes } from './recovery/rerun.ts';
import { badgeRoutes } from './statuses/route-badge.ts';
import { secretsPages } from './secrets/route-secrets.ts';
import { artifactPages } from './lanes/route-artifacts.ts';
import { logPages } from './logs/route-log.ts';
import { shellPages } from './shells/route-shell.ts';
import { laneOfRoute, runOfRoute, runPathOf } from './route-run.ts';
import { nightlyPages } from './route-nightlies.ts';
import { testPages } from './tests/route-tests.ts';
import { runPage } from './run-view.ts';

const base = '/:owner/:repo/runs/:number';
/** What of a lane's page is fetched anew when the lane changes; its log goes on by itself. */
const laneParts = [
  ['head', 'ci/_lane_head.njk'],
  ['failures', 'ci/_tests.njk'],
  ['facts', 'ci/_facts.njk'],
] as const;

export function ciPages(forge: Forge, ci: Pick<Ci, 'scheduler' | 'shells'>): Router {
  const router = Router();
  router.use(secretsPages(forge), badgeRoutes(forge));
  router.use(shellPages(forge, ci), nightlyPages(forge, ci));
  router.get(base, (request, response) => {
    const found = runOfRoute(forge, { request, response }, 'read');
    render(response, 'ci/run.njk', runPage(forge, { ...found, caller: callerOf(response) }));
  });
  router.get(`${base}/fragment`, (request, response) => {
    const found = runOfRoute(forge, { request, response }, 'read');
    render(response, 'ci/_lanes.njk', runPage(forge, { ...found, caller: callerOf(response) }));
  });
  router.get(`${base}/lanes/:lane`, (request, response) => showLane(forge, request, response));
  for (const [part, template] of laneParts) {
    router.get(`${base}/lanes/:lane/${part}`, (request, response) => {
      const found = laneOfRoute(forge, { request, response });
      render(response, template, lanePage(forge, found, callerOf(response)));
    });
  }
  router.use(logPages(forge), artifactPages(forge), testPages(forge));
  router.post(`${base}/rerun`, (request, response) => {
    const { repo, run } = runOfRoute(forge, { request, response }, 'read');
    const order = parse(rerunRequest, request.body ?? {});
    rerunLanes(forge, { ...order, repo, run, caller: callerOf(response), scope: scopeOf(order) });
    ci.scheduler.wake();
    response.redirect(303, runPathOf(repo, run, order.lane));
  });
  router.post(`${base}/cancel`, (request, response) => {
    const { repo, run } = runOfRoute(forge, { request, response }, 'read');
    const order = parse(cancelRequest, request.body ?? {});
    cancelRun(forge, { ...order, repo, run, caller: callerOf(response) });
    ci.scheduler.wake();
    response.redirect(303, runPathOf(repo, run, order.lane));
  });
  return router;
}

async function showLane(forge: Forge, request: Request, response: Response): Promise<void> {
  const found = laneOfRoute(forge, { request, response });
  const place = parse(logPlace, request.query);
  const page = lanePage(forge, found, callerOf(response));
  const shown = { attempt: found.attempt, lanePath: page.lanePath, place };
  const [log, hits] = await Promise.all([shownLog(forge, shown), shownHits(forge, shown)]);
  render(response, 'ci/lane.njk', { ...page, log, hits });
}
