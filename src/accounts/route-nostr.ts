// Signing in with a Nostr key, and the keys of one's account: each a challenge by GET, and the signed event by POST.
import { Router } from 'express';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { parse } from '../web/parse.ts';
import { z } from 'zod';
import { recordAudit } from './audit.ts';
import { callerOf, requireAccount } from './guard.ts';
import { nostrKeyRequest, nostrSignIn, type NostrKey, type NostrKeyView } from './model.ts';
import { addNostrKey, nostrKeysOf, signInWithNostr } from './nostr-keys.ts';
import { createNostrChallenge, requireNostrProof } from './nostr-proof.ts';
import { createProgramToken } from './sign-in.ts';
import { startSession } from './start-session.ts';
import { deleteNostrKey } from './store.ts';

const sessionPath = '/api/v1/sessions/nostr';
const keysPath = '/api/v1/account/nostr-keys';
const rowId = z.coerce.number().int().positive();

export function nostrRoutes(forge: Forge): Router {
  const router = Router();
  for (const path of [sessionPath, keysPath]) {
    router.get(`${path}/challenge`, (_request, response) => {
      response.set('Cache-Control', 'no-store').json(createNostrChallenge(forge, path));
    });
  }
  router.post(sessionPath, (request, response) => {
    const order = parse(nostrSignIn, request.body);
    const account = signInWithNostr(forge, order.event, sessionPath);
    if (order.for === 'browser') {
      startSession(forge, { request, response }, account);
      response.status(201).json({ account: account.name });
      return;
    }
    const token = createProgramToken(forge, account.id);
    recordAudit(forge, { ...callerOf(response), account }, { action: 'token.create', subject: account.name });
    response.status(201).json({ token, account: account.name });
  });
  router.get(keysPath, (_request, response) => {
    const account = requireAccount(callerOf(response), 'read');
    response.json({ keys: nostrKeysOf(forge, account.id).map(viewOf) });
  });
  router.post(keysPath, (request, response) => {
    const account = requireAccount(callerOf(response), 'admin');
    const { event, label } = parse(nostrKeyRequest, request.body);
    requireNostrProof(forge, event, keysPath);
    const key = addNostrKey(forge, { accountId: account.id, publicKey: event.pubkey, label });
    recordAudit(forge, callerOf(response), {
      action: 'nostr-key.add',
      subject: account.name,
      detail: { npub: key.npub },
    });
    response.status(201).json(viewOf(key));
  });
  router.delete(`${keysPath}/:id`, (request, response) => {
    const account = requireAccount(callerOf(response), 'admin');
    const id = parse(rowId, request.params['id']);
    if (!deleteNostrKey(forge.db, { id, accountId: account.id })) {
      throw new ForgeError('not_found', `You have no Nostr key ${id}; it may be gone already.`);
    }
    recordAudit(forge, callerOf(response), {
      action: 'nostr-key.remove',
      subject: account.name,
      detail: { id },
    });
    response.status(204).end();
  });
  return router;
}

const viewOf = ({ createdAt, lastUsedAt, ...key }: NostrKey): NostrKeyView => ({
  ...key,
  createdAt: new Date(createdAt).toISOString(),
  lastUsedAt: lastUsedAt === undefined ? null : new Date(lastUsedAt).toISOString(),
});
