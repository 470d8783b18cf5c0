// The members of a repository, as a page of its settings and as API.
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
import { listMembers, membersToBe, removeMember, setMember } from './members.ts';
import { memberRequest, memberRoles, membersView, memberView, type Repo } from './model.ts';

interface Exchange {
  request: Request;
  response: Response;
}

const page = '/:owner/:repo/settings/members';
const memberForm = z.object({
  account: z.string().trim().min(1, 'choose an account'),
  role: z.enum(memberRoles),
});
const removalForm = z.object({ account: z.string() });

export function memberPages(forge: Forge): Router {
  const router = Router();
  router.get(page, (request, response) => {
    const repo = maintainedRepo(forge, { request, response });
    show(forge, { request, response }, { repo });
  });
  router.post(page, (request, response) =>
    submit(forge, { request, response }, (order) =>
      setMember(forge, { ...order, ...parse(memberForm, request.body) }),
    ),
  );
  router.post(`${page}/remove`, (request, response) =>
    submit(forge, { request, response }, (order) =>
      removeMember(forge, { ...order, ...parse(removalForm, request.body) }),
    ),
  );
  return router;
}

function submit(
  forge: Forge,
  exchange: Exchange,
  change: (order: { repo: Repo; caller: ReturnType<typeof callerOf> }) => unknown,
): void {
  const { response } = exchange;
  const repo = maintainedRepo(forge, exchange);
  try {
    change({ repo, caller: callerOf(response) });
    response.redirect(303, `/${repo.owner}/${repo.name}/settings/members`);
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    response.status(statusByCode[error.code]);
    show(forge, exchange, { repo, refused: error.message });
  }
}

function show(forge: Forge, { request, response }: Exchange, shown: { repo: Repo; refused?: string }): void {
  const { repo, refused } = shown;
  const typed =
    refused === undefined ? undefined : (request.body as { account?: string } | undefined)?.account;
  response.setHeader('Cache-Control', 'no-store');
  render(response, 'repos/members.njk', {
    repo,
    right: 'maintain',
    members: listMembers(forge, repo),
    choices: membersToBe(forge, repo),
    roles: memberRoles,
    refused,
    typed,
  });
}

const members = '/api/v1/repos/:owner/:repo/members';

export function membersApi(forge: Forge): Router {
  const router = Router();
  apiRoute(
    router,
    {
      method: 'get',
      path: members,
      summary: 'List the members of a repository',
      right: 'maintain',
      scope: 'write',
      answer: membersView,
    },
    (request, response) => {
      const repo = repoOf(forge, { request, response }, 'maintain');
      response.json({ owner: repo.owner, members: listMembers(forge, repo) });
    },
  );
  apiRoute(
    router,
    {
      method: 'put',
      path: `${members}/:account`,
      summary: 'Add a member, or change what one may do',
      right: 'maintain',
      body: memberRequest,
      answer: memberView,
    },
    (request, response, sent) => {
      const repo = maintainedRepo(forge, { request, response });
      const order = { repo, caller: callerOf(response), account: request.params.account };
      response.json(setMember(forge, { ...order, role: sent.body().role }));
    },
  );
  apiRoute(
    router,
    {
      method: 'delete',
      path: `${members}/:account`,
      summary: 'Remove a member',
      right: 'maintain',
      answer: 'nothing',
    },
    (request, response) => {
      const repo = maintainedRepo(forge, { request, response });
      removeMember(forge, { repo, caller: callerOf(response), account: request.params.account });
      response.status(204).end();
    },
  );
  return router;
}
