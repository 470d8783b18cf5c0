// The secrets of a repository, as a page of its settings and over the API. A value goes in and never comes out again.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { callerOf } from '../../accounts/guard.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { statusByCode } from '../../lib/statuses.ts';
import { maintainedRepo } from '../../repos/guard.ts';
import { apiRoute, apiRow } from '../../web/api-route.ts';
import { parse } from '../../web/parse.ts';
import { render } from '../../web/render.ts';
import { secretListView, secretRequest, secretView, type Secret, type SecretView } from './model.ts';
import { listSecrets, removeSecret, setSecret } from './set-secret.ts';

interface Exchange {
  request: Request;
  response: Response;
}

const apiBase = '/api/v1/repos/:owner/:repo/secrets';
const pageBase = '/:owner/:repo/settings/secrets';
const secretForm = z.object({ name: z.string(), value: z.string(), refs: z.string() });
const nameForm = z.object({ name: z.string() });
const pageQuery = z.object({ saved: z.string().max(128).optional(), name: z.string().max(128).optional() });

const table = {
  list: apiRow({
    method: 'get',
    path: apiBase,
    summary: 'List the secrets of a repository',
    description: 'Their names and branches; a value never comes out again.',
    right: 'maintain',
    answer: secretListView,
  }),
  set: apiRow({
    method: 'put',
    path: `${apiBase}/:name`,
    summary: 'Create or change a secret',
    right: 'maintain',
    body: secretRequest,
    answer: secretView,
    status: [201, 200],
  }),
  remove: apiRow({
    method: 'delete',
    path: `${apiBase}/:name`,
    summary: 'Remove a secret',
    right: 'maintain',
    answer: secretListView,
  }),
};

export function secretsApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, table.list, (request, response) => {
    const repo = maintainedRepo(forge, { request, response });
    response.set('Cache-Control', 'no-store');
    response.json({ secrets: listSecrets(forge, repo).map(secretViewOf) });
  });
  apiRoute(router, table.set, (request, response, sent) => {
    const repo = maintainedRepo(forge, { request, response });
    const order = { repo, caller: callerOf(response), name: request.params.name };
    const { secret, isNew } = setSecret(forge, { ...order, ...sent.body() });
    response.status(isNew ? 201 : 200).json(secretViewOf(secret));
  });
  apiRoute(router, table.remove, (request, response) => {
    const repo = maintainedRepo(forge, { request, response });
    removeSecret(forge, { repo, caller: callerOf(response), name: request.params.name });
    response.json({ secrets: listSecrets(forge, repo).map(secretViewOf) });
  });
  return router;
}

export function secretsPages(forge: Forge): Router {
  const router = Router();
  router.get(pageBase, (request, response) => {
    const { saved, name } = parse(pageQuery, request.query);
    show(forge, { request, response }, { saved, name });
  });
  router.post(pageBase, (request, response) => {
    submit(forge, { request, response }, (order) => {
      const { name, value, refs } = parse(secretForm, request.body);
      // A browser sends the line ends of a text field as CRLF, which would break keys that are many lines long.
      const text = value.replaceAll('\r\n', '\n');
      setSecret(forge, {
        ...order,
        name: name.trim(),
        value: text === '' ? undefined : text,
        refs: refs.split(/\s+/).filter((pattern) => pattern !== ''),
      });
      return name.trim();
    });
  });
  router.post(`${pageBase}/remove`, (request, response) => {
    submit(forge, { request, response }, (order) => {
      removeSecret(forge, { ...order, ...parse(nameForm, request.body) });
      return undefined;
    });
  });
  return router;
}

const secretViewOf = ({ name, refs, updatedAt, updatedByName }: Secret): SecretView => ({
  name,
  refs,
  updatedAt: new Date(updatedAt).toISOString(),
  updatedBy: updatedByName ?? null,
});

type Ordered = Pick<Parameters<typeof removeSecret>[1], 'repo' | 'caller'>;

function submit(forge: Forge, exchange: Exchange, change: (order: Ordered) => string | undefined): void {
  const { request, response } = exchange;
  const repo = maintainedRepo(forge, exchange);
  try {
    const saved = change({ repo, caller: callerOf(response) });
    const query = saved === undefined ? '' : `?saved=${encodeURIComponent(saved)}`;
    response.redirect(303, `/${repo.owner}/${repo.name}/settings/secrets${query}`);
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    response.status(statusByCode[error.code]);
    show(forge, exchange, { refused: error.message, typed: request.body as unknown });
  }
}

interface Shown {
  saved?: string | undefined;
  /** The secret whose fields the form is filled with. */
  name?: string | undefined;
  refused?: string;
  /** The body of the refused form. Its value is not shown again. */
  typed?: unknown;
}

function show(forge: Forge, exchange: Exchange, { saved, name, refused, typed }: Shown): void {
  const repo = maintainedRepo(forge, exchange);
  const secrets = listSecrets(forge, repo);
  const chosen = secrets.find((secret) => secret.name === name);
  const sent = secretForm.partial().safeParse(typed).data;
  exchange.response.setHeader('Cache-Control', 'no-store');
  render(exchange.response, 'ci/secrets.njk', {
    repo,
    right: 'maintain',
    secrets,
    // Only a name that is there: the address must not put words of others on the page.
    saved: secrets.find((secret) => secret.name === saved)?.name,
    refused,
    chosen: chosen?.name,
    fields: {
      name: sent?.name ?? chosen?.name ?? '',
      refs: sent?.refs ?? (chosen?.refs ?? [repo.defaultBranch]).join(' '),
    },
  });
}
