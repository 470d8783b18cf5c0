// The debug shell in the browser: ending the one that is open in an attempt's workspace.
import { Router } from 'express';
import { z } from 'zod';
import { callerOf } from '../../accounts/guard.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { requireRight } from '../../repos/rights.ts';
import { parse } from '../../web/parse.ts';
import { listAttempts } from '../find.ts';
import type { Ci } from '../open.ts';
import { laneOfRoute } from '../route-run.ts';

const endRequest = z.strictObject({
  attempt: z.coerce.number('expected the number of an attempt').int(),
  form_token: z.string().optional(),
});

export function shellPages(forge: Forge, { shells }: Pick<Ci, 'shells'>): Router {
  const router = Router();
  router.post('/:owner/:repo/runs/:number/lanes/:lane/shell/end', (request, response) => {
    const found = laneOfRoute(forge, { request, response });
    const caller = callerOf(response);
    requireRight(forge, caller, { repo: found.repo, right: 'write' });
    const { attempt: number } = parse(endRequest, request.body ?? {});
    const attempt = listAttempts(forge, found.lane.id).find((one) => one.number === number);
    if (attempt === undefined || !shells.endIn(attempt.id, caller)) {
      throw new ForgeError('conflict', 'No shell is open in this attempt any more.');
    }
    const { repo, run, lane } = found;
    const path = `/${repo.owner}/${repo.name}/runs/${run.number}/lanes/${encodeURIComponent(lane.key)}`;
    response.redirect(303, `${path}?attempt=${number}`);
  });
  return router;
}
