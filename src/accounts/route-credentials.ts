// The keys, tokens and sessions of an account, as API: one's own, and for admins the keys and tokens of agents.
import { Router, type Response } from 'express';
import { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import { apiRoute, apiRow, type ApiRight } from '../web/api-route.ts';
import { parse } from '../web/parse.ts';
import {
  createdTokenView,
  endedSessionsView,
  keyRequest,
  keysView,
  keyView,
  sessionsView,
  tokenRequest,
  tokensView,
} from './credentials-model.ts';
import { callerOf, requireAdmin, requireOwnAccount } from './guard.ts';
import { addKeyOf, keysOf, removeKeyOf } from './keys.ts';
import { getAgent } from './manage.ts';
import type { Account, TokenScope } from './model.ts';
import type { RepoNames } from './repo-names.ts';
import { endOtherSessions, endSession, sessionsOf } from './sessions.ts';
import { issueToken, revokeTokenOf, tokensOf } from './tokens.ts';

const rowId = z.coerce.number().int().positive();

/** Whose credentials a route is about, and who may touch them. */
interface Holder {
  base: string;
  /** For the summaries. */
  whose: string;
  right: ApiRight;
  accountOf: (asked: { params: object; response: Response }, scope: TokenScope) => Account;
}

export function credentialsApi(forge: Forge, repos: RepoNames): Router {
  const router = Router();
  const own: Holder = {
    base: '/api/v1/account',
    whose: 'your account',
    right: 'account',
    accountOf: ({ response }, scope) => requireOwnAccount(callerOf(response), scope),
  };
  const agents: Holder = {
    base: '/api/v1/agents/:name',
    whose: 'an agent',
    right: 'admin',
    accountOf: ({ params, response }) => {
      requireAdmin(callerOf(response));
      return getAgent(forge, String((params as { name?: unknown }).name));
    },
  };
  for (const holder of [own, agents]) {
    keyRoutes(forge, router, holder);
    tokenRoutes(forge, router, { holder, repos });
  }
  sessionRoutes(forge, router);
  return router;
}

const keyTable = ({ base, whose, right }: Holder) => ({
  list: apiRow({
    method: 'get',
    path: `${base}/keys`,
    summary: `List the SSH keys of ${whose}`,
    right,
    answer: keysView,
  }),
  add: apiRow({
    method: 'post',
    path: `${base}/keys`,
    summary: `Add an SSH key to ${whose}`,
    right,
    scope: 'admin',
    body: keyRequest,
    answer: keyView,
    status: 201,
  }),
  remove: apiRow({
    method: 'delete',
    path: `${base}/keys/:id`,
    summary: `Remove an SSH key from ${whose}`,
    right,
    scope: 'admin',
    answer: 'nothing',
  }),
});

function keyRoutes(forge: Forge, router: Router, holder: Holder): void {
  const table = keyTable(holder);
  apiRoute(router, table.list, ({ params }, response) => {
    response.json({ keys: keysOf(forge, holder.accountOf({ params, response }, 'read')) });
  });
  apiRoute(router, table.add, ({ params }, response, sent) => {
    const account = holder.accountOf({ params, response }, 'admin');
    response.status(201).json(addKeyOf(forge, { caller: callerOf(response), account, ...sent.body() }));
  });
  apiRoute(router, table.remove, ({ params }, response) => {
    const account = holder.accountOf({ params, response }, 'admin');
    removeKeyOf(forge, { caller: callerOf(response), account, id: parse(rowId, params.id) });
    response.status(204).end();
  });
}

const tokenTable = ({ base, whose, right }: Holder) => ({
  list: apiRow({
    method: 'get',
    path: `${base}/tokens`,
    summary: `List the tokens of ${whose}`,
    right,
    answer: tokensView,
  }),
  create: apiRow({
    method: 'post',
    path: `${base}/tokens`,
    summary: `Create a token of ${whose}`,
    description: 'The token is told once, in this answer. With `repo` it is good for that repository alone.',
    right,
    scope: 'admin',
    body: tokenRequest,
    answer: createdTokenView,
    status: 201,
  }),
  revoke: apiRow({
    method: 'delete',
    path: `${base}/tokens/:id`,
    summary: `Revoke a token of ${whose}`,
    right,
    scope: 'admin',
    answer: 'nothing',
  }),
});

function tokenRoutes(
  forge: Forge,
  router: Router,
  { holder, repos }: { holder: Holder; repos: RepoNames },
): void {
  const table = tokenTable(holder);
  apiRoute(router, table.list, ({ params }, response) => {
    const account = holder.accountOf({ params, response }, 'read');
    response.json({ tokens: tokensOf(forge, repos, { caller: callerOf(response), account }) });
  });
  apiRoute(router, table.create, ({ params }, response, sent) => {
    const account = holder.accountOf({ params, response }, 'admin');
    const order = { caller: callerOf(response), account, request: sent.body() };
    response
      .status(201)
      .set('Cache-Control', 'no-store')
      .json(issueToken(forge, repos, order));
  });
  apiRoute(router, table.revoke, ({ params }, response) => {
    const account = holder.accountOf({ params, response }, 'admin');
    revokeTokenOf(forge, { caller: callerOf(response), account, id: parse(rowId, params.id) });
    response.status(204).end();
  });
}

const sessionsPath = '/api/v1/account/sessions';
const sessionTable = {
  list: apiRow({
    method: 'get',
    path: sessionsPath,
    summary: 'List the browser sessions of your account',
    right: 'account',
    answer: sessionsView,
  }),
  endOthers: apiRow({
    method: 'delete',
    path: sessionsPath,
    summary: 'End every browser session of your account but the one that asks',
    right: 'account',
    scope: 'admin',
    answer: endedSessionsView,
  }),
  end: apiRow({
    method: 'delete',
    path: `${sessionsPath}/:id`,
    summary: 'End a browser session of your account',
    right: 'account',
    scope: 'admin',
    answer: 'nothing',
  }),
};

function sessionRoutes(forge: Forge, router: Router): void {
  apiRoute(router, sessionTable.list, (_request, response) => {
    const caller = callerOf(response);
    response.json({ sessions: sessionsOf(forge, { caller, account: requireOwnAccount(caller, 'read') }) });
  });
  apiRoute(router, sessionTable.endOthers, (_request, response) => {
    response.json({ ended: endOtherSessions(forge, callerOf(response)) });
  });
  apiRoute(router, sessionTable.end, ({ params }, response) => {
    const caller = callerOf(response);
    const account = requireOwnAccount(caller, 'admin');
    endSession(forge, { caller, account, id: parse(rowId, params.id) });
    response.status(204).end();
  });
}
