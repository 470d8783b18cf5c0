import type {
  Delivery,
  DeliveryAttempt,
  DeliveryDetailView,
  DeliveryView,
  Webhook,
  WebhookView,
} from './model.ts';
import { isoTime, isoTimeOrNull } from '../lib/iso-time.ts';

export const webhookViewOf = (webhook: Webhook): WebhookView => ({
  id: webhook.id,
  url: webhook.url,
  events: webhook.events,
  active: webhook.isActive,
  failures: webhook.failures,
  restsUntil: isoTimeOrNull(webhook.restsUntil),
  createdAt: isoTime(webhook.createdAt),
  createdBy: webhook.createdByName ?? null,
});

export const deliveryViewOf = (delivery: Delivery): DeliveryView => ({
  id: delivery.id,
  event: delivery.event,
  state: delivery.state,
  attempts: delivery.attempts,
  message: delivery.message ?? null,
  createdAt: isoTime(delivery.createdAt),
  finishedAt: isoTimeOrNull(delivery.finishedAt),
});

export const deliveryDetailOf = (
  delivery: Delivery,
  attempts: readonly DeliveryAttempt[],
): DeliveryDetailView => ({
  ...deliveryViewOf(delivery),
  body: delivery.body,
  tries: attempts.map(({ status, error, startedAt, ...attempt }) => ({
    ...attempt,
    startedAt: isoTime(startedAt),
    status: status ?? null,
    error: error ?? null,
  })),
});
