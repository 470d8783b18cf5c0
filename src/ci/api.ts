// Runs, logs, rerun and cancel as JSON and plain text.
import { Router } from 'express';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { parse } from '../web/parse.ts';
import { cancelRun } from './recovery/cancel.ts';
import { getRun } from './find.ts';
import { readLog } from './logs/log.ts';
import type { CancelView, RerunView } from './model.ts';
import type { Ci } from './open.ts';
import { cancelRequest, logRequest, rerunRequest, scopeOf } from './requests.ts';
import { rerunLanes } from './recovery/rerun.ts';
import { artifactApi } from './lanes/route-artifacts.ts';
import { logApi } from './logs/route-log.ts';
import { nightlyApi } from './route-nightlies.ts';
import { laneOfRoute, runOfRoute } from './route-run.ts';
import { secretsApi } from './secrets/route-secrets.ts';
import { statusRoutes } from './statuses/route-statuses.ts';
import { testApi } from './tests/route-tests.ts';
import { runViewOf } from './view.ts';

const maxAnswerBytes = 1024 * 1024;

export function ciApi(forge: Forge, ci: Pick<Ci, 'scheduler'>): Router {
  const router = Router();
  router.use(logApi(forge), artifactApi(forge), testApi(forge));
  const base = '/api/v1/repos/:owner/:repo/runs/:number';
  router.use(secretsApi(forge), statusRoutes(forge), nightlyApi(forge, ci));

  router.get(base, (request, response) => {
    const { repo, run } = runOfRoute(forge, { request, response }, 'read');
    response.json(runViewOf(forge, repo, run));
  });

  /** The log from byte `from` (negative: from the end); ask again with X-Log-Next until X-Log-Ended is true. */
  router.get(`${base}/lanes/:lane/log`, async (request, response) => {
    const { attempt } = laneOfRoute(forge, { request, response });
    const { from } = parse(logRequest, request.query);
    const range = await readLog(forge, attempt, { from, maxBytes: maxAnswerBytes });
    response.set({
      'X-Log-Next': String(range.next),
      'X-Log-Ended': String(range.ended),
      'Cache-Control': 'no-store',
    });
    response.type('text/plain').send(range.text);
  });

  router.post(`${base}/rerun`, (request, response) => {
    const { repo, run } = runOfRoute(forge, { request, response }, 'read');
    const order = parse(rerunRequest, request.body ?? {});
    const caller = callerOf(response);
    const { queued } = rerunLanes(forge, { ...order, repo, run, caller, scope: scopeOf(order) });
    ci.scheduler.wake();
    response.json({ queued, run: runViewOf(forge, repo, getRun(forge, run.id)) } satisfies RerunView);
  });

  router.post(`${base}/cancel`, (request, response) => {
    const { repo, run } = runOfRoute(forge, { request, response }, 'read');
    const order = parse(cancelRequest, request.body ?? {});
    const { cancelled } = cancelRun(forge, { ...order, repo, run, caller: callerOf(response) });
    ci.scheduler.wake();
    response.json({ cancelled, run: runViewOf(forge, repo, getRun(forge, run.id)) } satisfies CancelView);
  });
  return router;
}
