// The account page with everything that signs one in, and for admins the page of an agent with its keys and tokens. A form
// that is refused comes back with what was typed and the reason beside it.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { publicOrigin, type Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { statusByCode } from '../lib/statuses.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { keyRequest, passkeyChange, tokenRequest, type CreatedTokenView } from './credentials-model.ts';
import { callerOf, requireAdmin, requireOwnAccount } from './guard.ts';
import { addKeyOf, keysOf, removeKeyOf } from './keys.ts';
import { getAgent } from './manage.ts';
import { tokenScopes, type Account, type Caller } from './model.ts';
import { nostrKeysOf, removeNostrKey } from './nostr-keys.ts';
import { passkeyOrigin } from './passkey-proof.ts';
import { passkeysOf, removePasskey, renamePasskey, requirePasskeys } from './passkeys.ts';
import type { RepoNames } from './repo-names.ts';
import { endOtherSessions, endSession, sessionsOf } from './sessions.ts';
import { issueToken, revokeTokenOf, tokensOf } from './tokens.ts';

const rowId = z.coerce.number().int().positive();
const keyForm = z.object({ text: keyRequest.shape.text, label: keyRequest.shape.label });
const secondFactorForm = z.object({ required: z.enum(['yes', 'no']) });

type Part = 'keys' | 'tokens' | 'passkeys' | 'nostr-keys' | 'sessions';

interface Asked {
  caller: Caller;
  /** Whose credentials are changed. */
  account: Account;
  id: unknown;
  body: unknown;
}

/** What is shown beside the credentials themselves. */
interface Shown {
  refused?: Partial<Record<Part, string>>;
  typed?: unknown;
  newToken?: CreatedTokenView;
}

interface Page {
  base: string;
  accountOf: (request: Request, response: Response) => Account;
  show: (response: Response, account: Account, shown: Shown) => void;
}

export function accountPages(forge: Forge, repos: RepoNames): Router {
  const router = Router();
  const own: Page = {
    base: '/account',
    accountOf: (_request, response) => requireOwnAccount(callerOf(response), 'admin'),
    show: (response, account, shown) => showAccount(forge, repos, { response, account, shown }),
  };
  const agent: Page = {
    base: '/admin/people/agents/:name',
    accountOf: (request, response) => {
      requireAdmin(callerOf(response));
      return getAgent(forge, String(request.params['name']));
    },
    show: (response, account, shown) => showAgent(forge, repos, { response, account, shown }),
  };
  for (const page of [own, agent]) {
    router.get(page.base, (request, response) => page.show(response, page.accountOf(request, response), {}));
    sharedForms(forge, router, { page, repos });
  }
  ownForms(forge, router, own);
  return router;
}

/** Mounts a form; after what it does the page is asked for anew, or shown at once with what `change` answers. */
function mountForm(
  router: Router,
  { page, path, part }: { page: Page; path: string; part: Part },
  change: (asked: Asked) => Shown | undefined,
): void {
  router.post(`${page.base}${path}`, (request, response) => {
    const account = page.accountOf(request, response);
    const asked = {
      caller: callerOf(response),
      account,
      id: request.params['id'],
      body: request.body as unknown,
    };
    try {
      const shown = change(asked);
      if (shown === undefined)
        response.redirect(303, request.originalUrl.slice(0, -path.length) + `#${part}`);
      else page.show(response, account, shown);
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
      response.status(statusByCode[error.code]);
      page.show(response, account, { refused: { [part]: error.message }, typed: asked.body });
    }
  });
}

/** Keys and tokens, which agents have, too. */
function sharedForms(forge: Forge, router: Router, { page, repos }: { page: Page; repos: RepoNames }): void {
  mountForm(router, { page, path: '/keys', part: 'keys' }, (asked) => {
    addKeyOf(forge, { ...asked, ...parse(keyForm, asked.body) });
    return undefined;
  });
  mountRemoval(router, { page, part: 'keys' }, (order) => removeKeyOf(forge, order));
  mountForm(router, { page, path: '/tokens', part: 'tokens' }, (asked) => ({
    newToken: issueToken(forge, repos, { ...asked, request: parse(tokenRequest, tokenFields(asked.body)) }),
  }));
  mountRemoval(router, { page, part: 'tokens' }, (order) => revokeTokenOf(forge, order));
}

function ownForms(forge: Forge, router: Router, page: Page): void {
  mountRemoval(router, { page, part: 'nostr-keys' }, (order) => removeNostrKey(forge, order));
  mountForm(router, { page, path: '/sessions/remove-others', part: 'sessions' }, ({ caller }) => {
    endOtherSessions(forge, caller);
    return undefined;
  });
  mountRemoval(router, { page, part: 'sessions' }, (order) => endSession(forge, order));
  mountRemoval(router, { page, part: 'passkeys' }, (order) => removePasskey(forge, order));
  router.post('/account/second-factor', (request, response) => {
    const account = page.accountOf(request, response);
    const required = parse(secondFactorForm, request.body).required === 'yes';
    requirePasskeys(forge, { caller: callerOf(response), account, required });
    response.redirect(303, '/account#passkeys');
  });
  router.post('/account/passkeys/:id', (request, response) => {
    const account = page.accountOf(request, response);
    const { label } = parse(passkeyChange, { label: labelIn(request.body) });
    renamePasskey(forge, {
      caller: callerOf(response),
      account,
      id: parse(rowId, request.params['id']),
      label,
    });
    response.redirect(303, '/account#passkeys');
  });
}

/** The fields of the form, where what is left out is empty. */
function tokenFields(body: unknown): Record<string, unknown> {
  const { label, scope, repo, expiresInDays } = (body ?? {}) as Record<string, unknown>;
  const named = typeof repo === 'string' && repo.trim() !== '' ? { repo: repo.trim() } : {};
  return { label, scope, ...named, ...(expiresInDays ? { expiresInDays: Number(expiresInDays) } : {}) };
}

const labelIn = (body: unknown): unknown => (body as { label?: unknown } | undefined)?.label;

function mountRemoval(
  router: Router,
  { page, part }: { page: Page; part: Part },
  remove: (order: { caller: Caller; account: Account; id: number }) => void,
): void {
  router.post(`${page.base}/${part}/:id/remove`, (request, response) => {
    const account = page.accountOf(request, response);
    remove({ caller: callerOf(response), account, id: parse(rowId, request.params['id']) });
    response.redirect(303, `${request.originalUrl.replace(/\/[^/]+\/[^/]+\/remove$/, '')}#${part}`);
  });
}

interface Exchange {
  response: Response;
  account: Account;
  shown: Shown;
}

function showAccount(forge: Forge, repos: RepoNames, { response, account, shown }: Exchange): void {
  const caller = callerOf(response);
  response.setHeader('Cache-Control', 'no-store');
  render(response, 'accounts/account.njk', {
    ...credentialsOf(forge, repos, { caller, account }),
    ...shown,
    base: '/account',
    passkeys: passkeysOf(forge, account),
    passkeyProblem: passkeyOrigin(publicOrigin(forge.config)).problem,
    nostrKeys: nostrKeysOf(forge, account.id),
    sessions: sessionsOf(forge, { caller, account }),
  });
}

function showAgent(forge: Forge, repos: RepoNames, { response, account, shown }: Exchange): void {
  const caller = callerOf(response);
  response.setHeader('Cache-Control', 'no-store');
  render(response, 'accounts/agent.njk', {
    ...credentialsOf(forge, repos, { caller, account }),
    ...shown,
    base: `/admin/people/agents/${account.name}`,
  });
}

const credentialsOf = (forge: Forge, repos: RepoNames, whose: { caller: Caller; account: Account }) => ({
  account: whose.account,
  keys: keysOf(forge, whose.account),
  tokens: tokensOf(forge, repos, whose),
  scopes: whose.account.kind === 'agent' ? tokenScopes.filter((scope) => scope !== 'admin') : tokenScopes,
});
