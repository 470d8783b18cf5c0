// How long a repository keeps what piles up, as a page of its settings and as API.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { statusByCode } from '../lib/statuses.ts';
import { apiRoute } from '../web/api-route.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { maintainedRepo, repoOf } from './guard.ts';
import type { Repo } from './model.ts';
import {
  repoRetentionView,
  retentionParts,
  retentionRequest,
  type RetentionPart,
} from './retention-model.ts';
import { retentionOf, setRetention } from './retention.ts';

interface Exchange {
  request: Request;
  response: Response;
}

const page = '/:owner/:repo/settings/retention';
const field = z
  .string()
  .trim()
  .regex(/^\d{0,6}$/, 'expected a number of days, or nothing');
const form = z.object({ logDays: field, artifactDays: field, runDays: field, revisionDays: field });
const pageQuery = z.object({ saved: z.literal('1').optional() });

const words: Record<RetentionPart, { title: string; meaning: string }> = {
  logDays: { title: 'Logs', meaning: 'days after the attempt ended' },
  artifactDays: { title: 'Artifacts', meaning: 'days after the attempt ended' },
  runDays: { title: 'Runs', meaning: 'days after they ended, with their results' },
  revisionDays: {
    title: 'Superseded revisions',
    meaning: 'days after the branch was merged or closed; what was reviewed or commented on stays',
  },
};

export function retentionPages(forge: Forge): Router {
  const router = Router();
  router.get(page, (request, response) => {
    const repo = maintainedRepo(forge, { request, response });
    const { saved } = parse(pageQuery, request.query);
    show(forge, response, { repo, isSaved: saved !== undefined });
  });
  router.post(page, (request, response) => submit(forge, { request, response }));
  return router;
}

function submit(forge: Forge, exchange: Exchange): void {
  const { request, response } = exchange;
  const repo = maintainedRepo(forge, exchange);
  try {
    const typed = parse(form, request.body);
    const days = retentionParts.map((part) => [part, typed[part] === '' ? null : Number(typed[part])]);
    const changes = parse(retentionRequest, Object.fromEntries(days));
    setRetention(forge, { repo, caller: callerOf(response), changes });
    response.redirect(303, `/${repo.owner}/${repo.name}/settings/retention?saved=1`);
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    response.status(statusByCode[error.code]);
    show(forge, response, { repo, refused: error.message, typed: request.body as unknown });
  }
}

interface Shown {
  repo: Repo;
  isSaved?: boolean;
  refused?: string;
  typed?: unknown;
}

function show(forge: Forge, response: Response, { repo, isSaved, refused, typed }: Shown): void {
  const { own, forge: ofForge } = retentionOf(forge, repo.id);
  const given = typed as Partial<Record<string, unknown>> | undefined;
  response.setHeader('Cache-Control', 'no-store');
  render(response, 'repos/retention.njk', {
    repo,
    right: 'maintain',
    isSaved,
    refused,
    parts: retentionParts.map((name) => ({
      name,
      ...words[name],
      ofForge: ofForge[name],
      value: given === undefined ? (own[name] ?? '') : shownText(given[name]),
    })),
  });
}

const shownText = (value: unknown): string => (typeof value === 'string' ? value : '');

const path = '/api/v1/repos/:owner/:repo/settings/retention';

export function retentionApi(forge: Forge): Router {
  const router = Router();
  apiRoute(
    router,
    {
      method: 'get',
      path,
      summary: 'Show how long a repository keeps logs, artifacts, runs and superseded revisions',
      right: 'read',
      answer: repoRetentionView,
    },
    (request, response) => {
      const repo = repoOf(forge, { request, response }, 'read');
      response.json(retentionOf(forge, repo.id));
    },
  );
  apiRoute(
    router,
    {
      method: 'patch',
      path,
      summary: 'Change how long a repository keeps them',
      description: 'Days; null goes back to what the forge says, and what is left out stays as it is.',
      right: 'maintain',
      body: retentionRequest,
      answer: repoRetentionView,
    },
    (request, response, sent) => {
      const repo = maintainedRepo(forge, { request, response });
      response.json(setRetention(forge, { repo, caller: callerOf(response), changes: sent.body() }));
    },
  );
  return router;
}
