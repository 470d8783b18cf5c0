// Signing in with a Nostr key, and the keys of one's account: each a challenge by GET, and the signed event by POST.
import { Router } from 'express';
import type { Forge } from '../forge/open.ts';
import { npubOf } from '../lib/nostr.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { parse } from '../web/parse.ts';
import { z } from 'zod';
import { recordAudit } from './audit.ts';
import { callerOf, requireOwnAccount } from './guard.ts';
import {
  nostrChallenge,
  nostrKeyListView,
  nostrKeyRequest,
  nostrKeyView,
  nostrSignIn,
  nostrSignInView,
  type NostrKey,
  type NostrKeyView,
} from './model.ts';
import { addNostrKey, nostrKeysOf, removeNostrKey, signInWithNostr } from './nostr-keys.ts';
import { createNostrChallenge, requireNostrProof } from './nostr-proof.ts';
import { createProgramToken, refuseSecondFactor } from './sign-in.ts';
import { beginSession, secondFactorPage } from './start-session.ts';
import { isoTime, isoTimeOrNull } from '../lib/iso-time.ts';

const sessionPath = '/api/v1/sessions/nostr';
const keysPath = '/api/v1/account/nostr-keys';
const rowId = z.coerce.number().int().positive();

const challengeRow = (path: string) =>
  apiRow({
    method: 'get',
    path: `${path}/challenge`,
    summary: 'Ask for what a Nostr key must sign',
    right: 'anyone',
    answer: nostrChallenge,
  });

const table = {
  signIn: apiRow({
    method: 'post',
    path: sessionPath,
    summary: 'Sign in with a Nostr key',
    description: 'A browser is answered with a session cookie, a program with a token.',
    right: 'anyone',
    body: nostrSignIn,
    answer: nostrSignInView,
    status: 201,
  }),
  keys: apiRow({
    method: 'get',
    path: keysPath,
    summary: 'List the Nostr keys of the account',
    right: 'account',
    answer: nostrKeyListView,
  }),
  addKey: apiRow({
    method: 'post',
    path: keysPath,
    summary: 'Add a Nostr key to the account',
    right: 'account',
    scope: 'admin',
    body: nostrKeyRequest,
    answer: nostrKeyView,
    status: 201,
  }),
  removeKey: apiRow({
    method: 'delete',
    path: `${keysPath}/:id`,
    summary: 'Remove a Nostr key from the account',
    right: 'account',
    scope: 'admin',
    answer: 'nothing',
  }),
};

export function nostrRoutes(forge: Forge): Router {
  const router = Router();
  for (const path of [sessionPath, keysPath]) {
    apiRoute(router, challengeRow(path), (_request, response) => {
      response.set('Cache-Control', 'no-store').json(createNostrChallenge(forge, path));
    });
  }
  apiRoute(router, table.signIn, (request, response, sent) => {
    const order = sent.body();
    const account = signInWithNostr(forge, order.event, sessionPath);
    const credential = `nostr ${npubOf(order.event.pubkey)}`;
    if (order.for === 'browser') {
      const next = beginSession(forge, { request, response }, { account, credential });
      const more = next === secondFactorPage ? { next } : {};
      response.status(201).json({ account: account.name, ...more });
      return;
    }
    refuseSecondFactor(account);
    const token = createProgramToken(forge, account.id, order.scope);
    const caller = { ...callerOf(response), account, credential };
    recordAudit(forge, caller, { action: 'token.create', subject: account.name });
    response.status(201).json({ token, account: account.name });
  });
  apiRoute(router, table.keys, (_request, response) => {
    const account = requireOwnAccount(callerOf(response), 'read');
    response.json({ keys: nostrKeysOf(forge, account.id).map(viewOf) });
  });
  apiRoute(router, table.addKey, (_request, response, sent) => {
    const account = requireOwnAccount(callerOf(response), 'admin');
    const { event, label } = sent.body();
    requireNostrProof(forge, event, keysPath);
    const key = addNostrKey(forge, { accountId: account.id, publicKey: event.pubkey, label });
    const detail = { npub: key.npub };
    recordAudit(forge, callerOf(response), { action: 'nostr-key.add', subject: account.name, detail });
    response.status(201).json(viewOf(key));
  });
  apiRoute(router, table.removeKey, (request, response) => {
    const account = requireOwnAccount(callerOf(response), 'admin');
    const id = parse(rowId, request.params.id);
    removeNostrKey(forge, { caller: callerOf(response), account, id });
    response.status(204).end();
  });
  return router;
}

const viewOf = ({ createdAt, lastUsedAt, ...key }: NostrKey): NostrKeyView => ({
  ...key,
  createdAt: isoTime(createdAt),
  lastUsedAt: isoTimeOrNull(lastUsedAt),
});
