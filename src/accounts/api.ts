import { Router } from 'express';
import { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import { parse } from '../web/parse.ts';
import { recordAudit } from './audit.ts';
import { callerOf, requireAccount } from './guard.ts';
import type { AccountView } from './model.ts';
import { approvalApi } from './route-approval.ts';
import { nostrRoutes } from './route-nostr.ts';
import { peopleApi } from './route-people.ts';
import { exchangeLinkForToken } from './sign-in.ts';
import { revokeToken } from './store.ts';

const exchangeRequest = z.strictObject({ secret: z.string().min(1).max(200) });

export function accountsApi(forge: Forge): Router {
  const router = Router();
  router.use(nostrRoutes(forge));
  router.use(approvalApi(forge));
  router.use(peopleApi(forge));
  router.get('/api/v1/whoami', (_request, response) => {
    const { name, role, kind } = requireAccount(callerOf(response), 'read');
    response.json({ name, role, kind } satisfies AccountView);
  });
  // A one-time link, as `ssh … login` prints it, becomes a write token for `ph`.
  router.post('/api/v1/sessions', (request, response) => {
    const { secret } = parse(exchangeRequest, request.body);
    const { token, account } = exchangeLinkForToken(forge, secret);
    recordAudit(forge, { ...callerOf(response), account }, { action: 'token.create', subject: account.name });
    response.status(201).json({ token, account: account.name });
  });
  router.delete('/api/v1/sessions/current', (_request, response) => {
    const caller = callerOf(response);
    const account = requireAccount(caller, 'read');
    const id = Number(/^token (\d+)$/.exec(caller.credential)?.[1] ?? 0);
    revokeToken(forge.db, { id, accountId: account.id, now: forge.clock.now() });
    recordAudit(forge, caller, { action: 'token.remove', subject: account.name, detail: { id } });
    response.status(204).end();
  });
  return router;
}
