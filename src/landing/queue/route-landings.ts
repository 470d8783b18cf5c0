// The landing queue as JSON: what is in it, joining and leaving it, and the orders of whoever maintains the repository.
import { Router, type Request, type Response } from 'express';
import { callerOf } from '../../accounts/guard.ts';
import { branchOfRoute } from '../../branches/guard.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { repoOf } from '../../repos/guard.ts';
import type { Right } from '../../repos/model.ts';
import { apiRoute, apiRow } from '../../web/api-route.ts';
import { landingView, landRequest, pauseLandingsRequest, prioritizeRequest, queueView } from './model.ts';
import { pauseLandings, resumeLandings } from './queue-pause.ts';
import { findLanding, readQueue } from './queue-view.ts';
import { cancelLanding, enqueueLanding, prioritizeLanding } from './queue.ts';

const queue = '/api/v1/repos/:owner/:repo/landings';
const land = '/api/v1/repos/:owner/:repo/branches/:number/land';

const table = {
  queue: apiRow({
    method: 'get',
    path: queue,
    summary: 'Read the landing queue',
    description: 'One queue for each target: its order, what each branch is tested with, and why it waits.',
    right: 'read',
    answer: queueView,
  }),
  pause: apiRow({
    method: 'post',
    path: `${queue}/pause`,
    summary: 'Pause the landing queue',
    description: 'Nothing new is tested or landed until it is resumed. Every entry shows the reason.',
    right: 'maintain',
    scope: 'write',
    body: pauseLandingsRequest,
    answer: queueView,
  }),
  resume: apiRow({
    method: 'post',
    path: `${queue}/resume`,
    summary: 'Resume the landing queue',
    right: 'maintain',
    scope: 'write',
    body: pauseLandingsRequest,
    answer: queueView,
  }),
  find: apiRow({
    method: 'get',
    path: land,
    summary: 'Read the place of a branch in the landing queue',
    description: 'Its newest entry, also after it ended; 404 for a branch that was never in the queue.',
    right: 'read',
    answer: landingView,
  }),
  enqueue: apiRow({
    method: 'post',
    path: land,
    summary: 'Put a branch into the landing queue',
    description: 'It lands when its gate is open and its merge on the tip of the target was tested green.',
    right: 'write',
    body: landRequest,
    answer: landingView,
  }),
  cancel: apiRow({
    method: 'delete',
    path: land,
    summary: 'Take a branch out of the landing queue',
    right: 'write',
    answer: landingView,
  }),
  prioritize: apiRow({
    method: 'put',
    path: `${land}/priority`,
    summary: 'Change the priority of a branch in the landing queue',
    description: 'What has more lands before what has less; 0 is the usual one.',
    right: 'maintain',
    scope: 'write',
    body: prioritizeRequest,
    answer: landingView,
  }),
};

export function landingsApi(forge: Forge): Router {
  const router = Router();
  entryRoutes(forge, router);
  apiRoute(router, table.queue, (request, response) => {
    response.json(readQueue(forge, repoOf(forge, { request, response }, 'read')));
  });
  apiRoute(router, table.pause, (request, response, sent) => {
    const repo = repoOf(forge, { request, response }, 'maintain');
    response.json(pauseLandings(forge, { repo, caller: callerOf(response), ...sent.body() }));
  });
  apiRoute(router, table.resume, (request, response, sent) => {
    const repo = repoOf(forge, { request, response }, 'maintain');
    response.json(resumeLandings(forge, { repo, caller: callerOf(response), ...sent.body() }));
  });
  return router;
}

function entryRoutes(forge: Forge, router: Router): void {
  const ask = (request: Request, response: Response, right: Right) => ({
    ...branchOfRoute(forge, { request, response }, right),
    caller: callerOf(response),
  });
  apiRoute(router, table.find, (request, response) => {
    const { repo, branch } = ask(request, response, 'read');
    const landing = findLanding(forge, repo, branch.id);
    if (landing === undefined) {
      throw new ForgeError(
        'not_found',
        `Branch #${branch.number} was never in the landing queue. Put it there: ph land ${branch.number}`,
      );
    }
    response.json(landing);
  });
  apiRoute(router, table.enqueue, async (request, response, sent) => {
    const question = ask(request, response, 'write');
    const { head, ...wishes } = sent.body();
    response.json(await enqueueLanding(forge, { ...question, expectedHead: head, ...wishes }));
  });
  apiRoute(router, table.cancel, (request, response) => {
    response.json(cancelLanding(forge, ask(request, response, 'write')));
  });
  apiRoute(router, table.prioritize, (request, response, sent) => {
    const question = ask(request, response, 'maintain');
    response.json(prioritizeLanding(forge, { ...question, ...sent.body() }));
  });
}
