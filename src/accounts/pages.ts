// Signing in by a one-time link, and signing out.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { publicOrigin, sshAddress, type Forge } from '../forge/open.ts';
import { hashSecret } from '../lib/secrets.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { recordAudit } from './audit.ts';
import { callerOf, sessionCookie, sessionSecretOf } from './guard.ts';
import { hasAdmin } from './find.ts';
import { accountName } from './model.ts';
import { passkeyOrigin } from './passkey-proof.ts';
import type { RepoNames } from './repo-names.ts';
import { accountPages } from './route-account.ts';
import { approvalPages } from './route-approval.ts';
import { secondFactorPages } from './route-passkeys.ts';
import { peoplePages } from './route-people.ts';
import { isRecoveryLink, readLoginLink, redeemLoginLink } from './sign-in.ts';
import { beginSession } from './start-session.ts';
import { deleteSession, findSession } from './store.ts';

const linkForm = z.object({ name: accountName.optional() });
export function accountsPages(forge: Forge, repos: RepoNames): Router {
  const router = Router();
  router.get('/login', (request, response) => {
    const { host, port } = sshAddress(forge.config);
    render(response, 'accounts/login.njk', {
      sshHost: host,
      sshPort: port,
      isNew: !hasAdmin(forge),
      returnTo: samePath(request.query['return']),
      hasPasskeys: passkeyOrigin(publicOrigin(forge.config)).problem === undefined,
    });
  });
  router.use(approvalPages(forge));
  router.use(secondFactorPages(forge));
  router.use(peoplePages(forge));
  router.get('/login/:secret', (request, response) => {
    const { secret } = request.params;
    // The secret stays out of every Referer; no-referrer would also turn the Origin of the form into null.
    response.setHeader('Referrer-Policy', 'strict-origin');
    render(response, 'accounts/link.njk', {
      secret,
      accountName: readLoginLink(forge, secret)?.name,
      isRecovery: isRecoveryLink(forge, secret),
    });
  });
  router.post('/login/:secret', (request, response) => signIn(forge, { request, response }));
  router.post('/logout', (_request, response) => signOut(forge, response));
  router.use(accountPages(forge, repos));
  return router;
}

/** Only a path of this origin may be returned to: `//host`, `/\host` and anything with a scheme are not. */
export function samePath(given: unknown): string {
  const path = typeof given === 'string' ? given : '/';
  return /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(path) ? path : '/';
}

function signIn(forge: Forge, exchange: { request: Request; response: Response }): void {
  const { request, response } = exchange;
  const form = parse(linkForm, request.body ?? {});
  const secret = String(request.params['secret']);
  const isRecovery = isRecoveryLink(forge, secret);
  const account = redeemLoginLink(forge, { secret, name: form.name, address: request.ip ?? '' });
  const next = beginSession(
    forge,
    { request, response },
    { account, credential: isRecovery ? 'recovery link' : 'login link' },
  );
  // Who has recovered has keys to add and to remove.
  response.redirect(303, isRecovery ? '/account' : next);
}

function signOut(forge: Forge, response: Response): void {
  const secret = sessionSecretOf(response);
  const session = secret && findSession(forge.db, { hash: hashSecret(secret), now: forge.clock.now() });
  if (session) {
    deleteSession(forge.db, session);
    const { account } = callerOf(response);
    const detail = { id: session.id };
    recordAudit(forge, callerOf(response), {
      action: 'session.remove',
      subject: account?.name ?? '',
      detail,
    });
  }
  response.clearCookie(sessionCookie, { path: '/' });
  response.redirect(303, '/');
}
