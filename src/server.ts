// Every route group of the forge, in the order in which they are asked.
import type { Express } from 'express';
import { Router } from 'express';
import { accountsApi } from './accounts/api.ts';
import { auditApi, auditPages } from './accounts/route-audit.ts';
import { callerOf, identify, refuseForgery } from './accounts/guard.ts';
import { accountsPages } from './accounts/pages.ts';
import { browseApi } from './browse/api.ts';
import { browsePages } from './browse/pages.ts';
import { agentApi } from './ci/agents/route-agent.ts';
import { ciApi } from './ci/api.ts';
import type { Ci } from './ci/open.ts';
import { ciPages } from './ci/pages.ts';
import { ciWideApi } from './ci/route-ci.ts';
import { recoveryApi, recoveryPages } from './ci/recovery/route-recovery.ts';
import { publicOrigin, sshAddress, type Forge } from './forge/open.ts';
import { adminPages } from './front/admin.ts';
import { changesPages } from './front/changes.ts';
import { livePages } from './front/live.ts';
import { feedPages } from './front/feed.ts';
import { frontPages } from './front/pages.ts';
import { landingApi } from './landing/api.ts';
import { conflictsPages } from './landing/conflicts/route-conflicts.ts';
import { holdsForms } from './landing/holds/route-holds.ts';
import { helpPages } from './help/pages.ts';
import { apiDescription } from './help/route-api.ts';
import { healthApi } from './health/api.ts';
import type { Health } from './health/open.ts';
import { healthPages } from './health/pages.ts';
import { watcherRoutes } from './health/route-metrics.ts';
import type { Slots } from './lib/slot.ts';
import type { Lfs } from './lfs/open.ts';
import { lfsPages } from './lfs/pages.ts';
import { reposApi } from './repos/api.ts';
import type { HousekeepingLoop } from './repos/housekeeping-loop.ts';
import { retentionWideApi, type Retained } from './retention/api.ts';
import { retentionPages } from './retention/pages.ts';
import { repoNames } from './repos/names.ts';
import { reposPages } from './repos/pages.ts';
import { reviewsApi } from './reviews/api.ts';
import { reviewsPages } from './reviews/pages.ts';
import type { Transport } from './transport/open.ts';
import { tutorialsApi } from './tutorials/api.ts';
import { tutorialsPages } from './tutorials/pages.ts';
import { inboxApi } from './inbox/api.ts';
import { countForPages, inboxPages } from './inbox/pages.ts';
import { mailApi } from './mail/api.ts';
import type { MailRoom } from './mail/open.ts';
import { mailPages } from './mail/pages.ts';
import { mirrorApi } from './mirror/api.ts';
import type { Mirrors } from './mirror/open.ts';
import { mirrorPages } from './mirror/pages.ts';
import { importsApi, importsPages } from './mirror/imports/route-imports.ts';
import type { Pulls } from './mirror/pull/open-pulls.ts';
import { upstreamApi } from './mirror/pull/route-upstream.ts';
import { upstreamPages } from './mirror/pull/route-upstream-pages.ts';
import { webhooksApi } from './webhooks/api.ts';
import type { Webhooks } from './webhooks/open.ts';
import { webhooksPages } from './webhooks/pages.ts';
import { backupsApi } from './backups/api.ts';
import type { BackupRoom } from './backups/open.ts';
import { backupsPages } from './backups/pages.ts';
import { apiRoute, mountedRoutes } from './web/api-route.ts';
import { bodyParsers, createApp } from './web/app.ts';
import { readDiffChoice } from './web/diff-choice.ts';
import { answerErrors, notFound } from './web/errors.ts';
import { forgeView } from './web/forge-model.ts';
import { limitRates } from './web/rate-limit.ts';
import type { LiveFeed } from './web/sse.ts';
import { watchRequests } from './web/watch-requests.ts';

export interface ServerParts {
  ci: Ci;
  transport: Transport;
  lfs: Lfs;
  live: LiveFeed;
  mergeSlots: Slots;
  housekeeping: HousekeepingLoop;
  retention: Retained;
  webhooks: Webhooks;
  mirrors: Mirrors;
  pulls: Pulls;
  mail: MailRoom;
  backups: BackupRoom;
  health: Health;
  version: string;
}

export function createServer(forge: Forge, parts: ServerParts): Express {
  const { config } = forge;
  const web = { trustedProxies: config.trustedProxies, maxRequestBytes: config.limits.maxRequestBytes };
  const app = createApp(web);
  app.use(watchRequests((answered) => parts.health.answered(answered)));
  app.use(watcherRoutes(forge, parts.health));
  app.use(parts.transport.httpRoutes);
  app.use(parts.lfs.httpRoutes);
  app.use(agentApi(forge, parts.ci.agents));
  app.use(identify(forge, () => parts.ci.isSandboxed()));
  app.use(readDiffChoice(), countForPages(forge));
  app.use(limitRates(config.rates, (response) => callerOf(response).account?.id));
  app.use(bodyParsers(web));
  app.use(refuseForgery);
  app.use(livePages(forge, parts.live));
  app.use(forgeApi(forge, parts));
  const repos = repoNames(forge);
  app.use(accountsApi(forge, repos));
  app.use(reposApi(forge));
  app.use(landingApi(forge, parts.mergeSlots));
  app.use(reviewsApi(forge));
  app.use(tutorialsApi(forge));
  app.use(ciApi(forge, parts.ci));
  app.use(recoveryApi(forge, parts.ci.scheduler), ciWideApi(forge, parts.ci));
  app.use(browseApi(forge));
  app.use(webhooksApi(forge, parts.webhooks), mirrorApi(forge, parts.mirrors));
  app.use(upstreamApi(forge, parts.pulls), importsApi(forge, parts.pulls));
  app.use(inboxApi(forge), mailApi(forge, parts.mail));
  app.use(backupsApi(parts.backups));
  app.use(auditApi(forge), healthApi(parts.health), retentionWideApi(forge, parts.retention));
  const described = {
    rows: () => mountedRoutes(app).flatMap(({ row }) => row ?? []),
    version: parts.version,
  };
  app.use(apiDescription(forge, described));
  app.use(helpPages(forge, described));
  app.use(accountsPages(forge, repos));
  app.use(reposPages(forge));
  app.use(adminPages(forge, parts));
  app.use(ciPages(forge, parts.ci));
  app.use(recoveryPages(forge, parts.ci.scheduler));
  app.use(changesPages(forge));
  app.use(reviewsPages(forge));
  app.use(tutorialsPages(forge));
  app.use(lfsPages(forge));
  app.use(webhooksPages(forge, parts.webhooks), mirrorPages(forge, parts.mirrors));
  app.use(upstreamPages(forge, parts.pulls), importsPages(forge, parts.pulls));
  app.use(inboxPages(forge), mailPages(forge, parts.mail));
  app.use(backupsPages(parts.backups));
  app.use(auditPages(forge), healthPages(parts.health), retentionPages(forge, parts.retention));
  app.use(feedPages(forge));
  app.use(browsePages(forge));
  app.use(holdsForms(forge), conflictsPages(forge));
  app.use(frontPages(forge, parts.mergeSlots));
  app.use(notFound);
  app.use(answerErrors(forge.log));
  return app;
}

/** What a client needs to know of the forge before it has a credential. */
function forgeApi(forge: Forge, parts: ServerParts): Router {
  const router = Router();
  const summary = 'Tell the addresses and the version of the forge';
  const row = { method: 'get', path: '/api/v1/forge', summary, right: 'anyone', answer: forgeView } as const;
  apiRoute(router, row, (_request, response) => {
    const ssh = sshAddress(forge.config);
    const origin = publicOrigin(forge.config);
    response.json({ origin, sshHost: ssh.host, sshPort: ssh.port, version: parts.version });
  });
  return router;
}
