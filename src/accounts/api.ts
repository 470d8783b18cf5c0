import { Router } from 'express';
import type { Forge } from '../forge/open.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { recordAudit } from './audit.ts';
import { callerOf, requireAccount } from './guard.ts';
import { accountView, linkRequest, newTokenView } from './model.ts';
import { approvalApi } from './route-approval.ts';
import type { RepoNames } from './repo-names.ts';
import { credentialsApi } from './route-credentials.ts';
import { nostrRoutes } from './route-nostr.ts';
import { passkeyRoutes } from './route-passkeys.ts';
import { peopleApi } from './route-people.ts';
import { exchangeLinkForToken } from './sign-in.ts';
import { revokeToken } from './store.ts';

const table = {
  whoami: apiRow({
    method: 'get',
    path: '/api/v1/whoami',
    summary: 'Tell who the caller is',
    right: 'account',
    answer: accountView,
  }),
  exchange: apiRow({
    method: 'post',
    path: '/api/v1/sessions',
    summary: 'Turn a one-time link into a token',
    description: 'The secret is the last part of the link, as `ssh … login` prints it. It works once.',
    right: 'anyone',
    body: linkRequest,
    answer: newTokenView,
    status: 201,
  }),
  signOut: apiRow({
    method: 'delete',
    path: '/api/v1/sessions/current',
    summary: 'Revoke the token that the request is sent with',
    right: 'account',
    scope: 'read',
    answer: 'nothing',
  }),
};

export function accountsApi(forge: Forge, repos: RepoNames): Router {
  const router = Router();
  router.use(nostrRoutes(forge));
  router.use(passkeyRoutes(forge));
  router.use(credentialsApi(forge, repos));
  router.use(approvalApi(forge));
  router.use(peopleApi(forge));
  apiRoute(router, table.whoami, (_request, response) => {
    const { name, role, kind } = requireAccount(callerOf(response), 'read');
    response.json({ name, role, kind });
  });
  // A one-time link, as `ssh … login` prints it, becomes a token for `ph`.
  apiRoute(router, table.exchange, (_request, response, sent) => {
    const { secret, scope } = sent.body();
    const { token, account } = exchangeLinkForToken(forge, secret, scope);
    const caller = { ...callerOf(response), account, credential: 'login link' };
    recordAudit(forge, caller, { action: 'token.create', subject: account.name, detail: { scope } });
    response.status(201).json({ token, account: account.name });
  });
  apiRoute(router, table.signOut, (_request, response) => {
    const caller = callerOf(response);
    const account = requireAccount(caller, 'read');
    const id = Number(/^token (\d+)$/.exec(caller.credential)?.[1] ?? 0);
    revokeToken(forge.db, { id, accountId: account.id, now: forge.clock.now() });
    recordAudit(forge, caller, { action: 'token.remove', subject: account.name, detail: { id } });
    response.status(204).end();
  });
  return router;
}
