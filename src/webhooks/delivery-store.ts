// The SQL of deliveries and their attempts.
import type { Db } from '../db/open.ts';
import type { Delivery, DeliveryAttempt, DeliveryEvent, DeliveryState } from './model.ts';

interface DeliveryRow {
  id: number;
  webhookId: number;
  event: DeliveryEvent;
  body: string;
  state: DeliveryState;
  token: number;
  attempts: number;
  message: string | null;
  createdAt: number;
  queuedAt: number;
  finishedAt: number | null;
}

const columns = `d.id, d.webhook_id AS webhookId, d.event, d.body, d.state, d.token, d.attempts, d.message,
  d.created_at AS createdAt, d.queued_at AS queuedAt, d.finished_at AS finishedAt`;

const toDelivery = ({ message, finishedAt, ...row }: DeliveryRow): Delivery => ({
  ...row,
  message: message ?? undefined,
  finishedAt: finishedAt ?? undefined,
});

export interface NewDelivery {
  webhookId: number;
  event: DeliveryEvent;
  key: string;
  body: string;
  now: number;
}

/** Undefined when it was told before. */
export function insertDelivery(db: Db, delivery: NewDelivery): number | undefined {
  const { changes, lastId } = db.run(
    `INSERT INTO webhook_deliveries (webhook_id, event, key, body, state, created_at, queued_at)
     VALUES (:webhookId, :event, :key, :body, 'queued', :now, :now) ON CONFLICT (webhook_id, key) DO NOTHING`,
    { ...delivery },
  );
  return changes === 1 ? lastId : undefined;
}

export const wasTold = (db: Db, told: { webhookId: number; key: string }): boolean =>
  db.get('SELECT 1 FROM webhook_deliveries WHERE webhook_id = :webhookId AND key = :key', told) !== undefined;

export const countQueued = (db: Db, webhookId: number): number =>
  db.get<{ n: number }>(
    `SELECT count(*) AS n FROM webhook_deliveries WHERE webhook_id = :webhookId AND state = 'queued'`,
    { webhookId },
  )?.n ?? 0;

/** Ends what waits in a queue that is too long, the oldest first. */
export function dropOldest(
  db: Db,
  drop: { webhookId: number; count: number; message: string; now: number },
): void {
  db.run(
    `UPDATE webhook_deliveries SET state = 'failed', message = :message, finished_at = :now
     WHERE id IN (SELECT id FROM webhook_deliveries WHERE webhook_id = :webhookId AND state = 'queued'
                  ORDER BY id LIMIT :count)`,
    drop,
  );
}

/** Ends what has waited since before `before`. */
export function dropStale(db: Db, drop: { before: number; message: string; now: number }): void {
  db.run(
    `UPDATE webhook_deliveries SET state = 'failed', message = :message, finished_at = :now
     WHERE state = 'queued' AND queued_at < :before`,
    drop,
  );
}

/** Of each receiver that is active, does not rest and has nothing under way: the oldest that waits. */
export const listDue = (db: Db, where: { now: number; limit: number }): Delivery[] =>
  db
    .all<DeliveryRow>(
      `SELECT ${columns} FROM webhook_deliveries d JOIN webhooks h ON h.id = d.webhook_id
       WHERE d.id IN (SELECT min(id) FROM webhook_deliveries WHERE state = 'queued' GROUP BY webhook_id)
         AND h.active = 1 AND (h.rests_until IS NULL OR h.rests_until <= :now)
         AND NOT EXISTS (SELECT 1 FROM webhook_deliveries s WHERE s.webhook_id = h.id AND s.state = 'sending')
       ORDER BY d.queued_at, d.id LIMIT :limit`,
      where,
    )
    .map(toDelivery);

/** Takes a delivery to send it; undefined when somebody else has, or it waits no more. */
export function claimDelivery(db: Db, claim: { id: number; leaseUntil: number }): Delivery | undefined {
  const row = db.get<DeliveryRow>(
    `UPDATE webhook_deliveries AS d SET state = 'sending', token = token + 1, lease_until = :leaseUntil
     WHERE id = :id AND state = 'queued' RETURNING ${columns.replaceAll('d.', '')}`,
    claim,
  );
  return row && toDelivery(row);
}

export interface DeliveryEnd {
  id: number;
  token: number;
  state: 'queued' | 'delivered' | 'failed';
  message: string | null;
  now: number;
}

/** False when the claim is not the newest any more; then nothing is written. */
export const finishDelivery = (db: Db, end: DeliveryEnd): boolean =>
  db.run(
    `UPDATE webhook_deliveries SET state = :state, message = :message, lease_until = NULL, attempts = attempts + 1,
       finished_at = CASE WHEN :state = 'queued' THEN NULL ELSE :now END
     WHERE id = :id AND state = 'sending' AND token = :token`,
    { ...end },
  ).changes === 1;

export function insertAttempt(db: Db, attempt: Omit<AttemptRow, 'number'> & { deliveryId: number }): void {
  db.run(
    `INSERT INTO webhook_attempts (delivery_id, number, started_at, duration_ms, status, error, answer)
     SELECT :deliveryId, coalesce(max(number), 0) + 1, :startedAt, :durationMs, :status, :error, :answer
       FROM webhook_attempts WHERE delivery_id = :deliveryId`,
    { ...attempt },
  );
}

/** Puts back what a forge that ended, or a send that never came back, had taken. */
export const requeueLost = (db: Db, where: { leaseBefore: number }): number =>
  db.run(
    `UPDATE webhook_deliveries SET state = 'queued', lease_until = NULL
     WHERE state = 'sending' AND lease_until < :leaseBefore`,
    where,
  ).changes;

/** Sends again what has ended; false when it has not. */
export const requeueDelivery = (db: Db, again: { id: number; now: number }): boolean =>
  db.run(
    `UPDATE webhook_deliveries SET state = 'queued', message = NULL, finished_at = NULL, attempts = 0, queued_at = :now
     WHERE id = :id AND state IN ('delivered', 'failed')`,
    again,
  ).changes === 1;

export function findDeliveryRow(db: Db, where: { webhookId: number; id: number }): Delivery | undefined {
  const sql = `SELECT ${columns} FROM webhook_deliveries d WHERE d.id = :id AND d.webhook_id = :webhookId`;
  const row = db.get<DeliveryRow>(sql, where);
  return row && toDelivery(row);
}

/** Newest first. */
export const listDeliveryRows = (
  db: Db,
  where: { webhookId: number; beforeId: number | null; limit: number },
): Delivery[] =>
  db
    .all<DeliveryRow>(
      `SELECT ${columns} FROM webhook_deliveries d
       WHERE d.webhook_id = :webhookId AND (:beforeId IS NULL OR d.id < :beforeId) ORDER BY d.id DESC LIMIT :limit`,
      where,
    )
    .map(toDelivery);

interface AttemptRow {
  number: number;
  startedAt: number;
  durationMs: number;
  status: number | null;
  error: string | null;
  answer: string;
}

/** Oldest first. */
export const listAttemptRows = (db: Db, deliveryId: number): DeliveryAttempt[] =>
  db
    .all<AttemptRow>(
      `SELECT number, started_at AS startedAt, duration_ms AS durationMs, status, error, answer
       FROM webhook_attempts WHERE delivery_id = :deliveryId ORDER BY number`,
      { deliveryId },
    )
    .map(({ status, error, ...row }) => ({ ...row, status: status ?? undefined, error: error ?? undefined }));

export const deleteDeliveriesBefore = (db: Db, before: number): number =>
  db.run('DELETE FROM webhook_deliveries WHERE finished_at < :before', { before }).changes;
