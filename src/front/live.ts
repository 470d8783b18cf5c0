// The one live stream a page opens: `/live?topic=branch:12&topic=home`. Each topic is checked against the
// caller's rights once, when the stream opens; messages carry no content beyond the topic.
import { Router } from 'express';
import { z } from 'zod';
import { callerOf, requireAdmin, requireOwnAccount } from '../accounts/guard.ts';
import type { Caller } from '../accounts/model.ts';
import { getBranch } from '../branches/find.ts';
import { getRun, runOfAttempt } from '../ci/find.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { getRepo } from '../repos/find.ts';
import { requireRight } from '../repos/rights.ts';
import { parse } from '../web/parse.ts';
import type { LiveFeed } from '../web/sse.ts';

const maxTopics = 20;
const topicList = z
  .preprocess(
    (value) => (typeof value === 'string' ? [value] : value),
    z.array(
      z
        .string()
        .regex(
          /^(?:home|admin|health|ci|(?:repo|target|landings|mirrors|upstream|branch|run|log|inbox):\d{1,15})$/,
          'topics are home, admin, health, ci, repo:N, target:N, landings:N, mirrors:N, upstream:N, branch:N, run:N, log:N, inbox:N',
        ),
    ),
  )
  .refine((topics) => topics.length <= maxTopics, `at most ${maxTopics} topics`);

/** `since`: when the page was asked for, by the clock of the forge. */
const liveQuery = z.object({ since: z.coerce.number('expected a time').int().optional() });

export function livePages(forge: Forge, live: LiveFeed): Router {
  const router = Router();
  router.get('/live', (request, response) => {
    const topics = parse(topicList, request.query['topic']);
    for (const topic of topics) requireTopic(forge, callerOf(response), topic);
    const { since } = parse(liveQuery, request.query);
    live.subscribe(request, response, { topics, since });
  });
  return router;
}

function requireTopic(forge: Forge, caller: Caller, topic: string): void {
  const [kind, id] = topic.split(':');
  if (kind === 'home') return;
  if (kind === 'admin' || kind === 'health' || kind === 'ci') return void requireAdmin(caller);
  if (kind === 'inbox') return requireOwnInbox(caller, Number(id));
  requireRight(forge, caller, {
    repo: getRepo(forge, repoIdOf(forge, String(kind), Number(id))),
    right: 'read',
  });
}

/** Nobody hears when something comes to somebody else. */
function requireOwnInbox(caller: Caller, accountId: number): void {
  const { id } = requireOwnAccount(caller, 'read');
  if (id !== accountId) throw new ForgeError('not_found', 'There is no such inbox, or it is not yours.');
}

function repoIdOf(forge: Forge, kind: string, id: number): number {
  switch (kind) {
    case 'repo':
    case 'target':
    case 'landings':
    case 'mirrors':
    case 'upstream':
      return id;
    case 'branch':
      return getBranch(forge, id).repoId;
    case 'run':
      return getRun(forge, id).repoId;
    case 'log':
      return runOfAttempt(forge, id).repoId;
    default:
      throw new ForgeError('invalid', `There is no topic "${kind}".`);
  }
}
