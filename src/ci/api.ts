// Runs, logs, rerun and cancel as JSON and plain text.
import { Router } from 'express';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { cancelRun } from './recovery/cancel.ts';
import { getRun } from './find.ts';
import { readLog } from './logs/log.ts';
import { cancelView, rerunView, runView } from './model.ts';
import type { Ci } from './open.ts';
import { cancelRequest, logRequest, rerunRequest, scopeOf } from './requests.ts';
import { rerunLanes } from './recovery/rerun.ts';
import { artifactApi } from './lanes/route-artifacts.ts';
import { logApi } from './logs/route-log.ts';
import { nightlyApi } from './route-nightlies.ts';
import { attemptQuery, laneOfRoute, runOfRoute } from './route-run.ts';
import { secretsApi } from './secrets/route-secrets.ts';
import { statusRoutes } from './statuses/route-statuses.ts';
import { testApi } from './tests/route-tests.ts';
import { runViewOf } from './view.ts';

const maxAnswerBytes = 1024 * 1024;

const base = '/api/v1/repos/:owner/:repo/runs/:number';

const table = {
  show: apiRow({
    method: 'get',
    path: base,
    summary: 'Show a run with its lanes',
    right: 'read',
    answer: runView,
  }),
  log: apiRow({
    method: 'get',
    path: `${base}/lanes/:lane/log`,
    summary: 'Read the log of a lane',
    description:
      'From byte `from` (negative: from the end). Ask again from the byte in `X-Log-Next` until `X-Log-Ended` is true.',
    right: 'read',
    query: attemptQuery.extend(logRequest.shape),
    answer: 'text',
  }),
  rerun: apiRow({
    method: 'post',
    path: `${base}/rerun`,
    summary: 'Queue the lanes of a run again',
    right: 'write',
    body: rerunRequest,
    answer: rerunView,
  }),
  cancel: apiRow({
    method: 'post',
    path: `${base}/cancel`,
    summary: 'Cancel a run, or one lane of it',
    right: 'write',
    body: cancelRequest,
    answer: cancelView,
  }),
};

export function ciApi(forge: Forge, ci: Pick<Ci, 'scheduler'>): Router {
  const router = Router();
  router.use(logApi(forge), artifactApi(forge), testApi(forge));
  router.use(secretsApi(forge), statusRoutes(forge), nightlyApi(forge, ci));

  apiRoute(router, table.show, (request, response) => {
    const { repo, run } = runOfRoute(forge, { request, response }, 'read');
    response.json(runViewOf(forge, repo, run));
  });

  apiRoute(router, table.log, async (request, response, sent) => {
    const { attempt } = laneOfRoute(forge, { request, response });
    const { from } = sent.query();
    const range = await readLog(forge, attempt, { from, maxBytes: maxAnswerBytes });
    response.set({
      'X-Log-Next': String(range.next),
      'X-Log-Ended': String(range.ended),
      'Cache-Control': 'no-store',
    });
    response.type('text/plain').send(range.text);
  });

  apiRoute(router, table.rerun, (request, response, sent) => {
    const { repo, run } = runOfRoute(forge, { request, response }, 'read');
    const order = sent.body();
    const caller = callerOf(response);
    const { queued } = rerunLanes(forge, { ...order, repo, run, caller, scope: scopeOf(order) });
    ci.scheduler.wake();
    response.json({ queued, run: runViewOf(forge, repo, getRun(forge, run.id)) });
  });

  apiRoute(router, table.cancel, (request, response, sent) => {
    const { repo, run } = runOfRoute(forge, { request, response }, 'read');
    const { cancelled } = cancelRun(forge, { ...sent.body(), repo, run, caller: callerOf(response) });
    ci.scheduler.wake();
    response.json({ cancelled, run: runViewOf(forge, repo, getRun(forge, run.id)) });
  });
  return router;
}
