// Who may come in: accounts, agents and invitations for admins, and the page behind an invitation's link.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { recoveryLinkView } from './credentials-model.ts';
import { listAccounts } from './find.ts';
import { callerOf, requireAdmin } from './guard.ts';
import {
  acceptInvitation,
  createInvitation,
  openInvitations,
  readInvitation,
  revokeInvitation,
} from './invite.ts';
import { changeRole, createAgent, disableAccount } from './manage.ts';
import {
  accountChange,
  accountName,
  agentRequest,
  invitationListView,
  invitationRequest,
  newAgentView,
  newInvitationView,
  personListView,
  personView,
  type Account,
  type Invitation,
  type InvitationView,
  type PersonView,
} from './model.ts';
import { createRecoveryLink } from './recover-account.ts';
import { startSession } from './start-session.ts';
import { isoTime, isoTimeOrNull } from '../lib/iso-time.ts';

const joinForm = z.object({ name: accountName, key: z.string().max(20_000).optional() });
const rowId = z.coerce.number().int().positive();

export function peoplePages(forge: Forge): Router {
  const router = Router();
  router.get('/admin/people', (_request, response) => showPeople(forge, response));
  router.post('/admin/people/invitations', (request, response) => {
    const order = { caller: callerOf(response), ...parse(invitationRequest, fields(request)) };
    showPeople(forge, response, { invitation: createInvitation(forge, order).link });
  });
  router.post('/admin/people/invitations/:id/remove', (request, response) => {
    revokeInvitation(forge, { caller: callerOf(response), id: parse(rowId, request.params['id']) });
    response.redirect(303, '/admin/people');
  });
  router.post('/admin/people/agents', (request, response) => {
    requireAdmin(callerOf(response));
    const order = { caller: callerOf(response), ...parse(agentRequest, fields(request)) };
    const { account, token } = createAgent(forge, order);
    showPeople(forge, response, { agent: account.name, token });
  });
  router.post('/admin/people/accounts/:name', (request, response) => {
    requireAdmin(callerOf(response));
    const change = parse(personForm, request.body);
    changePerson(forge, response, { name: String(request.params['name']), ...change });
    response.redirect(303, '/admin/people');
  });
  router.post('/admin/people/accounts/:name/recovery', (request, response) => {
    const order = { caller: callerOf(response), name: String(request.params['name']) };
    showPeople(forge, response, { recovered: order.name, recovery: createRecoveryLink(forge, order).link });
  });
  router.get('/join/:secret', (request, response) => {
    const { secret } = request.params;
    // The secret stays out of every Referer; no-referrer would also turn the Origin of the form into null.
    response.set({ 'Referrer-Policy': 'strict-origin', 'Cache-Control': 'no-store' });
    render(response, 'accounts/join.njk', { secret, invitation: readInvitation(forge, secret) });
  });
  router.post('/join/:secret', (request, response) => {
    const { name, key } = parse(joinForm, request.body);
    const secret = String(request.params['secret']);
    const account = acceptInvitation(forge, { secret, name, keyText: key, address: request.ip ?? '' });
    startSession(forge, { request, response }, { account, credential: 'invitation' });
    response.redirect(303, '/');
  });
  return router;
}

const personForm = z.union([
  z.object({ role: accountChange.shape.role.unwrap() }),
  z.object({ disabled: z.enum(['yes', 'no']).transform((text) => text === 'yes') }),
]);

/** The body of a form without the token that guards it. */
function fields(request: Request): Record<string, unknown> {
  const { form_token: _token, ...rest } = (request.body ?? {}) as Record<string, unknown>;
  return rest;
}

function changePerson(
  forge: Forge,
  response: Response,
  { name, role, disabled }: { name: string } & z.output<typeof accountChange>,
): void {
  const caller = callerOf(response);
  if (role !== undefined) changeRole(forge, { caller, name, role });
  if (disabled !== undefined) disableAccount(forge, { caller, name, disabled });
}

interface Shown {
  invitation?: string;
  agent?: string;
  token?: string;
  /** Whose way back in `recovery` is. */
  recovered?: string;
  recovery?: string;
}

function showPeople(forge: Forge, response: Response, shown: Shown = {}): void {
  const self = requireAdmin(callerOf(response));
  response.set('Cache-Control', 'no-store');
  render(response, 'accounts/people.njk', {
    self,
    accounts: listAccounts(forge).filter(({ kind }) => kind !== 'system'),
    invitations: openInvitations(forge),
    ...shown,
  });
}

const table = {
  accounts: apiRow({
    method: 'get',
    path: '/api/v1/accounts',
    summary: 'List the accounts of the forge',
    right: 'admin',
    answer: personListView,
  }),
  change: apiRow({
    method: 'patch',
    path: '/api/v1/accounts/:name',
    summary: 'Change the role of an account, or disable it',
    right: 'admin',
    body: accountChange,
    answer: personView,
  }),
  recover: apiRow({
    method: 'post',
    path: '/api/v1/accounts/:name/recovery',
    summary: 'Give somebody who lost his keys a link that lets him in',
    description:
      'The link is told once, in this answer; it is good once, for a day, and ends the second factor.',
    right: 'admin',
    answer: recoveryLinkView,
    status: 201,
  }),
  agent: apiRow({
    method: 'post',
    path: '/api/v1/agents',
    summary: 'Create an agent with a token of its own',
    description: 'The token is told once, in this answer.',
    right: 'admin',
    body: agentRequest,
    answer: newAgentView,
    status: 201,
  }),
  invitations: apiRow({
    method: 'get',
    path: '/api/v1/invitations',
    summary: 'List the open invitations',
    right: 'admin',
    answer: invitationListView,
  }),
  invite: apiRow({
    method: 'post',
    path: '/api/v1/invitations',
    summary: 'Invite somebody by a link',
    description: 'The link is told once, in this answer.',
    right: 'admin',
    body: invitationRequest,
    answer: newInvitationView,
    status: 201,
  }),
  revoke: apiRow({
    method: 'delete',
    path: '/api/v1/invitations/:id',
    summary: 'Revoke an invitation',
    right: 'admin',
    answer: 'nothing',
  }),
};

export function peopleApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, table.accounts, (_request, response) => {
    requireAdmin(callerOf(response));
    response.json({ accounts: listAccounts(forge).map(personOf) });
  });
  apiRoute(router, table.change, (request, response, sent) => {
    requireAdmin(callerOf(response));
    const { name } = request.params;
    changePerson(forge, response, { name, ...sent.body() });
    const account = listAccounts(forge).find((one) => one.name.toLowerCase() === name.toLowerCase());
    if (account === undefined) throw new ForgeError('not_found', `There is no account ${name}.`);
    response.json(personOf(account));
  });
  apiRoute(router, table.recover, ({ params }, response) => {
    const order = { caller: callerOf(response), name: params.name };
    const { link, expiresAt } = createRecoveryLink(forge, order);
    response.status(201).set('Cache-Control', 'no-store');
    response.json({ link, expiresAt: isoTime(expiresAt) });
  });
  apiRoute(router, table.agent, (_request, response, sent) => {
    requireAdmin(callerOf(response));
    const { account, token } = createAgent(forge, { caller: callerOf(response), ...sent.body() });
    response.status(201).set('Cache-Control', 'no-store');
    response.json({ account: personOf(account), token });
  });
  apiRoute(router, table.invitations, (_request, response) => {
    requireAdmin(callerOf(response));
    response.json({ invitations: openInvitations(forge).map(viewOf) });
  });
  apiRoute(router, table.invite, (_request, response, sent) => {
    requireAdmin(callerOf(response));
    const { id, link, expiresAt } = createInvitation(forge, { caller: callerOf(response), ...sent.body() });
    response.status(201).set('Cache-Control', 'no-store');
    response.json({ id, link, expiresAt: isoTime(expiresAt) });
  });
  apiRoute(router, table.revoke, (request, response) => {
    requireAdmin(callerOf(response));
    revokeInvitation(forge, { caller: callerOf(response), id: parse(rowId, request.params.id) });
    response.status(204).end();
  });
  return router;
}

const personOf = ({ name, role, kind, createdAt, disabledAt }: Account): PersonView => ({
  name,
  role,
  kind,
  createdAt: isoTime(createdAt),
  disabledAt: isoTimeOrNull(disabledAt),
});

const viewOf = ({ createdAt, expiresAt, ...rest }: Invitation): InvitationView => ({
  ...rest,
  createdAt: isoTime(createdAt),
  expiresAt: isoTime(expiresAt),
});
