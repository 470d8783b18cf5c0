import { z } from 'zod';
import { branchView } from '../branches/model.ts';
import { runStates } from '../ci/model.ts';

/** What a receiver may ask to be told of; `ping` is sent to it on demand alone. */
export const webhookEvents = ['push', 'run', 'review', 'landing', 'branch'] as const;
export type WebhookEvent = (typeof webhookEvents)[number];
export type DeliveryEvent = WebhookEvent | 'ping';

export const deliveryStates = ['queued', 'sending', 'delivered', 'failed'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

export interface Webhook {
  id: number;
  repoId: number;
  url: string;
  events: WebhookEvent[];
  isActive: boolean;
  /** What happened before is not told. */
  startsAt: number;
  toldUntil: number;
  /** Failures in a row; the receiver rests until `restsUntil`. */
  failures: number;
  restsUntil: number | undefined;
  createdAt: number;
  createdByName: string | undefined;
  updatedAt: number;
}

export interface Delivery {
  id: number;
  webhookId: number;
  event: DeliveryEvent;
  body: string;
  state: DeliveryState;
  token: number;
  attempts: number;
  /** Why it will not be tried again, or what the last attempt met. */
  message: string | undefined;
  createdAt: number;
  /** When it was put into the queue last, by what happened or by somebody who sent it again. */
  queuedAt: number;
  finishedAt: number | undefined;
}

/** One attempt; `status` is that of the answer, `error` why there was none. */
export interface DeliveryAttempt {
  number: number;
  startedAt: number;
  durationMs: number;
  status: number | undefined;
  error: string | undefined;
  /** The beginning of the answer's body. */
  answer: string;
}

const secret = z
  .string()
  .min(16, 'a secret has at least 16 characters')
  .max(200, 'a secret has at most 200 characters');
const events = z
  .array(z.enum(webhookEvents))
  .min(1, `choose at least one of ${webhookEvents.join(', ')}`)
  .max(webhookEvents.length)
  .transform((list) => webhookEvents.filter((event) => list.includes(event)));
const url = z.string().max(2000, 'an address has at most 2000 characters');

/** Without a secret the forge makes one. Without events all of them are told. */
export const webhookRequest = z.strictObject({
  url,
  events: events.default([...webhookEvents]),
  secret: secret.optional(),
  active: z.boolean().default(true),
});
export type WebhookRequest = z.output<typeof webhookRequest>;

/** What is left out stays as it is; `newSecret` asks the forge for another secret. */
export const webhookChange = z.strictObject({
  url: url.optional(),
  events: events.optional(),
  secret: secret.optional(),
  newSecret: z.boolean().optional(),
  active: z.boolean().optional(),
});
export type WebhookChange = z.output<typeof webhookChange>;

export const webhookView = z.object({
  id: z.number(),
  url: z.string(),
  events: z.array(z.enum(webhookEvents)),
  active: z.boolean(),
  /** Failures in a row, and until when the receiver rests because of them. */
  failures: z.number(),
  restsUntil: z.string().nullable(),
  createdAt: z.string(),
  createdBy: z.string().nullable(),
});
export type WebhookView = z.infer<typeof webhookView>;
/** With the secret where the forge has just made it: it is told once. */
export const webhookMadeView = webhookView.extend({ secret: z.string().optional() });
export type WebhookMadeView = z.infer<typeof webhookMadeView>;
export const webhookListView = z.object({ webhooks: z.array(webhookView) });

export const deliveryView = z.object({
  id: z.number(),
  event: z.enum(['ping', ...webhookEvents]),
  state: z.enum(deliveryStates),
  attempts: z.number(),
  message: z.string().nullable(),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
});
export type DeliveryView = z.infer<typeof deliveryView>;
export const deliveryListView = z.object({
  deliveries: z.array(deliveryView),
  /** The `before` of the next page. */
  next: z.number().nullable(),
});
export const deliveryDetailView = deliveryView.extend({
  /** What is sent, to the byte. */
  body: z.string(),
  tries: z.array(
    z.object({
      number: z.number(),
      startedAt: z.string(),
      durationMs: z.number(),
      status: z.number().nullable(),
      error: z.string().nullable(),
      answer: z.string(),
    }),
  ),
});
export type DeliveryDetailView = z.infer<typeof deliveryDetailView>;
export const deliveryQuery = z.object({ before: z.coerce.number().int().min(1).optional() });

const repo = z.object({ owner: z.string(), name: z.string(), url: z.string() });
const told = { at: z.string(), repo };
const who = z.string().nullable();

/** The body of every delivery, by its event; new keys may come, those that are here stay. */
export const webhookBody = z.discriminatedUnion('event', [
  z.object({ event: z.literal('ping'), ...told, events: z.array(z.enum(webhookEvents)) }),
  z.object({
    event: z.literal('push'),
    ...told,
    branch: branchView,
    revision: z.object({ number: z.number(), head: z.string(), base: z.string().nullable() }),
    pusher: who,
  }),
  z.object({
    event: z.literal('run'),
    ...told,
    branch: branchView.nullable(),
    run: z.object({
      number: z.number(),
      kind: z.enum(['branch', 'landing', 'nightly']),
      head: z.string(),
      state: z.enum(runStates),
      problem: z.string().nullable(),
      url: z.string(),
    }),
  }),
  z.object({
    event: z.literal('review'),
    ...told,
    branch: branchView,
    review: z.object({ by: z.string(), verdict: z.string(), head: z.string(), message: z.string() }),
  }),
  z.object({
    event: z.literal('landing'),
    ...told,
    branch: branchView,
    landing: z.object({
      state: z.string(),
      target: z.string(),
      head: z.string(),
      why: z.string().nullable(),
    }),
  }),
  z.object({
    event: z.literal('branch'),
    ...told,
    branch: branchView,
    action: z.enum(['opened', 'merged', 'closed', 'reopened']),
    by: who,
  }),
]);
export type WebhookBody = z.infer<typeof webhookBody>;
