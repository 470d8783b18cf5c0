// The operator's page: what to see to, CI, what the housekeeping did, the sandbox in force, who has an
// account, what was written.
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { callerOf, requireAdmin } from '../accounts/guard.ts';
import { recentAudit, recordAudit } from '../accounts/audit.ts';
import { listAccounts } from '../accounts/find.ts';
import type { Operated } from '../ci/route-ci.ts';
import type { Forge } from '../forge/open.ts';
import type { Problem } from '../health/model.ts';
import { ForgeError } from '../lib/errors.ts';
import { mailState } from '../mail/find.ts';
import { listRepos } from '../repos/find.ts';
import { recentHousekeeping, type Housekeeping } from '../repos/housekeeping-record.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { writerCosts } from '../tutorials/costs.ts';
import { parse } from '../web/parse.ts';
import { render } from '../web/render.ts';
import { adminCiPages, ciRows } from './admin-ci.ts';

export interface AdminParts {
  health: { problems(): Promise<Problem[]> };
  ci: { tier(): string } & Operated;
  housekeeping: { want(repoIds: readonly number[]): void; wanted(): ReadonlySet<number> };
  version: string;
}

const adminQuery = z.object({ fragment: z.enum(['housekeeping', 'ci']).optional() });
const maxTroubles = 20;
/** So many days of the costs of tutorials are summed. */
const costDays = 30;
const withReason = z.object({ reason: z.string() });
/** One repository by its id, or all of them. */
const housekeepingForm = z.object({ repo: z.union([z.literal('all'), z.coerce.number().int().positive()]) });

export function adminPages(forge: Forge, parts: AdminParts): Router {
  const router = Router();
  router.get('/admin', async (request, response) => {
    requireAdmin(callerOf(response));
    const { fragment } = parse(adminQuery, request.query);
    const kept = housekeepingRows(forge, parts);
    if (fragment === 'housekeeping') {
      render(response, 'admin/_housekeeping.njk', kept);
      return;
    }
    if (fragment === 'ci') {
      render(response, 'admin/_ci.njk', { ci: ciRows(forge, parts.ci) });
      return;
    }
    render(response, 'admin/index.njk', {
      ci: ciRows(forge, parts.ci),
      mail: mailState(forge, maxTroubles),
      problems: await parts.health.problems(),
      accounts: listAccounts(forge),
      audit: recentAudit(forge, forge.config.limits.maxRowsPerPage).map((entry) => ({
        ...entry,
        reason: reasonOf(entry.detail),
      })),
      tier: parts.ci.tier(),
      version: parts.version,
      costs: writerCosts(forge, costDays),
      costDays,
      ...kept,
    });
  });
  router.post('/admin/housekeeping', (request, response) =>
    wantHousekeeping(forge, parts, { request, response }),
  );
  router.use(adminCiPages(forge, parts.ci));
  return router;
}

/** Why somebody did it, where they said so; a row's detail is what its verb wrote. */
function reasonOf(detail: string): string | undefined {
  const parsed = withReason.safeParse(JSON.parse(detail));
  return parsed.success && parsed.data.reason !== '' ? parsed.data.reason : undefined;
}

function wantHousekeeping(
  forge: Forge,
  parts: AdminParts,
  { request, response }: { request: Request; response: Response },
): void {
  const caller = callerOf(response);
  requireAdmin(caller);
  const { repo: wanted } = parse(housekeepingForm, request.body);
  const repos = listRepos(forge).filter((repo) => wanted === 'all' || repo.id === wanted);
  if (wanted !== 'all' && repos.length === 0) {
    throw new ForgeError('not_found', 'There is no such repository any more.');
  }
  const [only] = repos;
  const subject = wanted === 'all' || only === undefined ? 'all repositories' : fullName(only);
  recordAudit(forge, caller, { action: 'repo.housekeeping', subject });
  parts.housekeeping.want(repos.map(({ id }) => id));
  response.redirect(303, '/admin#housekeeping-heading');
}

interface HousekeepingLine {
  repo: Repo;
  state: Housekeeping['state'] | 'waiting' | 'none';
  last: Housekeeping | undefined;
}

/** First what needs a look, then the rest of the repositories, as many as a page has room for. */
function housekeepingRows(forge: Forge, parts: AdminParts): { kept: HousekeepingLine[]; keptMore: number } {
  const { maxRowsPerPage } = forge.config.limits;
  const repos = new Map(listRepos(forge).map((repo) => [repo.id, repo]));
  const records = new Map(recentHousekeeping(forge, maxRowsPerPage).map((last) => [last.repoId, last]));
  const ids = [...new Set([...records.keys(), ...repos.keys()])].slice(0, maxRowsPerPage);
  const kept = ids.flatMap((id): HousekeepingLine[] => {
    const [repo, last] = [repos.get(id), records.get(id)];
    if (repo === undefined) return [];
    const isWaiting = last?.state !== 'running' && parts.housekeeping.wanted().has(id);
    return [{ repo, last, state: isWaiting ? 'waiting' : (last?.state ?? 'none') }];
  });
  return { kept, keptMore: repos.size - kept.length };
}
