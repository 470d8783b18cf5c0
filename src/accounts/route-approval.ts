// Signing a program in by approval in the browser: the program's two requests, and the person's page.
import { Router, type Response } from 'express';
import { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { decideApproval, readApproval, startApproval, waitForApproval } from './approval.ts';
import { recordAudit } from './audit.ts';
import { callerOf, requireOwnAccount } from './guard.ts';
import {
  approvalRequest,
  approvalTokenRequest,
  approvalTokenView,
  approvalView,
  type ApprovalTokenView,
} from './model.ts';

const codeQuery = z.object({ code: z.string().max(40).optional() });
const decisionForm = z.object({ code: z.string().max(40), decision: z.enum(['approve', 'deny']) });

const table = {
  ask: apiRow({
    method: 'post',
    path: '/api/v1/sessions/approval',
    summary: 'Ask for a token that somebody approves in the browser',
    right: 'anyone',
    body: approvalRequest,
    answer: approvalView,
    status: 201,
  }),
  decision: apiRow({
    method: 'post',
    path: '/api/v1/sessions/approval/token',
    summary: 'Wait for the decision on an asked-for token',
    right: 'anyone',
    body: approvalTokenRequest,
    answer: approvalTokenView,
  }),
};

export function approvalApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, table.ask, (request, response, sent) => {
    const from = { ...sent.body(), address: request.ip ?? '' };
    const { secret, code, url, expiresAt } = startApproval(forge, from);
    response.status(201).set('Cache-Control', 'no-store');
    response.json({ request: secret, code, url, expiresAt: new Date(expiresAt).toISOString() });
  });
  apiRoute(router, table.decision, (_request, response, sent) => tellDecision(forge, response, sent.body()));
  return router;
}

async function tellDecision(
  forge: Forge,
  response: Response,
  order: z.output<typeof approvalTokenRequest>,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const answer = await waitForApproval(forge, {
    secret: order.request,
    seconds: order.timeout,
    signal: gone.signal,
  });
  if (gone.signal.aborted) return;
  response.set('Cache-Control', 'no-store');
  if (answer.state !== 'approved') {
    response.json({ state: answer.state } satisfies ApprovalTokenView);
    return;
  }
  const { token, account } = answer;
  const caller = { ...callerOf(response), account, credential: 'approval' };
  recordAudit(forge, caller, { action: 'token.create', subject: account.name });
  response.json({ state: 'approved', token, account: account.name } satisfies ApprovalTokenView);
}

export function approvalPages(forge: Forge): Router {
  const router = Router();
  router.get('/login/approve', (request, response) => {
    const account = requireOwnAccount(callerOf(response), 'admin');
    const { code } = parse(codeQuery, request.query);
    const approval = code === undefined ? undefined : readApproval(forge, code);
    response.set('Cache-Control', 'no-store');
    render(response, 'accounts/approve.njk', { account, approval });
  });
  router.post('/login/approve', (request, response) => {
    const caller = callerOf(response);
    const account = requireOwnAccount(caller, 'admin');
    const { code, decision } = parse(decisionForm, request.body);
    const { program, address, scope } = readApproval(forge, code);
    decideApproval(forge, { code, accountId: account.id, isApproved: decision === 'approve' });
    recordAudit(forge, caller, {
      action: `session.${decision}`,
      subject: account.name,
      detail: { program, address, scope },
    });
    render(response, 'accounts/approve.njk', { account, approval: undefined, decided: decision });
  });
  return router;
}
