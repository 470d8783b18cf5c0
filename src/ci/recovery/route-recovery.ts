// Recovery by form and by JSON: the same verbs under the pages of a run and under its API.
import { Router, type Request, type Response } from 'express';
import type { z } from 'zod';
import { callerOf } from '../../accounts/guard.ts';
import type { Forge } from '../../forge/open.ts';
import type { Repo } from '../../repos/model.ts';
import { apiRoute, type ApiRow } from '../../web/api-route.ts';
import { parse } from '../../web/parse.ts';
import { failLane } from './fail-lane.ts';
import { getRun } from '../find.ts';
import {
  laneOrderView,
  recoverView,
  runAgainView,
  type LaneOrderView,
  type RecoverView,
  type Run,
  type RunAgainView,
} from '../model.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import { recoverRun } from './recover-run.ts';
import { laneOrderRequest, runOrderRequest } from '../requests.ts';
import { requeueLane } from './requeue-lane.ts';
import { runOfRoute } from '../route-run.ts';
import { runAgain } from './run-again.ts';
import { runViewOf } from '../view.ts';

type Waking = Pick<Scheduler, 'wake'>;

interface Done<View> {
  repo: Repo;
  /** Where a browser goes on. */
  run: Run;
  lane?: string | undefined;
  view: () => View;
}

export function recoveryApi(forge: Forge, scheduler: Waking): Router {
  const router = Router();
  for (const { verb, ...row } of orders) {
    const path = `/api/v1/repos/:owner/:repo/runs/:number/${verb}` as const;
    apiRoute(router, { method: 'post', path, ...row }, async (request, response) => {
      const { view } = await verbs[verb](forge, request, response);
      scheduler.wake();
      response.json(view());
    });
  }
  return router;
}

interface RecoveryOrder extends Pick<ApiRow, 'right' | 'scope' | 'summary' | 'answer'> {
  verb: keyof typeof verbs;
  body: z.ZodType;
}

const orders: RecoveryOrder[] = [
  {
    verb: 'fail-lane',
    summary: 'Mark a lane failed that does not end by itself',
    right: 'maintain',
    scope: 'write',
    body: laneOrderRequest,
    answer: laneOrderView,
  },
  {
    verb: 'requeue-lane',
    summary: 'Queue a lane again',
    right: 'maintain',
    scope: 'write',
    body: laneOrderRequest,
    answer: laneOrderView,
  },
  {
    verb: 'recover-run',
    summary: 'Let a stuck run go on',
    right: 'write',
    body: runOrderRequest,
    answer: recoverView,
  },
  {
    verb: 'run-again',
    summary: 'Run the tip of the branch again',
    right: 'write',
    body: runOrderRequest,
    answer: runAgainView,
  },
];

export function recoveryPages(forge: Forge, scheduler: Waking): Router {
  const router = Router();
  for (const [verb, order] of Object.entries(verbs)) {
    router.post(`/:owner/:repo/runs/:number/${verb}`, async (request, response) => {
      const { repo, run, lane } = await order(forge, request, response);
      scheduler.wake();
      const path = `/${repo.owner}/${repo.name}/runs/${run.number}`;
      response.redirect(303, lane === undefined ? path : `${path}/lanes/${encodeURIComponent(lane)}`);
    });
  }
  return router;
}

const verbs = {
  'fail-lane': (forge: Forge, request: Request, response: Response) =>
    orderLane(failLane, { forge, request, response }),
  'requeue-lane': (forge: Forge, request: Request, response: Response) =>
    orderLane(requeueLane, { forge, request, response }),
  'recover-run': orderRecovery,
  'run-again': orderAgain,
};

function orderLane(
  verb: typeof failLane,
  exchange: { forge: Forge; request: Request; response: Response },
): Done<LaneOrderView> {
  const { forge, request, response } = exchange;
  const { repo, run } = runOfRoute(forge, { request, response }, 'read');
  const { lane, reason } = parse(laneOrderRequest, request.body ?? {});
  verb(forge, { repo, run, caller: callerOf(response), lane, reason });
  return { repo, run, lane, view: () => ({ lane, run: viewOf(forge, repo, run) }) };
}

async function orderRecovery(forge: Forge, request: Request, response: Response): Promise<Done<RecoverView>> {
  const { repo, run } = runOfRoute(forge, { request, response }, 'read');
  const { reason } = parse(runOrderRequest, request.body ?? {});
  const done = await recoverRun(forge, { repo, run, caller: callerOf(response), reason });
  return { repo, run, view: () => ({ ...done, run: viewOf(forge, repo, run) }) };
}

async function orderAgain(forge: Forge, request: Request, response: Response): Promise<Done<RunAgainView>> {
  const { repo, run } = runOfRoute(forge, { request, response }, 'read');
  const { reason } = parse(runOrderRequest, request.body ?? {});
  const again = await runAgain(forge, { repo, run, caller: callerOf(response), reason });
  return { repo, run: again, view: () => ({ run: viewOf(forge, repo, again) }) };
}

const viewOf = (forge: Forge, repo: Repo, run: Run) => runViewOf(forge, repo, getRun(forge, run.id));
