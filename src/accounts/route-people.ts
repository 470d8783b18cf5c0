// Who may come in: accounts, agents and invitations for admins, and the page behind an invitation's link.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
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
  invitationRequest,
  type Account,
  type Invitation,
  type InvitationView,
  type PersonView,
} from './model.ts';
import { startSession } from './start-session.ts';

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
    const order = { caller: callerOf(response), ...parse(agentRequest, fields(request)) };
    const { account, token } = createAgent(forge, order);
    showPeople(forge, response, { agent: account.name, token });
  });
  router.post('/admin/people/accounts/:name', (request, response) => {
    const change = parse(personForm, request.body);
    changePerson(forge, response, { name: String(request.params['name']), ...change });
    response.redirect(303, '/admin/people');
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
    startSession(forge, { request, response }, account);
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

export function peopleApi(forge: Forge): Router {
  const router = Router();
  router.get('/api/v1/accounts', (_request, response) => {
    requireAdmin(callerOf(response));
    response.json({ accounts: listAccounts(forge).map(personOf) });
  });
  router.patch('/api/v1/accounts/:name', (request, response) => {
    requireAdmin(callerOf(response));
    const { name } = request.params;
    changePerson(forge, response, { name, ...parse(accountChange, request.body) });
    const account = listAccounts(forge).find((one) => one.name.toLowerCase() === name.toLowerCase());
    response.json(account === undefined ? null : personOf(account));
  });
  router.post('/api/v1/agents', (request, response) => {
    const { account, token } = createAgent(forge, {
      caller: callerOf(response),
      ...parse(agentRequest, request.body),
    });
    response
      .status(201)
      .set('Cache-Control', 'no-store')
      .json({ account: personOf(account), token });
  });
  router.get('/api/v1/invitations', (_request, response) => {
    requireAdmin(callerOf(response));
    response.json({ invitations: openInvitations(forge).map(viewOf) });
  });
  router.post('/api/v1/invitations', (request, response) => {
    const order = { caller: callerOf(response), ...parse(invitationRequest, request.body ?? {}) };
    const { id, link, expiresAt } = createInvitation(forge, order);
    response.status(201).set('Cache-Control', 'no-store');
    response.json({ id, link, expiresAt: new Date(expiresAt).toISOString() });
  });
  router.delete('/api/v1/invitations/:id', (request, response) => {
    revokeInvitation(forge, { caller: callerOf(response), id: parse(rowId, request.params.id) });
    response.status(204).end();
  });
  return router;
}

const personOf = ({ name, role, kind, createdAt, disabledAt }: Account): PersonView => ({
  name,
  role,
  kind,
  createdAt: new Date(createdAt).toISOString(),
  disabledAt: disabledAt === undefined ? null : new Date(disabledAt).toISOString(),
});

const viewOf = ({ createdAt, expiresAt, ...rest }: Invitation): InvitationView => ({
  ...rest,
  createdAt: new Date(createdAt).toISOString(),
  expiresAt: new Date(expiresAt).toISOString(),
});
