import { Router } from 'express';
import { callerOf, requireAdmin } from '../accounts/guard.ts';
import { recentAudit } from '../accounts/audit.ts';
import { listAccounts } from '../accounts/find.ts';
import type { Forge } from '../forge/open.ts';
import type { LoopStatus } from '../lib/loop.ts';
import { render } from '../web/render.ts';

export interface AdminParts {
  loops: () => LoopStatus[];
  ci: { tier(): string };
  version: string;
}

/** The operator's page: the state of every loop, the sandbox in force, who has an account, what was written. */
export function adminPages(forge: Forge, parts: AdminParts): Router {
  const router = Router();
  router.get('/admin', (_request, response) => {
    requireAdmin(callerOf(response));
    render(response, 'admin/index.njk', {
      loops: parts.loops(),
      accounts: listAccounts(forge),
      audit: recentAudit(forge, forge.config.limits.maxRowsPerPage),
      tier: parts.ci.tier(),
      version: parts.version,
    });
  });
  return router;
}
