// The upstream of a repository over the API.
import { Router, type Request, type Response } from 'express';
import { callerOf } from '../../accounts/guard.ts';
import type { Forge } from '../../forge/open.ts';
import { maintainedRepo } from '../../repos/guard.ts';
import { apiRoute, apiRow } from '../../web/api-route.ts';
import { upstreamChange, upstreamRequest, upstreamView } from './model.ts';
import type { Pulls } from './open-pulls.ts';
import {
  askPull,
  cancelPull,
  changeUpstream,
  getUpstream,
  removeUpstream,
  setUpstream,
} from './set-upstream.ts';
import { upstreamViewOf } from './view.ts';

const path = '/api/v1/repos/:owner/:repo/upstream';
const table = {
  show: apiRow({
    method: 'get',
    path,
    summary: 'Show where a repository comes from, and how its pulls do',
    right: 'maintain',
    answer: upstreamView,
  }),
  set: apiRow({
    method: 'put',
    path,
    summary: 'Follow an upstream',
    description:
      'In the place of the one before; it is pulled at once. With the credential `key` the forge makes a deploy key, whose ' +
      'public half is in the answer.',
    right: 'maintain',
    body: upstreamRequest,
    answer: upstreamView,
  }),
  change: apiRow({
    method: 'patch',
    path,
    summary: 'Change how an upstream is followed',
    right: 'maintain',
    body: upstreamChange,
    answer: upstreamView,
  }),
  remove: apiRow({
    method: 'delete',
    path,
    summary: 'Follow an upstream no longer; what was brought stays',
    right: 'maintain',
    answer: 'nothing',
  }),
  pull: apiRow({
    method: 'post',
    path: `${path}/pull`,
    summary: 'Pull an upstream now',
    description: 'Answers when the pull has begun; 409 while one runs.',
    right: 'maintain',
    answer: upstreamView,
  }),
  cancel: apiRow({
    method: 'post',
    path: `${path}/cancel`,
    summary: 'Cancel the pull that runs',
    right: 'maintain',
    answer: upstreamView,
  }),
};

export function upstreamApi(forge: Forge, pulls: Pulls): Router {
  const router = Router();
  const orderOf = (request: Request, response: Response) => {
    const repo = maintainedRepo(forge, { request, response });
    response.set('Cache-Control', 'no-store');
    return { repo, caller: callerOf(response) };
  };
  const view = (upstream: Parameters<typeof upstreamViewOf>[2]) => upstreamViewOf(forge, pulls, upstream);
  apiRoute(router, table.show, (request, response) => {
    response.json(view(getUpstream(forge, orderOf(request, response).repo)));
  });
  apiRoute(router, table.set, (request, response, sent) => {
    const order = orderOf(request, response);
    response.json(view(setUpstream(forge, pulls, { ...order, request: sent.body() })));
  });
  apiRoute(router, table.change, (request, response, sent) => {
    const order = orderOf(request, response);
    response.json(view(changeUpstream(forge, pulls, { ...order, change: sent.body() })));
  });
  apiRoute(router, table.remove, (request, response) => {
    removeUpstream(forge, pulls, orderOf(request, response));
    response.status(204).end();
  });
  apiRoute(router, table.pull, (request, response) => {
    response.json(view(askPull(forge, pulls, orderOf(request, response))));
  });
  apiRoute(router, table.cancel, (request, response) => {
    response.json(view(cancelPull(forge, pulls, orderOf(request, response))));
  });
  return router;
}
