// The audit log for admins: a page with filters, the same over the API, and all of it as a file.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Router } from 'express';
import type { Forge } from '../forge/open.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { attachment } from '../web/attachment.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { auditActions, auditLines, auditViewOf, readAudit } from './audit-log.ts';
import { auditListView, auditQuery, type AuditQuery } from './audit-model.ts';
import { callerOf, requireAdmin } from './guard.ts';

const table = {
  list: apiRow({
    method: 'get',
    path: '/api/v1/audit',
    summary: 'Read the audit log, the newest entries first',
    right: 'admin',
    query: auditQuery,
    answer: auditListView,
  }),
  export: apiRow({
    method: 'get',
    path: '/api/v1/audit/export',
    summary: 'Download the audit log as lines of JSON',
    description: 'The newest first. A log that is longer than one download goes on with `before`.',
    right: 'admin',
    query: auditQuery,
    answer: 'file',
  }),
};

export function auditApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, table.list, (_request, response, sent) => {
    requireAdmin(callerOf(response));
    const { entries, next } = readAudit(forge, sent.query());
    response.set('Cache-Control', 'no-store');
    response.json({ entries: entries.map(auditViewOf), next: next ?? null });
  });
  apiRoute(router, table.export, async (_request, response, sent) => {
    requireAdmin(callerOf(response));
    const lines = auditLines(forge, sent.query());
    response.set('Cache-Control', 'no-store');
    response.set('Content-Disposition', attachment('audit.jsonl'));
    response.type('application/x-ndjson');
    // A reader who goes away ends it, and nobody has to be told.
    await pipeline(Readable.from(lines), response).catch(() => response.destroy());
  });
  return router;
}

export function auditPages(forge: Forge): Router {
  const router = Router();
  router.get('/admin/audit', (request, response) => {
    requireAdmin(callerOf(response));
    const query = parse(auditQuery, request.query);
    response.set('Cache-Control', 'no-store');
    const { before, ...filters } = query;
    const { entries, next } = readAudit(forge, query);
    render(response, 'admin/audit.njk', {
      filters,
      isFiltered: Object.values(filters).some((value) => value !== undefined),
      isFirstPage: before === undefined,
      actions: auditActions(forge),
      entries: entries.map((entry) => ({ ...entry, facts: factsOf(entry.detail) })),
      next,
      query: queryOf(filters),
    });
  });
  return router;
}

/** The filters as the end of an address, for the links to other pages and to the file. */
function queryOf(filters: Omit<AuditQuery, 'before'>): string {
  const given = Object.entries(filters).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return new URLSearchParams(given).toString();
}

const factsOf = (detail: Record<string, unknown>): { name: string; value: string }[] =>
  Object.entries(detail)
    .filter(([, value]) => value !== null && value !== '' && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => ({ name, value: textOf(value) }));

const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.map(textOf).join(', ') : JSON.stringify(value);
};
