// Passkeys: signing in with one, alone or after another proof, and the passkeys of one's account. A browser asks for what
// to sign and sends back what it signed; the page of the second factor is the only page here.
import { Router } from 'express';
import { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import {
  browserSessionView,
  passkeyAsking,
  passkeyChange,
  passkeyCreation,
  passkeyRequest,
  passkeySignIn,
  passkeysView,
  passkeyView,
  secondFactorRequest,
} from './credentials-model.ts';
import { callerOf, requireOwnAccount } from './guard.ts';
import type { Account } from './model.ts';
import {
  passkeyAskingOf,
  passkeyCreationOf,
  requireSecondFactor,
  secondFactorAskingOf,
  signInWithPasskey,
} from './passkey-proof.ts';
import { addPasskey, passkeysOf, removePasskey, renamePasskey, requirePasskeys } from './passkeys.ts';
import { halfSignedIn, secondFactorPage, startSession } from './start-session.ts';

const rowId = z.coerce.number().int().positive();
const signInPath = '/api/v1/sessions/passkey';
const secondPath = '/api/v1/sessions/second-factor';
const ownPath = '/api/v1/account/passkeys';

const signInTable = {
  ask: apiRow({
    method: 'get',
    path: `${signInPath}/challenge`,
    summary: 'Ask for what a passkey must sign',
    right: 'anyone',
    answer: passkeyAsking,
  }),
  signIn: apiRow({
    method: 'post',
    path: signInPath,
    summary: 'Sign a browser in with a passkey',
    right: 'anyone',
    body: passkeySignIn,
    answer: browserSessionView,
    status: 201,
  }),
  askSecond: apiRow({
    method: 'get',
    path: `${secondPath}/challenge`,
    summary: 'Ask for what a passkey must sign that is a second factor',
    description: 'For the browser that has just signed in with something else.',
    right: 'anyone',
    answer: passkeyAsking,
  }),
  second: apiRow({
    method: 'post',
    path: secondPath,
    summary: 'Finish a sign-in with a passkey as the second factor',
    right: 'anyone',
    body: passkeySignIn,
    answer: browserSessionView,
    status: 201,
  }),
};

export function passkeyRoutes(forge: Forge): Router {
  const router = Router();
  apiRoute(router, signInTable.ask, async (_request, response) => {
    response.set('Cache-Control', 'no-store').json(await passkeyAskingOf(forge));
  });
  apiRoute(router, signInTable.signIn, async (request, response, sent) => {
    const account = await signInWithPasskey(forge, sent.body().credential);
    startSession(forge, { request, response }, { account, credential: 'passkey' });
    response.status(201).json({ account: account.name });
  });
  apiRoute(router, signInTable.askSecond, async (request, response) => {
    const account = halfSignedIn(forge, request);
    response.set('Cache-Control', 'no-store').json(await secondFactorAskingOf(forge, account));
  });
  apiRoute(router, signInTable.second, async (request, response, sent) => {
    const account = halfSignedIn(forge, request);
    await requireSecondFactor(forge, account, sent.body().credential);
    startSession(forge, { request, response }, { account, credential: 'second factor' });
    response.status(201).json({ account: account.name });
  });
  ownRoutes(forge, router);
  return router;
}

const ownTable = {
  list: apiRow({
    method: 'get',
    path: ownPath,
    summary: 'List the passkeys of your account',
    right: 'account',
    answer: passkeysView,
  }),
  ask: apiRow({
    method: 'get',
    path: `${ownPath}/challenge`,
    summary: 'Ask for what a browser makes a passkey from',
    right: 'account',
    scope: 'admin',
    answer: passkeyCreation,
  }),
  add: apiRow({
    method: 'post',
    path: ownPath,
    summary: 'Add a passkey to your account',
    right: 'account',
    scope: 'admin',
    body: passkeyRequest,
    answer: passkeyView,
    status: 201,
  }),
  rename: apiRow({
    method: 'patch',
    path: `${ownPath}/:id`,
    summary: 'Rename a passkey of your account',
    right: 'account',
    scope: 'admin',
    body: passkeyChange,
    answer: passkeyView,
  }),
  remove: apiRow({
    method: 'delete',
    path: `${ownPath}/:id`,
    summary: 'Remove a passkey from your account',
    description: 'With the last one the second factor is switched off.',
    right: 'account',
    scope: 'admin',
    answer: 'nothing',
  }),
  secondFactor: apiRow({
    method: 'put',
    path: '/api/v1/account/second-factor',
    summary: 'Say whether a sign-in needs a passkey as well',
    right: 'account',
    scope: 'admin',
    body: secondFactorRequest,
    answer: passkeysView,
  }),
};

function ownRoutes(forge: Forge, router: Router): void {
  const answer = (account: Account) => ({
    passkeys: passkeysOf(forge, account),
    secondFactor: account.secondFactorSince !== undefined,
  });
  apiRoute(router, ownTable.list, (_request, response) => {
    response.json(answer(requireOwnAccount(callerOf(response), 'read')));
  });
  apiRoute(router, ownTable.ask, async (_request, response) => {
    const account = requireOwnAccount(callerOf(response), 'admin');
    response.set('Cache-Control', 'no-store').json(await passkeyCreationOf(forge, account));
  });
  apiRoute(router, ownTable.add, async (_request, response, sent) => {
    const caller = callerOf(response);
    const account = requireOwnAccount(caller, 'admin');
    response.status(201).json(await addPasskey(forge, { caller, account, ...sent.body() }));
  });
  apiRoute(router, ownTable.rename, ({ params }, response, sent) => {
    const caller = callerOf(response);
    const account = requireOwnAccount(caller, 'admin');
    const order = { caller, account, id: parse(rowId, params.id), ...sent.body() };
    response.json(renamePasskey(forge, order));
  });
  apiRoute(router, ownTable.remove, ({ params }, response) => {
    const caller = callerOf(response);
    const account = requireOwnAccount(caller, 'admin');
    removePasskey(forge, { caller, account, id: parse(rowId, params.id) });
    response.status(204).end();
  });
  apiRoute(router, ownTable.secondFactor, (_request, response, sent) => {
    const caller = callerOf(response);
    const account = requireOwnAccount(caller, 'admin');
    const { required } = sent.body();
    response.json(answer(requirePasskeys(forge, { caller, account, required })));
  });
}

/** Where a browser goes that has shown one proof of two. */
export function secondFactorPages(forge: Forge): Router {
  const router = Router();
  router.get(secondFactorPage, (request, response) => {
    const { name } = halfSignedIn(forge, request);
    response.set('Cache-Control', 'no-store');
    render(response, 'accounts/second-factor.njk', { accountName: name, api: secondPath });
  });
  return router;
}
