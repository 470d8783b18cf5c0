// Webhooks of the repository. A secret comes from a file or standard input, or is made by the forge and printed once.
import type { z } from 'zod';
import {
  deliveryDetailView,
  deliveryListView,
  deliveryView,
  webhookEvents,
  webhookListView,
  webhookMadeView,
  type DeliveryDetailView,
  type DeliveryView,
  type WebhookMadeView,
  type WebhookView,
} from '../../webhooks/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { wrongUse } from '../failure.ts';
import { clean, cleanLine, printJson, printTable, stderr, stdout } from '../output.ts';
import { findPlace, repoRoute, type Place, type PlaceOptions } from '../place.ts';
import { readSecret } from '../read-secret.ts';

export interface WebhookOptions extends PlaceOptions {
  json?: boolean;
}

export interface AddOptions extends WebhookOptions {
  events?: string[];
  secretFile?: string;
}

export interface SetOptions extends AddOptions {
  url?: string;
  on?: boolean;
  off?: boolean;
  newSecret?: boolean;
}

const pollMs = 500;
const patienceMs = 30_000;

export async function listWebhooks(options: WebhookOptions): Promise<ExitStatus> {
  const place = await findPlace(options);
  const answer = await place.client.get(routeOf(place), { answer: webhookListView });
  if (options.json) printJson(answer);
  else if (answer.webhooks.length === 0) stderr.line(`${place.owner}/${place.repo} has no webhooks.`);
  else printTable(answer.webhooks.map(rowOf));
  return exitStatus.done;
}

export async function addWebhook(url: string, options: AddOptions): Promise<ExitStatus> {
  const events = readEvents(options.events);
  const place = await findPlace(options);
  const body = { url, ...events, ...(await givenSecret(options)) };
  return answerMade(await place.client.post(routeOf(place), body, webhookMadeView), options);
}

export async function changeWebhook(webhook: string, options: SetOptions): Promise<ExitStatus> {
  const { url, on, off, newSecret } = options;
  if (on && off) throw wrongUse('Give --on or --off, not both.');
  if (newSecret && options.secretFile !== undefined) {
    throw wrongUse('Give --new-secret or --secret-file, not both.');
  }
  const id = readNumber(webhook);
  const body = {
    ...readEvents(options.events),
    ...(url === undefined ? {} : { url }),
    ...(on || off ? { active: on === true } : {}),
    ...(newSecret ? { newSecret } : {}),
    ...(await givenSecret(options)),
  };
  if (Object.keys(body).length === 0)
    throw wrongUse('Say what changes; ph webhook set --help tells what can.');
  const place = await findPlace(options);
  return answerMade(await place.client.patch(routeOf(place, id), body, webhookMadeView), options);
}

export async function removeWebhook(webhook: string, options: WebhookOptions): Promise<ExitStatus> {
  const id = readNumber(webhook);
  const place = await findPlace(options);
  await place.client.remove(routeOf(place, id));
  if (options.json) printJson({ removed: id });
  else stdout.line(`webhook ${id} of ${place.owner}/${place.repo} is removed`);
  return exitStatus.done;
}

export async function pingWebhook(webhook: string, options: WebhookOptions): Promise<ExitStatus> {
  const id = readNumber(webhook);
  const place = await findPlace(options);
  const sent = await place.client.post(routeOf(place, id, '/ping'), {}, deliveryView);
  return answerOutcome(await outcomeOf(place, id, sent), options);
}

export async function redeliver(
  webhook: string,
  delivery: string,
  options: WebhookOptions,
): Promise<ExitStatus> {
  const [id, number] = [readNumber(webhook), readNumber(delivery)];
  const place = await findPlace(options);
  const route = routeOf(place, id, `/deliveries/${number}/redeliver`);
  return answerOutcome(await outcomeOf(place, id, await place.client.post(route, {}, deliveryView)), options);
}

export async function showDeliveries(
  webhook: string,
  delivery: string | undefined,
  options: WebhookOptions,
): Promise<ExitStatus> {
  const id = readNumber(webhook);
  const number = delivery === undefined ? undefined : readNumber(delivery);
  const place = await findPlace(options);
  const get = <Schema extends z.ZodType>(path: string, answer: Schema) =>
    place.client.get(routeOf(place, id, path), { answer });
  if (number !== undefined) {
    const detail = await get(`/deliveries/${number}`, deliveryDetailView);
    if (options.json) printJson(detail);
    else printDetail(detail);
    return exitStatus.done;
  }
  const answer = await get('/deliveries', deliveryListView);
  if (options.json) printJson(answer);
  else if (answer.deliveries.length === 0) stderr.line(`Nothing was told to webhook ${id} yet.`);
  else printTable(answer.deliveries.map(deliveryRow));
  return exitStatus.done;
}

/** Asked anew until the receiver has answered once; one that rests or is slow is told as it stands. */
async function outcomeOf(place: Place, id: number, sent: DeliveryView): Promise<DeliveryDetailView> {
  const route = routeOf(place, id, `/deliveries/${sent.id}`);
  const before = Date.now() + patienceMs;
  for (;;) {
    const delivery = await place.client.get(route, { answer: deliveryDetailView });
    const hasEnded = delivery.state === 'delivered' || delivery.state === 'failed';
    if (hasEnded || delivery.attempts > 0 || Date.now() > before) return delivery;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

function answerOutcome(delivery: DeliveryDetailView, { json }: WebhookOptions): ExitStatus {
  if (json) printJson(delivery);
  else printTable([deliveryRow(delivery)]);
  return delivery.state === 'delivered' ? exitStatus.done : exitStatus.no;
}

function answerMade(made: WebhookMadeView, { json }: WebhookOptions): ExitStatus {
  if (json) {
    printJson(made);
    return exitStatus.done;
  }
  printTable([rowOf(made)]);
  if (made.secret !== undefined) {
    stdout.line(`secret  ${cleanLine(made.secret)}`);
    stderr.line('Give the secret to the receiver; it is not shown again.');
  }
  return exitStatus.done;
}

const routeOf = (place: Place, id?: number, path = ''): string =>
  `${repoRoute(place)}/webhooks${id === undefined ? '' : `/${id}${path}`}`;

async function givenSecret({ secretFile }: AddOptions): Promise<{ secret?: string }> {
  return secretFile === undefined ? {} : { secret: await readSecret('Secret: ', secretFile) };
}

function readEvents(given: readonly string[] | undefined): { events?: string[] } {
  if (given === undefined) return {};
  const events = given.flatMap((part) => part.split(/[\s,]+/)).filter((part) => part !== '');
  const unknown = events.find((event) => !(webhookEvents as readonly string[]).includes(event));
  if (unknown === undefined && events.length > 0) return { events };
  throw wrongUse(`"${unknown ?? ''}" is no event; give some of ${webhookEvents.join(', ')}.`);
}

function readNumber(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw wrongUse(`"${text}" is no number; ph webhook list says them.`);
}

const rowOf = ({ id, url, events, active, failures }: WebhookView): string[] => [
  String(id),
  cleanLine(url),
  events.join(','),
  active ? (failures === 0 ? 'on' : `${failures} failures in a row`) : 'off',
];

const deliveryRow = ({ id, event, state, attempts, createdAt, message }: DeliveryView): string[] => [
  String(id),
  event,
  state,
  `${attempts} tried`,
  createdAt.slice(0, 16).replace('T', ' '),
  cleanLine(message ?? ''),
];

function printDetail(delivery: DeliveryDetailView): void {
  printTable([deliveryRow(delivery)]);
  for (const { number, startedAt, durationMs, status, error, answer } of delivery.tries) {
    stdout.line(
      `attempt ${number}  ${startedAt}  ${durationMs} ms  ${cleanLine(error ?? `answered ${status}`)}`,
    );
    if (answer !== '') stdout.line(clean(answer));
  }
  stdout.line(clean(delivery.body));
}
