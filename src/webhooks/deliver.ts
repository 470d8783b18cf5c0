// Takes what waits and sends it: one thing at a time to each receiver, in order, and to a few receivers at once. A claim is
// fenced by its token, so what was sent by a claim that was given up writes nothing.
import type { Forge } from '../forge/open.ts';
import { openSealed, readSealKey } from '../lib/seal.ts';
import { claimDelivery, finishDelivery, insertAttempt, listDue } from './delivery-store.ts';
import type { Delivery, Webhook } from './model.ts';
import { sendBody, type Outcome } from './send.ts';
import { placeOfWebhook } from './set-webhook.ts';
import { signBody } from './sign.ts';
import { findSendable, getSealed, updateRest } from './store.ts';

/** Beyond the longest exchange: a claim whose sender never came back is given up. */
const leaseSpareMs = 30_000;

/** What may be sent now, at most `limit`, each taken; the caller sends them. */
export function claimDue(forge: Forge, limit: number): Delivery[] {
  if (limit <= 0) return [];
  const now = forge.clock.now();
  const leaseUntil = now + forge.config.webhooks.timeoutSeconds * 1000 + leaseSpareMs;
  return listDue(forge.db, { now, limit }).flatMap(
    ({ id }) => claimDelivery(forge.db, { id, leaseUntil }) ?? [],
  );
}

/** Sends one delivery that was claimed, and writes down what came of it. */
export async function deliver(forge: Forge, delivery: Delivery, signal: AbortSignal): Promise<void> {
  const hook = findSendable(forge.db, delivery.webhookId);
  if (hook === undefined) return;
  const startedAt = forge.clock.now();
  const started = performance.now();
  const outcome = await send(forge, { hook, delivery, signal });
  // The forge stops; nothing can be said of the receiver, and the next start sends it again.
  if (signal.aborted) return;
  const durationMs = Math.round(performance.now() - started);
  forge.db.transaction(() => record(forge, { hook, delivery, outcome, startedAt, durationMs }));
}

async function send(
  forge: Forge,
  { hook, delivery, signal }: { hook: Webhook; delivery: Delivery; signal: AbortSignal },
): Promise<Outcome> {
  const { webhooks, paths } = forge.config;
  const sealed = getSealed(forge.db, hook.id);
  const secret = sealed && openSealed(readSealKey(paths.keys), sealed, placeOfWebhook(hook.id));
  if (secret === undefined) {
    const error =
      'its secret was sealed with a key that is gone; set another secret in the settings of the webhook';
    return { status: undefined, error, answer: '', retryAfterSeconds: undefined, isFinal: true };
  }
  return sendBody({
    url: hook.url,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'pika-git-webhook/1',
      'x-pika-event': delivery.event,
      'x-pika-delivery': String(delivery.id),
      'x-pika-attempt': String(delivery.attempts + 1),
      'x-pika-signature': signBody(secret, delivery.body, forge.clock.now()),
    },
    body: delivery.body,
    timeoutMs: webhooks.timeoutSeconds * 1000,
    maxAnswerBytes: webhooks.maxAnswerBytes,
    allowedRanges: webhooks.allowedRanges,
    nameServers: webhooks.nameServers,
    signal,
  });
}

interface Exchange {
  hook: Webhook;
  delivery: Delivery;
  outcome: Outcome;
  startedAt: number;
  durationMs: number;
}

function record(forge: Forge, { hook, delivery, outcome, startedAt, durationMs }: Exchange): void {
  const now = forge.clock.now();
  const { maxAttempts } = forge.config.webhooks;
  const isLast = outcome.isFinal || delivery.attempts + 1 >= maxAttempts;
  const state = outcome.error === undefined ? 'delivered' : isLast ? 'failed' : 'queued';
  const { id, token } = delivery;
  if (!finishDelivery(forge.db, { id, token, state, message: outcome.error ?? null, now })) return;
  insertAttempt(forge.db, {
    deliveryId: id,
    startedAt,
    durationMs,
    status: outcome.status ?? null,
    error: outcome.error ?? null,
    answer: outcome.answer,
  });
  const failures = outcome.error === undefined ? 0 : hook.failures + 1;
  const until = failures === 0 ? null : now + restMs(forge, failures, outcome);
  updateRest(forge.db, { id: hook.id, failures, until });
}

/** Doubles with each failure in a row, with some chance in it, so that receivers that fell together rise apart. */
function restMs(forge: Forge, failures: number, { retryAfterSeconds = 0 }: Outcome): number {
  const { retrySeconds, maxRetrySeconds } = forge.config.webhooks;
  const doubled = retrySeconds * 2 ** Math.min(failures - 1, 30);
  const seconds = Math.min(
    maxRetrySeconds,
    Math.max(doubled * (0.8 + Math.random() * 0.2), retryAfterSeconds),
  );
  return Math.round(seconds * 1000);
}
