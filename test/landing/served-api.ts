// The JSON API over real HTTP, in the test's own process, so that a test can change the forge meanwhile.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { accountsApi } from '../../src/accounts/api.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import { ciApi } from '../../src/ci/api.ts';
import { openCi } from '../../src/ci/open.ts';
import { ciWideApi } from '../../src/ci/route-ci.ts';
import { recoveryApi } from '../../src/ci/recovery/route-recovery.ts';
import { inboxApi } from '../../src/inbox/api.ts';
import { landingApi } from '../../src/landing/api.ts';
import { reposApi } from '../../src/repos/api.ts';
import { repoNames } from '../../src/repos/names.ts';
import { webhooksApi } from '../../src/webhooks/api.ts';
import { openWebhooks } from '../../src/webhooks/open.ts';
import { reviewsApi } from '../../src/reviews/api.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import type { TestForge } from '../support/forge.ts';
import type { StagedRepo } from './staged-branch.ts';

/** Serves until the test ends; answers the origin. */
export async function serveApi(test: TestForge, staged: StagedRepo): Promise<string> {
  const { forge } = test;
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  forge.config.http.port = (server.address() as AddressInfo).port;
  const web = { trustedProxies: [], maxRequestBytes: forge.config.limits.maxRequestBytes };
  const app = createApp(web);
  app.use(identify(forge, () => true));
  app.use(bodyParsers(web));
  app.use(refuseForgery);
  const origin = `http://127.0.0.1:${forge.config.http.port}`;
  app.get('/api/v1/forge', (_request, response) => {
    response.json({ origin, sshHost: '127.0.0.1', sshPort: 2222, version: '0.1.0' });
  });
  app.use(accountsApi(forge, repoNames(forge)));
  app.use(reposApi(forge));
  app.use(reviewsApi(forge));
  app.use(landingApi(forge, staged.slots));
  // CI is open but not started: no lane runs, its routes answer.
  const ci = await openCi(forge);
  app.use(ciApi(forge, ci), recoveryApi(forge, ci.scheduler), ciWideApi(forge, ci));
  const webhooks = openWebhooks(forge);
  webhooks.start();
  test.defer(() => webhooks.stop());
  app.use(webhooksApi(forge, webhooks), inboxApi(forge));
  app.use(notFound);
  app.use(answerErrors(forge.log));
  server.on('request', app);
  test.defer(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return origin;
}
