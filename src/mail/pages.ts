// Where one chooses what is told by mail, confirms the address, and stops it again. Links of mails open a page and change
// nothing: programs that look at mails open them too.
import { Router, type Response } from 'express';
import { z } from 'zod';
import { callerOf, requireOwnAccount } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { inboxKinds } from '../inbox/model.ts';
import { ForgeError } from '../lib/errors.ts';
import { statusByCode } from '../lib/statuses.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { chooseMail, confirmMail, mailOf, stopMail, stopMailBySecret, stoppable } from './choose.ts';
import { confirmRequest, kindMeanings, mailRequest } from './model.ts';

const pageQuery = z.object({ secret: confirmRequest.shape.secret.optional() });
const chooseForm = z.object({
  address: mailRequest.shape.address,
  kind: z.preprocess((value) => (value === undefined ? [] : [value].flat()), z.array(z.enum(inboxKinds))),
});
const confirmForm = z.object({ secret: confirmRequest.shape.secret });

export function mailPages(forge: Forge, mail: { look: () => void }): Router {
  const router = Router();
  router.get('/account/mail', (request, response) => {
    requireOwnAccount(callerOf(response), 'admin');
    const { secret } = parse(pageQuery, request.query);
    show(forge, response, { secret });
  });
  router.post('/account/mail', (request, response) => {
    const caller = callerOf(response);
    requireOwnAccount(caller, 'admin');
    answerForm(forge, response, () => {
      const { address, kind } = parse(chooseForm, request.body);
      chooseMail(forge, { caller, request: { address, kinds: kind } });
      mail.look();
    });
  });
  router.post('/account/mail/confirm', (request, response) => {
    const caller = callerOf(response);
    requireOwnAccount(caller, 'admin');
    answerForm(forge, response, () => confirmMail(forge, { caller, ...parse(confirmForm, request.body) }));
  });
  router.post('/account/mail/stop', (_request, response) => {
    stopMail(forge, callerOf(response));
    response.redirect(303, '/account/mail');
  });
  router.get('/account/mail/stop/:secret', (request, response) => {
    const { address } = stoppable(forge, request.params.secret);
    showStop(response, { address, secret: request.params.secret });
  });
  // Mail programs post here by themselves when their reader asks them to (RFC 8058).
  router.post('/account/mail/stop/:secret', (request, response) => {
    const { secret } = request.params;
    const { address } = stoppable(forge, secret);
    stopMailBySecret(forge, { caller: callerOf(response), secret });
    showStop(response, { address, secret: undefined });
  });
  return router;
}

/** Back to the page, or the page at once with the reason of a refusal. */
function answerForm(forge: Forge, response: Response, change: () => unknown): void {
  try {
    change();
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    response.status(statusByCode[error.code]);
    show(forge, response, { refused: error.message });
    return;
  }
  response.redirect(303, '/account/mail');
}

function show(
  forge: Forge,
  response: Response,
  { secret, refused }: { secret?: string | undefined; refused?: string },
): void {
  const caller = callerOf(response);
  const mail = mailOf(forge, caller);
  const isFirst = mail.address === null;
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Referrer-Policy', 'strict-origin');
  render(response, 'mail/index.njk', {
    mail,
    refused,
    secret: mail.confirmed ? undefined : secret,
    kinds: inboxKinds.map((kind) => ({
      kind,
      meaning: kindMeanings[kind],
      isChosen: isFirst || mail.kinds.includes(kind),
    })),
  });
}

function showStop(response: Response, shown: { address: string; secret: string | undefined }): void {
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Referrer-Policy', 'strict-origin');
  render(response, 'mail/stop.njk', shown);
}
