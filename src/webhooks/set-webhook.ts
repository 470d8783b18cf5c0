// Webhooks of a repository: made, changed, removed. Their secret goes in, or is made here and told once, and never comes
// out again.
import { recordAudit } from '../accounts/audit.ts';
import type { Caller } from '../accounts/model.ts';
import { readSealKey, sealText } from '../lib/seal.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { newSecret } from '../lib/secrets.ts';
import { isIP } from 'node:net';
import { fullName, type Repo } from '../repos/model.ts';
import { requireMaintainer } from '../repos/rights.ts';
import { reachable } from '../lib/public-address.ts';
import type { Webhook, WebhookChange, WebhookRequest } from './model.ts';
import {
  deleteWebhookRow,
  findWebhookRow,
  insertWebhook,
  listWebhookRows,
  updateSealed,
  updateWebhook,
} from './store.ts';

export interface WebhookOrder {
  repo: Repo;
  caller: Caller;
}

/** `secret` is there when the forge has just made it. */
export interface MadeWebhook {
  webhook: Webhook;
  secret: string | undefined;
}

/** What a sealed secret is bound to. */
export const placeOfWebhook = (id: number): string => `webhook ${id}`;

export const listWebhooks = (forge: Forge, repo: Repo): Webhook[] => listWebhookRows(forge.db, repo.id);

/** Refuses (`not_found`) one of another repository as one that does not exist. */
export function getWebhook(forge: Forge, repo: Repo, id: number): Webhook {
  const webhook = findWebhookRow(forge.db, { repoId: repo.id, id });
  if (webhook === undefined) throw new ForgeError('not_found', `${fullName(repo)} has no webhook ${id}.`);
  return webhook;
}

/** Refuses (`invalid`) an address that webhooks cannot have, and (`limited`) one webhook too many. */
export function addWebhook(forge: Forge, order: WebhookOrder & { request: WebhookRequest }): MadeWebhook {
  const { repo, caller, request } = order;
  const account = requireMaintainer(forge, order);
  const url = checkedUrl(forge, request.url);
  return forge.db.transaction(() => {
    const { maxPerRepo } = forge.config.webhooks;
    if (listWebhooks(forge, repo).length >= maxPerRepo) {
      throw new ForgeError('limited', `A repository has at most ${maxPerRepo} webhooks; remove one first.`);
    }
    const { events, active: isActive } = request;
    const now = forge.clock.now();
    const id = insertWebhook(forge.db, { repoId: repo.id, url, events, isActive, now, by: account.id });
    const secret = sealSecret(forge, id, request.secret);
    recordAudit(forge, caller, {
      action: 'webhook.add',
      subject: fullName(repo),
      detail: { id, origin: originOf(url), events },
    });
    return { webhook: getWebhook(forge, repo, id), secret };
  });
}

/** What is left out stays as it is. What happened while a webhook was off, or before it wanted an event, is not told. */
export function changeWebhook(
  forge: Forge,
  order: WebhookOrder & { id: number; change: WebhookChange },
): MadeWebhook {
  const { repo, caller, id, change } = order;
  requireMaintainer(forge, order);
  return forge.db.transaction(() => {
    const before = getWebhook(forge, repo, id);
    const url = change.url === undefined ? before.url : checkedUrl(forge, change.url);
    const events = change.events ?? before.events;
    const isActive = change.active ?? before.isActive;
    const now = forge.clock.now();
    const wantsMore = events.some((event) => !before.events.includes(event));
    const startsAt = wantsMore || (isActive && !before.isActive) ? now : before.startsAt;
    updateWebhook(forge.db, { id, url, events, isActive, startsAt, now });
    const isNewSecret = change.secret !== undefined || change.newSecret === true;
    const secret = isNewSecret ? sealSecret(forge, id, change.secret) : undefined;
    const detail = { id, origin: originOf(url), events, active: isActive, newSecret: isNewSecret };
    recordAudit(forge, caller, { action: 'webhook.change', subject: fullName(repo), detail });
    return { webhook: getWebhook(forge, repo, id), secret };
  });
}

/** Its deliveries go with it. */
export function removeWebhook(forge: Forge, order: WebhookOrder & { id: number }): void {
  const { repo, caller, id } = order;
  requireMaintainer(forge, order);
  forge.db.transaction(() => {
    const { url } = getWebhook(forge, repo, id);
    deleteWebhookRow(forge.db, { id, repoId: repo.id });
    recordAudit(forge, caller, {
      action: 'webhook.remove',
      subject: fullName(repo),
      detail: { id, origin: originOf(url) },
    });
  });
}

/** The secret that was made here; undefined for one that was given. */
function sealSecret(forge: Forge, id: number, given: string | undefined): string | undefined {
  const secret = given ?? newSecret('whsec');
  const key = readSealKey(forge.config.paths.keys);
  updateSealed(forge.db, { id, sealed: sealText(key, secret, placeOfWebhook(id)) });
  return given === undefined ? secret : undefined;
}

/** Receivers often carry their token in the path, which belongs into no log. */
const originOf = (url: string): string => new URL(url).origin;

function checkedUrl(forge: Forge, text: string): string {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  const problem = url === undefined ? 'it is no address' : urlProblem(forge, url);
  if (url === undefined || problem !== undefined) {
    throw new ForgeError('invalid', `The webhook's address is refused: ${problem}. Write https://HOST/PATH.`);
  }
  return url.href;
}

function urlProblem(forge: Forge, url: URL): string | undefined {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'it is neither https nor http';
  if (url.username !== '' || url.password !== '') {
    return 'it has a name or a password in it; receivers check the signature instead';
  }
  if (url.hash !== '') return 'it has a # in it, which is never sent';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // Names are looked up when something is sent; what they say now binds nobody.
  if (isIP(host) === 0 || reachable(forge.config.webhooks.allowedRanges)(host)) return undefined;
  return `${host} is no public address, and webhooks.allowedRanges does not open it`;
}
