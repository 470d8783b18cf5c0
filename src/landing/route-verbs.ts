// What can be done with a branch beside merging and closing it: aim it elsewhere, take back what it brought, and have a
// merged one again.
import { Router, type Request, type Response } from 'express';
import { callerOf } from '../accounts/guard.ts';
import { branchOfRoute } from '../branches/guard.ts';
import { branchView } from '../branches/model.ts';
import { branchViewOf } from '../branches/view.ts';
import type { Forge } from '../forge/open.ts';
import type { Right } from '../repos/model.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { mergeChoices } from './merge/merge-choices.ts';
import { mergeChoicesView, retargetRequest, revertRequest } from './model.ts';
import { restoreBranch } from './restore.ts';
import { retargetBranch } from './retarget.ts';
import { revertBranch } from './revert.ts';

const branch = '/api/v1/repos/:owner/:repo/branches/:number';

const table = {
  choices: apiRow({
    method: 'get',
    path: `${branch}/merge`,
    summary: 'Show how a branch can be merged: the methods, and the message of each',
    right: 'read',
    answer: mergeChoicesView,
  }),
  retarget: apiRow({
    method: 'post',
    path: `${branch}/retarget`,
    summary: 'Aim an open branch at another target',
    description: 'It is a new revision then, which CI looks at by the rules of that target.',
    right: 'write',
    body: retargetRequest,
    answer: branchView,
  }),
  revert: apiRow({
    method: 'post',
    path: `${branch}/revert`,
    summary: 'Make a new branch that takes back what a merged one brought',
    right: 'write',
    body: revertRequest,
    answer: branchView,
    status: 201,
  }),
  restore: apiRow({
    method: 'post',
    path: `${branch}/restore`,
    summary: 'Make a new branch with the name and the head of a merged one',
    right: 'write',
    answer: branchView,
    status: 201,
  }),
};

export function branchVerbsApi(forge: Forge): Router {
  const router = Router();
  const ask = (request: Request, response: Response, right: Right) => ({
    ...branchOfRoute(forge, { request, response }, right),
    caller: callerOf(response),
  });
  apiRoute(router, table.choices, async (request, response) => {
    response.json(await mergeChoices(forge, ask(request, response, 'read')));
  });
  apiRoute(router, table.retarget, async (request, response, sent) => {
    const question = ask(request, response, 'write');
    const aimed = await retargetBranch(forge, { ...question, target: sent.body().target });
    response.json(branchViewOf(forge, question.repo, aimed));
  });
  apiRoute(router, table.revert, async (request, response, sent) => {
    const question = ask(request, response, 'write');
    const made = await revertBranch(forge, { ...question, reason: sent.body().reason });
    response.status(201).json(branchViewOf(forge, question.repo, made));
  });
  apiRoute(router, table.restore, async (request, response) => {
    const question = ask(request, response, 'write');
    const made = await restoreBranch(forge, question);
    response.status(201).json(branchViewOf(forge, question.repo, made));
  });
  return router;
}
