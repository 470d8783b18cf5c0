// The SQL that asks the audit log; store.ts writes it.
import type { Db, SqlParameters } from '../db/open.ts';
import type { AuditEntry } from './audit-model.ts';

export interface AuditWhere {
  account?: string | undefined;
  action?: string | undefined;
  subject?: string | undefined;
  /** UTC milliseconds; the second is not among them. */
  sinceMs?: number | undefined;
  beforeMs?: number | undefined;
  beforeId?: number | undefined;
  limit: number;
}

interface AuditRow extends Omit<AuditEntry, 'account' | 'detail'> {
  account: string | null;
  detail: string;
}

/** What each filter adds. `.` is followed by `/` and `#` by `$`, so these are the ranges of what begins with it. */
const conditions: Record<Exclude<keyof AuditWhere, 'limit'>, string> = {
  account: 'u.account_id = (SELECT id FROM accounts WHERE lower(name) = lower(:account))',
  action: `(u.action = :action OR (u.action >= :action || '.' AND u.action < :action || '/'))`,
  subject: `(u.subject = :subject OR (u.subject >= :subject || '#' AND u.subject < :subject || '$'))`,
  sinceMs: 'u.at >= :sinceMs',
  beforeMs: 'u.at < :beforeMs',
  beforeId: 'u.id < :beforeId',
};

/** The newest first. */
export function listAuditRows(db: Db, where: AuditWhere): AuditEntry[] {
  const parameters: SqlParameters = { limit: where.limit };
  const wanted: string[] = [];
  for (const [name, condition] of Object.entries(conditions)) {
    const value = where[name as keyof AuditWhere];
    if (value === undefined) continue;
    parameters[name] = value;
    wanted.push(condition);
  }
  const filter = wanted.length === 0 ? '' : `WHERE ${wanted.join(' AND ')}`;
  return db
    .all<AuditRow>(
      `SELECT u.id, u.at, who.name AS account, u.credential, u.address, u.action, u.subject, u.detail
       FROM audit u LEFT JOIN accounts who ON who.id = u.account_id ${filter} ORDER BY u.id DESC LIMIT :limit`,
      parameters,
    )
    .map(({ account, detail, ...row }) => ({
      ...row,
      account: account ?? undefined,
      detail: JSON.parse(detail) as Record<string, unknown>,
    }));
}

/** The actions that stand in the log, for the choice of one. */
export const listActions = (db: Db, limit: number): string[] =>
  db
    .all<{ action: string }>('SELECT DISTINCT action FROM audit ORDER BY action LIMIT :limit', { limit })
    .map(({ action }) => action);

export const countAuditBefore = (db: Db, before: number): { count: number; oldestAt: number | null } =>
  db.get<{ count: number; oldestAt: number | null }>(
    'SELECT count(*) AS count, min(at) AS oldestAt FROM audit WHERE at < :before',
    { before },
  ) ?? { count: 0, oldestAt: null };

export const deleteAuditBefore = (db: Db, before: number): number =>
  db.run('DELETE FROM audit WHERE at < :before', { before }).changes;
