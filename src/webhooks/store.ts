// The SQL of webhooks. The sealed secret leaves only for signing.
import type { Db } from '../db/open.ts';
import type { Webhook, WebhookEvent } from './model.ts';

interface WebhookRow {
  id: number;
  repoId: number;
  url: string;
  events: string;
  active: number;
  startsAt: number;
  toldUntil: number;
  failures: number;
  restsUntil: number | null;
  createdAt: number;
  createdByName: string | null;
  updatedAt: number;
}

const selectWebhooks = `SELECT h.id, h.repo_id AS repoId, h.url, h.events, h.active, h.starts_at AS startsAt,
    h.told_until AS toldUntil, h.failures, h.rests_until AS restsUntil, h.created_at AS createdAt,
    who.name AS createdByName, h.updated_at AS updatedAt
  FROM webhooks h LEFT JOIN accounts who ON who.id = h.created_by`;

const toWebhook = ({ events, active, restsUntil, createdByName, ...row }: WebhookRow): Webhook => ({
  ...row,
  events: JSON.parse(events) as WebhookEvent[],
  isActive: active === 1,
  restsUntil: restsUntil ?? undefined,
  createdByName: createdByName ?? undefined,
});

export const listWebhookRows = (db: Db, repoId: number): Webhook[] =>
  db.all<WebhookRow>(`${selectWebhooks} WHERE h.repo_id = :repoId ORDER BY h.id`, { repoId }).map(toWebhook);

export function findWebhookRow(db: Db, where: { repoId: number; id: number }): Webhook | undefined {
  const row = db.get<WebhookRow>(`${selectWebhooks} WHERE h.id = :id AND h.repo_id = :repoId`, where);
  return row && toWebhook(row);
}

/** The repositories that tell somebody of something. */
export const listToldRepoIds = (db: Db): number[] =>
  db
    .all<{ repoId: number }>('SELECT DISTINCT repo_id AS repoId FROM webhooks WHERE active = 1')
    .map(({ repoId }) => repoId);

export interface NewWebhook {
  repoId: number;
  url: string;
  events: readonly WebhookEvent[];
  isActive: boolean;
  now: number;
  by: number;
}

/** The secret comes after the id, which it is sealed for. */
export const insertWebhook = (db: Db, { events, isActive, ...hook }: NewWebhook): number =>
  db.run(
    `INSERT INTO webhooks (repo_id, url, events, sealed, active, starts_at, told_until, created_at, created_by, updated_at)
     VALUES (:repoId, :url, :events, x'', :active, :now, :now, :now, :by, :now)`,
    { ...hook, events: JSON.stringify(events), active: Number(isActive) },
  ).lastId;

export function updateSealed(db: Db, update: { id: number; sealed: Buffer }): void {
  db.run('UPDATE webhooks SET sealed = :sealed WHERE id = :id', update);
}

export const getSealed = (db: Db, id: number): Buffer | undefined =>
  db.get<{ sealed: Buffer }>('SELECT sealed FROM webhooks WHERE id = :id', { id })?.sealed;

export interface WebhookUpdate {
  id: number;
  url: string;
  events: readonly WebhookEvent[];
  isActive: boolean;
  startsAt: number;
  now: number;
}

/** A changed webhook is tried at once, whatever its receiver did before. */
export function updateWebhook(db: Db, { events, isActive, ...update }: WebhookUpdate): void {
  db.run(
    `UPDATE webhooks SET url = :url, events = :events, active = :active, starts_at = :startsAt,
       told_until = max(told_until, :startsAt), failures = 0, rests_until = NULL, updated_at = :now
     WHERE id = :id`,
    { ...update, events: JSON.stringify(events), active: Number(isActive) },
  );
}

export const deleteWebhookRow = (db: Db, where: { id: number; repoId: number }): boolean =>
  db.run('DELETE FROM webhooks WHERE id = :id AND repo_id = :repoId', where).changes === 1;

export function updateToldUntil(db: Db, update: { repoId: number; at: number }): void {
  db.run('UPDATE webhooks SET told_until = :at WHERE repo_id = :repoId AND active = 1', update);
}

export function updateRest(db: Db, rest: { id: number; failures: number; until: number | null }): void {
  db.run('UPDATE webhooks SET failures = :failures, rests_until = :until WHERE id = :id', rest);
}

/** For whoever sends; the repository is that of the delivery. */
export function findSendable(db: Db, id: number): Webhook | undefined {
  const row = db.get<WebhookRow>(`${selectWebhooks} WHERE h.id = :id`, { id });
  return row && toWebhook(row);
}
