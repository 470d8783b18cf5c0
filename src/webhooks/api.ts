// Webhooks of a repository over the API. A secret goes in; one that the forge has made comes out once.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { maintainedRepo } from '../repos/guard.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { parse } from '../web/parse.ts';
import { listAttempts } from './find.ts';
import {
  deliveryDetailView,
  deliveryListView,
  deliveryQuery,
  deliveryView,
  webhookChange,
  webhookListView,
  webhookMadeView,
  webhookRequest,
  webhookView,
} from './model.ts';
import { getDelivery, listDeliveries, pingWebhook, redeliver } from './resend.ts';
import {
  addWebhook,
  changeWebhook,
  getWebhook,
  listWebhooks,
  removeWebhook,
  type MadeWebhook,
} from './set-webhook.ts';
import { deliveryDetailOf, deliveryViewOf, webhookViewOf } from './view.ts';

const all = '/api/v1/repos/:owner/:repo/webhooks';
const one = `${all}/:id` as const;
const sent = `${one}/deliveries` as const;

const table = {
  list: apiRow({
    method: 'get',
    path: all,
    summary: 'List the webhooks of a repository',
    right: 'maintain',
    answer: webhookListView,
  }),
  add: apiRow({
    method: 'post',
    path: all,
    summary: 'Add a webhook',
    description: 'Without a secret the forge makes one, and tells it in this answer alone.',
    right: 'maintain',
    body: webhookRequest,
    answer: webhookMadeView,
    status: 201,
  }),
  show: apiRow({
    method: 'get',
    path: one,
    summary: 'Show a webhook',
    right: 'maintain',
    answer: webhookView,
  }),
  change: apiRow({
    method: 'patch',
    path: one,
    summary: 'Change a webhook',
    description: 'With `newSecret` the forge makes another secret, and tells it in this answer alone.',
    right: 'maintain',
    body: webhookChange,
    answer: webhookMadeView,
  }),
  remove: apiRow({
    method: 'delete',
    path: one,
    summary: 'Remove a webhook and its deliveries',
    right: 'maintain',
    answer: 'nothing',
  }),
  ping: apiRow({
    method: 'post',
    path: `${one}/ping`,
    summary: 'Send a test to the receiver of a webhook',
    right: 'maintain',
    answer: deliveryView,
    status: 201,
  }),
  deliveries: apiRow({
    method: 'get',
    path: sent,
    summary: 'List the deliveries of a webhook, newest first',
    right: 'maintain',
    query: deliveryQuery,
    answer: deliveryListView,
  }),
  delivery: apiRow({
    method: 'get',
    path: `${sent}/:delivery`,
    summary: 'Show a delivery with its body and its attempts',
    right: 'maintain',
    answer: deliveryDetailView,
  }),
  redeliver: apiRow({
    method: 'post',
    path: `${sent}/:delivery/redeliver`,
    summary: 'Send a delivery again',
    right: 'maintain',
    answer: deliveryView,
  }),
};

const number = z.coerce.number('expected a number').int().positive();

export function webhooksApi(forge: Forge, webhooks: { look: () => void }): Router {
  const router = Router();
  const order = (request: Request, response: Response) => {
    const repo = maintainedRepo(forge, { request, response });
    response.set('Cache-Control', 'no-store');
    return { repo, caller: callerOf(response) };
  };
  const place = (request: Request, response: Response) => ({
    ...order(request, response),
    id: parse(number, request.params['id']),
  });
  apiRoute(router, table.list, (request, response) => {
    const { repo } = order(request, response);
    response.json({ webhooks: listWebhooks(forge, repo).map(webhookViewOf) });
  });
  apiRoute(router, table.add, (request, response, given) => {
    const ordered = order(request, response);
    response.status(201).json(madeViewOf(addWebhook(forge, { ...ordered, request: given.body() })));
  });
  apiRoute(router, table.show, (request, response) => {
    const { repo, id } = place(request, response);
    response.json(webhookViewOf(getWebhook(forge, repo, id)));
  });
  apiRoute(router, table.change, (request, response, given) => {
    const ordered = place(request, response);
    response.json(madeViewOf(changeWebhook(forge, { ...ordered, change: given.body() })));
    webhooks.look();
  });
  apiRoute(router, table.remove, (request, response) => {
    removeWebhook(forge, place(request, response));
    response.status(204).end();
  });
  deliveryRoutes(forge, router, { place, look: webhooks.look });
  return router;
}

function deliveryRoutes(
  forge: Forge,
  router: Router,
  { place, look }: { place: (request: Request, response: Response) => PlaceOfRoute; look: () => void },
): void {
  apiRoute(router, table.ping, (request, response) => {
    response.status(201).json(deliveryViewOf(pingWebhook(forge, place(request, response))));
    look();
  });
  apiRoute(router, table.deliveries, (request, response, given) => {
    const { repo, id } = place(request, response);
    const { deliveries, next } = listDeliveries(forge, { repo, id, ...given.query() });
    response.json({ deliveries: deliveries.map(deliveryViewOf), next: next ?? null });
  });
  apiRoute(router, table.delivery, (request, response) => {
    const { repo, id } = place(request, response);
    const delivery = getDelivery(forge, { repo, id, delivery: parse(number, request.params.delivery) });
    response.json(deliveryDetailOf(delivery, listAttempts(forge, delivery.id)));
  });
  apiRoute(router, table.redeliver, (request, response) => {
    const ordered = place(request, response);
    const delivery = parse(number, request.params.delivery);
    response.json(deliveryViewOf(redeliver(forge, { ...ordered, delivery })));
    look();
  });
}

type PlaceOfRoute = Parameters<typeof pingWebhook>[1];

const madeViewOf = ({ webhook, secret }: MadeWebhook) => ({
  ...webhookViewOf(webhook),
  ...(secret === undefined ? {} : { secret }),
});
