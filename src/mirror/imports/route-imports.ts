// Importing a repository: a page with a form, and the API.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { callerOf, requireOwnAccount } from '../../accounts/guard.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { statusByCode } from '../../lib/statuses.ts';
import { fullName } from '../../repos/model.ts';
import { repoUrls } from '../../repos/urls.ts';
import { apiRoute, apiRow } from '../../web/api-route.ts';
import { parse } from '../../web/parse.ts';
import { render } from '../../web/render.ts';
import { importRequest, importView, importVisibilities } from '../pull/model.ts';
import type { Pulls } from '../pull/open-pulls.ts';
import { upstreamViewOf } from '../pull/view.ts';
import { importRepo } from './import-repo.ts';

const page = '/new/import';
const importForm = z.object({
  url: z.string(),
  owner: z.string(),
  name: z.string(),
  user: z.string().default(''),
  token: z.string().default(''),
  visibility: z.enum(importVisibilities),
  follows: z.literal('on').optional(),
});

const row = apiRow({
  method: 'post',
  path: '/api/v1/imports',
  summary: 'Import a repository from elsewhere',
  description:
    'The remote is asked first, so a wrong address or token is answered at once. The objects come afterwards: watch ' +
    '`…/upstream` until its state is `in-step` or `idle`.',
  right: 'account',
  scope: 'admin',
  body: importRequest,
  answer: importView,
  status: 201,
});

export function importsApi(forge: Forge, pulls: Pulls): Router {
  const router = Router();
  apiRoute(router, row, async (_request, response, sent) => {
    const caller = callerOf(response);
    requireOwnAccount(caller, 'admin');
    const { repo, upstream } = await importRepo(forge, pulls, { caller, request: sent.body() });
    const { owner, name } = repo;
    const shown = upstreamViewOf(forge, pulls, upstream);
    response.status(201).json({ owner, name, url: repoUrls(forge, repo).page, upstream: shown });
  });
  return router;
}

export function importsPages(forge: Forge, pulls: Pulls): Router {
  const router = Router();
  router.get(page, (request, response) => {
    requireOwnAccount(callerOf(response), 'admin');
    show(forge, { request, response }, undefined);
  });
  router.post(page, async (request, response) => {
    const caller = callerOf(response);
    requireOwnAccount(caller, 'admin');
    try {
      const { repo } = await importRepo(forge, pulls, { caller, request: readForm(request) });
      response.redirect(303, `/${fullName(repo)}/settings/upstream`);
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
      response.status(statusByCode[error.code]);
      show(forge, { request, response }, error.message);
    }
  });
  return router;
}

function readForm(request: Request) {
  const { url, owner, name, user, token, visibility, follows } = parse(importForm, request.body);
  const credential =
    token.trim() === ''
      ? { kind: 'none' }
      : { kind: 'token', token: token.trim(), ...(user.trim() === '' ? {} : { user: user.trim() }) };
  return parse(importRequest, {
    url: url.trim(),
    owner: owner.trim(),
    // Most are called here as they are there.
    name: name.trim() || nameIn(url),
    credential,
    visibility,
    follows: follows === 'on',
  });
}

const nameIn = (url: string): string => /([^/:]+?)(?:\.git)?\/*\s*$/.exec(url)?.[1] ?? '';

function show(
  forge: Forge,
  { request, response }: { request: Request; response: Response },
  refused: string | undefined,
): void {
  const { account } = callerOf(response);
  const typed = importForm.partial().safeParse(request.body).data;
  response.setHeader('Cache-Control', 'no-store');
  render(response, 'mirror/import.njk', {
    refused,
    schemes: forge.config.mirror.allowedSchemes,
    // The token is not shown again.
    fields: {
      url: typed?.url ?? '',
      owner: typed?.owner ?? account?.name ?? '',
      name: typed?.name ?? '',
      user: typed?.user ?? '',
      visibility: typed?.visibility ?? 'private',
      follows: typed?.follows === 'on',
    },
  });
}
