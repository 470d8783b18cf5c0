// The deploy keys of a repository, as a page of its settings and as API.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import {
  deployKeyRequest,
  deployKeysView,
  deployKeyView,
  type DeployKey,
  type DeployKeyView,
} from '../accounts/credentials-model.ts';
import { addDeployKey, listDeployKeys, removeDeployKey } from '../accounts/deploy-keys.ts';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { statusByCode } from '../lib/statuses.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { maintainedRepo } from './guard.ts';
import { fullName, type Repo } from './model.ts';

interface Exchange {
  request: Request;
  response: Response;
}

const rowId = z.coerce.number().int().positive();
const page = '/:owner/:repo/settings/deploy-keys';
const keyForm = deployKeyRequest.extend({ form_token: z.string().optional() });

export function deployKeyPages(forge: Forge): Router {
  const router = Router();
  router.get(page, (request, response) =>
    show(forge, { request, response }, { repo: maintainedRepo(forge, { request, response }) }),
  );
  router.post(page, (request, response) => {
    const repo = maintainedRepo(forge, { request, response });
    try {
      const { text, label, right } = parse(keyForm, request.body);
      addDeployKey(forge, {
        ...orderOf(repo, response),
        text,
        label: label ?? '',
        canWrite: right === 'write',
      });
      response.redirect(303, `/${fullName(repo)}/settings/deploy-keys`);
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
      response.status(statusByCode[error.code]);
      show(forge, { request, response }, { repo, refused: error.message });
    }
  });
  router.post(`${page}/:id/remove`, (request, response) => {
    const repo = maintainedRepo(forge, { request, response });
    removeDeployKey(forge, { ...orderOf(repo, response), id: parse(rowId, request.params['id']) });
    response.redirect(303, `/${fullName(repo)}/settings/deploy-keys`);
  });
  return router;
}

function show(forge: Forge, { request, response }: Exchange, shown: { repo: Repo; refused?: string }): void {
  const { repo, refused } = shown;
  response.setHeader('Cache-Control', 'no-store');
  render(response, 'repos/deploy-keys.njk', {
    repo,
    right: 'maintain',
    keys: listDeployKeys(forge, repo.id),
    refused,
    typed: refused === undefined ? {} : (request.body as unknown),
  });
}

const path = '/api/v1/repos/:owner/:repo/deploy-keys';
const table = {
  list: apiRow({
    method: 'get',
    path,
    summary: 'List the deploy keys of a repository',
    right: 'maintain',
    answer: deployKeysView,
  }),
  add: apiRow({
    method: 'post',
    path,
    summary: 'Add a deploy key to a repository',
    description: 'An SSH key that fetches, or fetches and pushes, in this repository and nowhere else.',
    right: 'maintain',
    body: deployKeyRequest,
    answer: deployKeyView,
    status: 201,
  }),
  remove: apiRow({
    method: 'delete',
    path: `${path}/:id`,
    summary: 'Remove a deploy key from a repository',
    right: 'maintain',
    answer: 'nothing',
  }),
};

export function deployKeyApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, table.list, (request, response) => {
    const repo = maintainedRepo(forge, { request, response });
    response.json({ keys: listDeployKeys(forge, repo.id).map(viewOf) });
  });
  apiRoute(router, table.add, (request, response, sent) => {
    const repo = maintainedRepo(forge, { request, response });
    const { text, label = '', right } = sent.body();
    const order = { ...orderOf(repo, response), text, label, canWrite: right === 'write' };
    response.status(201).json(viewOf(addDeployKey(forge, order)));
  });
  apiRoute(router, table.remove, (request, response) => {
    const repo = maintainedRepo(forge, { request, response });
    removeDeployKey(forge, { ...orderOf(repo, response), id: parse(rowId, request.params.id) });
    response.status(204).end();
  });
  return router;
}

const orderOf = (repo: Repo, response: Response) => ({
  caller: callerOf(response),
  repo: { id: repo.id, fullName: fullName(repo) },
});

const viewOf = ({ canWrite, createdAt, lastUsedAt, ...key }: DeployKey): DeployKeyView => ({
  ...key,
  right: canWrite ? 'write' : 'read',
  createdAt: new Date(createdAt).toISOString(),
  lastUsedAt: lastUsedAt === undefined ? null : new Date(lastUsedAt).toISOString(),
});
