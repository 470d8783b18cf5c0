// Retention on a page of the operator: the rules, what is kept, what would go and why, and what went.
import { Router } from 'express';
import { callerOf, requireAdmin } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { render } from '../web/render.ts';
import type { Retained } from './api.ts';
import { runRetention } from './run.ts';
import { retentionViewOf } from './view.ts';

const words: Record<string, string> = {
  logDays: 'Logs',
  artifactDays: 'Artifacts',
  attemptDays: 'Attempts that a later one replaced',
  runDays: 'Runs with their results',
  revisionDays: 'Superseded revisions of settled branches',
  cacheDays: 'Caches that nobody used',
  statusDays: 'Statuses of other systems',
  largeFileDays: 'Large files that no repository has',
  auditDays: 'The audit log',
};

export function retentionPages(forge: Forge, retention: Retained): Router {
  const router = Router();
  router.get('/admin/retention', async (_request, response) => {
    requireAdmin(callerOf(response));
    const view = await retentionViewOf(forge, retention.keeper, forge.config.limits.maxRowsPerPage);
    const total = view.wouldGo.reduce((sum, { count }) => sum + count, 0);
    response.set('Cache-Control', 'no-store');
    render(response, 'retention/index.njk', {
      ...view,
      rules: Object.entries(view.days).map(([name, days]) => ({ name, title: words[name] ?? name, days })),
      keepRuns: forge.config.retention.keepRuns,
      total,
      more: total - view.things.length,
    });
  });
  router.post('/admin/retention', async (_request, response) => {
    const caller = callerOf(response);
    requireAdmin(caller);
    await runRetention(forge, retention, caller);
    response.redirect(303, '/admin/retention');
  });
  return router;
}
