// The audit log, as admins read it: a page at a time, or all of it as lines.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Forge } from '../forge/open.ts';
import type { AuditEntry, AuditEntryView, AuditQuery } from './audit-model.ts';
import { listActions, listAuditRows, type AuditWhere } from './audit-store.ts';

const dayMs = 24 * 60 * 60_000;
const maxActions = 300;
/** Others have their turn after so many rows. */
const rowsAtOnce = 500;

/** The newest first; `next` is the `before` of the next page. */
export function readAudit(
  forge: Forge,
  query: AuditQuery,
): { entries: AuditEntry[]; next: number | undefined } {
  const limit = forge.config.limits.maxRowsPerPage;
  const rows = listAuditRows(forge.db, { ...whereOf(query), limit: limit + 1 });
  const entries = rows.slice(0, limit);
  return { entries, next: rows.length > limit ? entries.at(-1)?.id : undefined };
}

/** Every entry as a line of JSON, the newest first, at most as many as the configuration allows. */
export async function* auditLines(forge: Forge, query: AuditQuery): AsyncGenerator<string> {
  let left = forge.config.limits.maxExportedRows;
  let beforeId = query.before;
  while (left > 0) {
    const limit = Math.min(rowsAtOnce, left);
    const rows = listAuditRows(forge.db, { ...whereOf(query), beforeId, limit });
    if (rows.length === 0) return;
    yield rows.map((entry) => `${JSON.stringify(auditViewOf(entry))}\n`).join('');
    beforeId = rows.at(-1)?.id;
    left -= rows.length;
    await nextTurn();
  }
}

/** For the choice of one. */
export const auditActions = (forge: Forge): string[] => listActions(forge.db, maxActions);

export const auditViewOf = ({ account, at, ...entry }: AuditEntry): AuditEntryView => ({
  ...entry,
  account: account ?? null,
  at: new Date(at).toISOString(),
});

function whereOf({ account, action, subject, since, until, before }: AuditQuery): Omit<AuditWhere, 'limit'> {
  const isDay = until?.length === 'yyyy-mm-dd'.length;
  return {
    account,
    action,
    subject,
    sinceMs: since === undefined ? undefined : Date.parse(since),
    beforeMs: until === undefined ? undefined : Date.parse(until) + (isDay ? dayMs : 1),
    beforeId: before,
  };
}
