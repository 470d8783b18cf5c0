import type {
  Delivery,
  DeliveryAttempt,
  DeliveryDetailView,
  DeliveryView,
  Webhook,
  WebhookView,
} from './model.ts';

const iso = (at: number): string => new Date(at).toISOString();
const isoOrNull = (at: number | undefined): string | null => (at === undefined ? null : iso(at));

export const webhookViewOf = (webhook: Webhook): WebhookView => ({
  id: webhook.id,
  url: webhook.url,
  events: webhook.events,
  active: webhook.isActive,
  failures: webhook.failures,
  restsUntil: isoOrNull(webhook.restsUntil),
  createdAt: iso(webhook.createdAt),
  createdBy: webhook.createdByName ?? null,
});

export const deliveryViewOf = (delivery: Delivery): DeliveryView => ({
  id: delivery.id,
  event: delivery.event,
  state: delivery.state,
  attempts: delivery.attempts,
  message: delivery.message ?? null,
  createdAt: iso(delivery.createdAt),
  finishedAt: isoOrNull(delivery.finishedAt),
});

export const deliveryDetailOf = (
  delivery: Delivery,
  attempts: readonly DeliveryAttempt[],
): DeliveryDetailView => ({
  ...deliveryViewOf(delivery),
  body: delivery.body,
  tries: attempts.map(({ status, error, startedAt, ...attempt }) => ({
    ...attempt,
    startedAt: iso(startedAt),
    status: status ?? null,
    error: error ?? null,
  })),
});
