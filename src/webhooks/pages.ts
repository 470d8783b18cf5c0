// Webhooks in the settings of a repository: the list, one with its deliveries, one delivery.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { statusByCode } from '../lib/statuses.ts';
import { maintainedRepo } from '../repos/guard.ts';
import type { Repo } from '../repos/model.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { listAttempts } from './find.ts';
import { deliveryQuery, webhookChange, webhookEvents, webhookRequest, type Webhook } from './model.ts';
import { getDelivery, listDeliveries, pingWebhook, redeliver } from './resend.ts';
import { addWebhook, changeWebhook, getWebhook, listWebhooks, removeWebhook } from './set-webhook.ts';

interface Exchange {
  request: Request;
  response: Response;
}

const base = '/:owner/:repo/settings/webhooks';
const number = z.coerce.number('expected a number').int().positive();
const several = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : (value ?? [])),
  z.array(z.string()),
);
const checked = z.literal('on').optional();
const pageQuery = deliveryQuery.extend({ saved: z.literal('yes').optional() });
const hookForm = z.object({
  url: z.string(),
  event: several,
  secret: z.string().default(''),
  active: checked,
  newSecret: checked,
});

const meanings: Record<(typeof webhookEvents)[number], string> = {
  push: 'a branch has a new revision',
  run: 'a run of CI has ended',
  review: 'somebody approved, asked for changes or commented',
  landing: 'a branch went into the landing queue, or left it',
  branch: 'a branch was opened, merged, closed or reopened',
};

export function webhooksPages(forge: Forge, webhooks: { look: () => void }): Router {
  const router = Router();
  router.get(base, (request, response) => showAll(forge, { request, response }));
  router.post(base, (request, response) => add(forge, { request, response }));
  router.get(`${base}/:id`, (request, response) => showOne(forge, { request, response }));
  router.post(`${base}/:id`, (request, response) => {
    change(forge, { request, response });
    webhooks.look();
  });
  router.post(`${base}/:id/remove`, (request, response) => {
    const { repo, ...order } = orderOf(forge, { request, response });
    removeWebhook(forge, { repo, ...order });
    response.redirect(303, `/${repo.owner}/${repo.name}/settings/webhooks`);
  });
  router.post(`${base}/:id/ping`, (request, response) => {
    const { repo, ...order } = orderOf(forge, { request, response });
    const { id } = pingWebhook(forge, { repo, ...order });
    webhooks.look();
    response.redirect(303, `${pathOf(repo, order.id)}/deliveries/${id}`);
  });
  router.get(`${base}/:id/deliveries/:delivery`, (request, response) =>
    showDelivery(forge, { request, response }),
  );
  router.post(`${base}/:id/deliveries/:delivery/redeliver`, (request, response) => {
    const { repo, ...order } = orderOf(forge, { request, response });
    const { id } = redeliver(forge, { repo, ...order, delivery: parse(number, request.params.delivery) });
    webhooks.look();
    response.redirect(303, `${pathOf(repo, order.id)}/deliveries/${id}`);
  });
  return router;
}

const pathOf = (repo: { owner: string; name: string }, id: number): string =>
  `/${repo.owner}/${repo.name}/settings/webhooks/${id}`;

function orderOf(forge: Forge, exchange: Exchange) {
  const repo = maintainedRepo(forge, exchange);
  return { repo, caller: callerOf(exchange.response), id: parse(number, exchange.request.params['id']) };
}

/** What the fields of a form show: what was typed and refused, or what is in force. */
interface Shown {
  refused?: string;
  typed?: unknown;
  /** A secret that was made just now; it is shown this once, on the answer to the form. */
  secret?: string | undefined;
}

function fieldsOf(webhook: Webhook | undefined, typed: unknown) {
  const form = hookForm.safeParse(typed).data;
  return {
    url: form?.url ?? webhook?.url ?? '',
    events: webhookEvents.map((name) => ({
      name,
      meaning: meanings[name],
      isChosen: (form?.event ?? webhook?.events ?? webhookEvents).includes(name),
    })),
    isActive: form === undefined ? (webhook?.isActive ?? true) : form.active === 'on',
  };
}

function add(forge: Forge, exchange: Exchange): void {
  const { request, response } = exchange;
  const repo = maintainedRepo(forge, exchange);
  attempt(
    exchange,
    () => {
      const form = parse(hookForm, request.body);
      const wanted = { url: form.url.trim(), events: form.event, active: form.active === 'on' };
      const given = form.secret === '' ? wanted : { ...wanted, secret: form.secret };
      const made = addWebhook(forge, {
        repo,
        caller: callerOf(response),
        request: parse(webhookRequest, given),
      });
      answerMade(forge, exchange, { repo, ...made });
    },
    (refused) => showAll(forge, exchange, { refused, typed: request.body }),
  );
}

function change(forge: Forge, exchange: Exchange): void {
  const { request } = exchange;
  const order = orderOf(forge, exchange);
  attempt(
    exchange,
    () => {
      const form = parse(hookForm, request.body);
      const wanted = {
        url: form.url.trim(),
        events: form.event,
        active: form.active === 'on',
        newSecret: form.newSecret === 'on',
        ...(form.secret === '' ? {} : { secret: form.secret }),
      };
      const { webhook, secret } = changeWebhook(forge, { ...order, change: parse(webhookChange, wanted) });
      answerMade(forge, exchange, { repo: order.repo, webhook, secret });
    },
    (refused) => showOne(forge, exchange, { refused, typed: request.body }),
  );
}

/** A secret that was made is on the answer to the form itself: no address may show it again. */
function answerMade(
  forge: Forge,
  exchange: Exchange,
  { repo, webhook, secret }: { repo: Repo; webhook: Webhook; secret: string | undefined },
): void {
  if (secret !== undefined) showHook(forge, exchange, { webhook, secret });
  else exchange.response.redirect(303, `${pathOf(repo, webhook.id)}?saved=yes`);
}

function attempt(exchange: Exchange, act: () => void, refuse: (sentence: string) => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof ForgeError) || error.code === 'not_found') throw error;
    exchange.response.status(statusByCode[error.code]);
    refuse(error.message);
  }
}

function showAll(forge: Forge, exchange: Exchange, { refused, typed }: Shown = {}): void {
  const repo = maintainedRepo(forge, exchange);
  exchange.response.setHeader('Cache-Control', 'no-store');
  render(exchange.response, 'webhooks/index.njk', {
    repo,
    right: 'maintain',
    webhooks: listWebhooks(forge, repo),
    fields: fieldsOf(undefined, typed),
    refused,
    now: forge.clock.now(),
  });
}

function showOne(forge: Forge, exchange: Exchange, shown: Shown = {}): void {
  const { repo, id } = orderOf(forge, exchange);
  showHook(forge, exchange, { webhook: getWebhook(forge, repo, id), ...shown });
}

function showHook(
  forge: Forge,
  exchange: Exchange,
  { webhook, ...shown }: Shown & { webhook: Webhook },
): void {
  const repo = maintainedRepo(forge, exchange);
  const { before, saved } = parse(pageQuery, exchange.request.query);
  exchange.response.setHeader('Cache-Control', 'no-store');
  render(exchange.response, 'webhooks/webhook.njk', {
    repo,
    right: 'maintain',
    webhook,
    fields: fieldsOf(webhook, shown.typed),
    ...listDeliveries(forge, { repo, id: webhook.id, before }),
    isFirstPage: before === undefined,
    saved: saved === 'yes',
    ...shown,
    now: forge.clock.now(),
  });
}

function showDelivery(forge: Forge, exchange: Exchange): void {
  const { repo, id } = orderOf(forge, exchange);
  const delivery = getDelivery(forge, {
    repo,
    id,
    delivery: parse(number, exchange.request.params['delivery']),
  });
  exchange.response.setHeader('Cache-Control', 'no-store');
  render(exchange.response, 'webhooks/delivery.njk', {
    repo,
    right: 'maintain',
    webhook: getWebhook(forge, repo, id),
    delivery,
    body: JSON.stringify(JSON.parse(delivery.body), null, 2),
    attempts: listAttempts(forge, delivery.id),
    now: forge.clock.now(),
  });
}
