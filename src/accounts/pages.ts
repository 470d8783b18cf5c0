// Signing in by a one-time link, signing out, and the account page with keys, tokens and sessions.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { sshAddress, type Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { hashSecret } from '../lib/secrets.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { addKey } from './add-key.ts';
import { recordAudit } from './audit.ts';
import { createToken } from './create-token.ts';
import { nostrKeysOf } from './nostr-keys.ts';
import { callerOf, requireAccount, sessionCookie, sessionSecretOf } from './guard.ts';
import { hasAdmin } from './find.ts';
import { accountName, tokenScopes, type Account } from './model.ts';
import { approvalPages } from './route-approval.ts';
import { peoplePages } from './route-people.ts';
import { readLoginLink, redeemLoginLink } from './sign-in.ts';
import { startSession } from './start-session.ts';
import {
  deleteKey,
  deleteNostrKey,
  deleteSession,
  findSession,
  listKeys,
  listSessions,
  listTokens,
  revokeToken,
} from './store.ts';

const linkForm = z.object({ name: accountName.optional() });
const keyForm = z.object({
  text: z.string().min(1, 'paste a public key').max(20_000),
  label: z.string().optional(),
});
const tokenForm = z.object({ scope: z.enum(tokenScopes), label: z.string().optional() });
const rowId = z.coerce.number().int().positive();

export function accountsPages(forge: Forge): Router {
  const router = Router();
  router.get('/login', (request, response) => {
    const { host, port } = sshAddress(forge.config);
    render(response, 'accounts/login.njk', {
      sshHost: host,
      sshPort: port,
      isNew: !hasAdmin(forge),
      returnTo: samePath(request.query['return']),
    });
  });
  router.use(approvalPages(forge));
  router.use(peoplePages(forge));
  router.get('/login/:secret', (request, response) => {
    const { secret } = request.params;
    // The secret stays out of every Referer; no-referrer would also turn the Origin of the form into null.
    response.setHeader('Referrer-Policy', 'strict-origin');
    render(response, 'accounts/link.njk', { secret, accountName: readLoginLink(forge, secret)?.name });
  });
  router.post('/login/:secret', (request, response) => signIn(forge, { request, response }));
  router.post('/logout', (_request, response) => signOut(forge, response));
  router.get('/account', (_request, response) => showAccount(forge, response));
  router.post('/account/keys', (request, response) => {
    const account = requireAccount(callerOf(response), 'admin');
    const form = parse(keyForm, request.body);
    const { fingerprint } = addKey(forge, { accountId: account.id, text: form.text, ...label(form.label) });
    recordAudit(forge, callerOf(response), {
      action: 'key.add',
      subject: account.name,
      detail: { fingerprint },
    });
    response.redirect(303, '/account');
  });
  router.post('/account/tokens', (request, response) => {
    const account = requireAccount(callerOf(response), 'admin');
    const form = parse(tokenForm, request.body);
    const newToken = createToken(forge, { accountId: account.id, scope: form.scope, ...label(form.label) });
    recordAudit(forge, callerOf(response), { action: 'token.create', subject: account.name });
    showAccount(forge, response, newToken);
  });
  removalRoutes(forge, router);
  return router;
}

const label = (text: string | undefined): { label?: string } => (text ? { label: text } : {});

/** Only a path of this origin may be returned to: `//host`, `/\host` and anything with a scheme are not. */
export function samePath(given: unknown): string {
  const path = typeof given === 'string' ? given : '/';
  return /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(path) ? path : '/';
}

function signIn(forge: Forge, exchange: { request: Request; response: Response }): void {
  const { request, response } = exchange;
  const form = parse(linkForm, request.body ?? {});
  const account = redeemLoginLink(forge, { secret: String(request.params['secret']), name: form.name });
  startSession(forge, { request, response }, account);
  response.redirect(303, '/');
}

function signOut(forge: Forge, response: Response): void {
  const secret = sessionSecretOf(response);
  const session = secret && findSession(forge.db, { hash: hashSecret(secret), now: forge.clock.now() });
  if (session) deleteSession(forge.db, session);
  response.clearCookie(sessionCookie, { path: '/' });
  response.redirect(303, '/');
}

function showAccount(forge: Forge, response: Response, newToken?: string): void {
  const account = requireAccount(callerOf(response), 'admin');
  const now = forge.clock.now();
  const current = sessionSecretOf(response);
  const currentId = current && findSession(forge.db, { hash: hashSecret(current), now })?.id;
  response.setHeader('Cache-Control', 'no-store');
  render(response, 'accounts/account.njk', {
    account,
    keys: listKeys(forge.db, account.id),
    nostrKeys: nostrKeysOf(forge, account.id),
    tokens: listTokens(forge.db, account.id),
    sessions: listSessions(forge.db, { accountId: account.id, now }).map((session) => ({
      ...session,
      current: session.id === currentId,
    })),
    newToken,
  });
}

type Removal = (ids: { id: number; accountId: number; now: number }) => boolean;

function removalRoutes(forge: Forge, router: Router): void {
  const removals: Record<string, Removal> = {
    key: (ids) => deleteKey(forge.db, { id: ids.id, accountId: ids.accountId }),
    'nostr-key': (ids) => deleteNostrKey(forge.db, { id: ids.id, accountId: ids.accountId }),
    token: (ids) => revokeToken(forge.db, ids),
    session: (ids) => deleteSession(forge.db, { id: ids.id, accountId: ids.accountId }),
  };
  for (const [what, remove] of Object.entries(removals)) {
    router.post(`/account/${what}s/:id/remove`, (request, response) => {
      const account: Account = requireAccount(callerOf(response), 'admin');
      const id = parse(rowId, request.params['id']);
      if (!remove({ id, accountId: account.id, now: forge.clock.now() })) {
        throw new ForgeError(
          'not_found',
          `You have no ${what.replace('-', ' ')} ${id}; it may be gone already.`,
        );
      }
      recordAudit(forge, callerOf(response), {
        action: `${what}.remove`,
        subject: account.name,
        detail: { id },
      });
      response.redirect(303, '/account');
    });
  }
}
