// What somebody asks for beside what happens by itself: a ping, and a delivery once more.
import { recordAudit } from '../accounts/audit.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { requireMaintainer } from '../repos/rights.ts';
import { findDeliveryRow, insertDelivery, listDeliveryRows, requeueDelivery } from './delivery-store.ts';
import { keepQueueShort, told } from './gather.ts';
import type { Delivery, WebhookBody } from './model.ts';
import { getWebhook, type WebhookOrder } from './set-webhook.ts';
import { updateRest } from './store.ts';

export type WebhookPlace = WebhookOrder & { id: number };

/** Refuses (`not_found`) a delivery of another webhook. */
export function getDelivery(forge: Forge, place: { repo: Repo; id: number; delivery: number }): Delivery {
  const webhook = getWebhook(forge, place.repo, place.id);
  const delivery = findDeliveryRow(forge.db, { webhookId: webhook.id, id: place.delivery });
  if (delivery !== undefined) return delivery;
  const where = `Webhook ${webhook.id} of ${fullName(place.repo)}`;
  throw new ForgeError('not_found', `${where} has no delivery ${place.delivery}; it may be too old.`);
}

/** Newest first; `next` is the `before` of the next page. */
export function listDeliveries(
  forge: Forge,
  { repo, id, before }: { repo: Repo; id: number; before?: number | undefined },
): { deliveries: Delivery[]; next: number | undefined } {
  const webhook = getWebhook(forge, repo, id);
  const limit = forge.config.limits.maxRowsPerPage;
  const where = { webhookId: webhook.id, beforeId: before ?? null, limit: limit + 1 };
  const rows = listDeliveryRows(forge.db, where);
  const deliveries = rows.slice(0, limit);
  return { deliveries, next: rows.length > limit ? deliveries.at(-1)?.id : undefined };
}

/** Sends a test to the receiver, at once however it did before. Refuses (`conflict`) a webhook that is off. */
export function pingWebhook(forge: Forge, place: WebhookPlace): Delivery {
  const { repo, caller, id } = place;
  requireMaintainer(forge, place);
  const webhook = requireActive(forge, place);
  const now = forge.clock.now();
  const body: WebhookBody = { event: 'ping', ...told(forge, repo, now), events: webhook.events };
  return forge.db.transaction(() => {
    const key = `ping ${now} ${Math.random()}`;
    const made = insertDelivery(forge.db, {
      webhookId: id,
      event: 'ping',
      key,
      body: JSON.stringify(body),
      now,
    });
    tryNow(forge, id);
    keepQueueShort(forge, id);
    recordAudit(forge, caller, { action: 'webhook.ping', subject: fullName(repo), detail: { id } });
    if (made === undefined) throw new ForgeError('internal', 'The ping was not queued.');
    return getDelivery(forge, { repo, id, delivery: made });
  });
}

/** The same body once more, with a new signature. Refuses (`conflict`) what has not ended. */
export function redeliver(forge: Forge, place: WebhookPlace & { delivery: number }): Delivery {
  const { repo, caller, id } = place;
  requireMaintainer(forge, place);
  requireActive(forge, place);
  const delivery = getDelivery(forge, place);
  return forge.db.transaction(() => {
    if (!requeueDelivery(forge.db, { id: delivery.id, now: forge.clock.now() })) {
      throw new ForgeError(
        'conflict',
        `Delivery ${delivery.id} is ${delivery.state} already; wait for its end.`,
      );
    }
    tryNow(forge, id);
    recordAudit(forge, caller, {
      action: 'webhook.redeliver',
      subject: fullName(repo),
      detail: { id, delivery: delivery.id },
    });
    return getDelivery(forge, place);
  });
}

function requireActive(forge: Forge, { repo, id }: WebhookPlace) {
  const webhook = getWebhook(forge, repo, id);
  if (webhook.isActive) return webhook;
  throw new ForgeError('conflict', `Webhook ${id} is off. Turn it on first.`);
}

const tryNow = (forge: Forge, id: number): void => updateRest(forge.db, { id, failures: 0, until: null });
