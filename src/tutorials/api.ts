// Reading with a tutorial, as API: which steps one has viewed, and having it written again.
import { Router } from 'express';
import { callerOf } from '../accounts/guard.ts';
import { branchOfRoute } from '../branches/guard.ts';
import type { Forge } from '../forge/open.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { stepProgress, viewStepRequest, writeAnswer } from './model.ts';
import { rewriteTutorial } from './rewrite.ts';
import { requireReader, viewStep } from './view-step.ts';

const tutorial = '/api/v1/repos/:owner/:repo/branches/:number/tutorial';
const reader = { right: 'read', scope: 'write' } as const;

const table = {
  view: apiRow({
    method: 'put',
    path: `${tutorial}/steps/:step/viewed`,
    summary: 'Mark the hunks of a step of the tutorial as viewed by you',
    description: 'A hunk that a later revision leaves as it is, but for its place in the file, stays viewed.',
    ...reader,
    body: viewStepRequest,
    answer: stepProgress,
  }),
  unview: apiRow({
    method: 'delete',
    path: `${tutorial}/steps/:step/viewed`,
    summary: 'Take back that you viewed a step of the tutorial',
    ...reader,
    answer: stepProgress,
  }),
  write: apiRow({
    method: 'post',
    path: `${tutorial}/write`,
    summary: 'Have the tutorial of the newest revision written again',
    right: 'write',
    answer: writeAnswer,
    status: 202,
  }),
};

export function tutorialsApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, table.view, async (request, response, sent) => {
    const order = {
      ...branchOfRoute(forge, { request, response }, 'read'),
      caller: callerOf(response),
    };
    requireReader(forge, order);
    const { revision } = sent.body();
    const step = stepNumber(request.params.step);
    response.json(await viewStep(forge, { ...order, step, revision, isViewed: true }));
  });
  apiRoute(router, table.unview, async (request, response) => {
    const order = { ...branchOfRoute(forge, { request, response }, 'read'), caller: callerOf(response) };
    const step = stepNumber(request.params.step);
    response.json(await viewStep(forge, { ...order, step, isViewed: false }));
  });
  apiRoute(router, table.write, (request, response) => {
    const order = { ...branchOfRoute(forge, { request, response }, 'write'), caller: callerOf(response) };
    rewriteTutorial(forge, order);
    response.status(202).json({ state: 'queued', revision: order.branch.revision });
  });
  return router;
}

/** The number in a path; 0, which no step has, for what is none. */
export const stepNumber = (given: unknown): number =>
  typeof given === 'string' && /^[0-9]{1,6}$/.test(given) ? Number(given) : 0;
