import { Router } from 'express';
import { callerOf, requireOwnAccount } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { chooseMail, confirmMail, mailOf, stopMail } from './choose.ts';
import { confirmRequest, mailRequest, mailView } from './model.ts';

const path = '/api/v1/account/mail';

const table = {
  show: apiRow({
    method: 'get',
    path,
    summary: 'Show where and of what the caller is told by mail',
    right: 'account',
    answer: mailView,
  }),
  choose: apiRow({
    method: 'put',
    path,
    summary: 'Choose where and of what to be told by mail',
    description: 'An address that is not confirmed is sent a link first, and nothing else.',
    right: 'account',
    scope: 'admin',
    body: mailRequest,
    answer: mailView,
  }),
  confirm: apiRow({
    method: 'post',
    path: `${path}/confirm`,
    summary: 'Confirm the address by the secret that it was sent',
    right: 'account',
    scope: 'admin',
    body: confirmRequest,
    answer: mailView,
  }),
  stop: apiRow({
    method: 'delete',
    path,
    summary: 'Get no mail any more',
    right: 'account',
    scope: 'admin',
    answer: 'nothing',
  }),
};

export function mailApi(forge: Forge, mail: { look: () => void }): Router {
  const router = Router();
  apiRoute(router, table.show, (_request, response) => {
    response.json(mailOf(forge, callerOf(response)));
  });
  apiRoute(router, table.choose, (_request, response, sent) => {
    const caller = callerOf(response);
    requireOwnAccount(caller, 'admin');
    response.json(chooseMail(forge, { caller, request: sent.body() }));
    mail.look();
  });
  apiRoute(router, table.confirm, (_request, response, sent) => {
    const caller = callerOf(response);
    requireOwnAccount(caller, 'admin');
    response.json(confirmMail(forge, { caller, secret: sent.body().secret }));
  });
  apiRoute(router, table.stop, (_request, response) => {
    stopMail(forge, callerOf(response));
    response.status(204).end();
  });
  return router;
}
