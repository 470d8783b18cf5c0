// Opens a forge, puts its parts together, serves, and stops cleanly.
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { existsSync } from 'node:fs';
import type { Express } from 'express';
import { createLoginLink } from '../accounts/sign-in.ts';
import { hasAdmin } from '../accounts/find.ts';
import { ensureAdmins } from '../accounts/nostr-keys.ts';
import { decidePush } from '../branches/policy.ts';
import type { Config } from '../forge/config.ts';
import { bracketed, openForge, type Forge } from '../forge/open.ts';
import { closeReaders } from '../git/object-reader.ts';
import { recoverMerges } from '../landing/merge/recover.ts';
import { openHealth } from '../health/open.ts';
import { openLfs } from '../lfs/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { Slots } from '../lib/slot.ts';
import { clearLeftovers } from '../repos/clear-leftovers.ts';
import { repoUrls } from '../repos/urls.ts';
import { connectReactions } from '../reactions.ts';
import { createServer } from '../server.ts';
import { openTransport } from '../transport/open.ts';
import { closeRenderPool, renderLoad } from '../web/render-pool.ts';
import { LiveFeed } from '../web/sse.ts';
import { openBackground } from './background.ts';
import { checkSurroundings } from './checks.ts';
import { openControl } from './control.ts';
import { packageVersion } from './package-version.ts';
import { welcomeVisitors } from './welcome.ts';

const silentMs = 120_000;

export interface Served {
  forge: Forge;
  /** What answers over HTTP. */
  server: Express;
  /** `http://HOST:PORT`, where it listens. */
  http: string;
  /** `HOST:PORT`. */
  ssh: string;
  /** Creates the first admin; undefined when there is one. */
  adminLink: string | undefined;
  /** Whether lanes run without a sandbox. */
  unsandboxed: boolean;
  stop(): Promise<void>;
}

/** Starts everything in the order in which each part can rely on the ones before it. */
export async function serve(config: Config, options: { welcome: boolean }): Promise<Served> {
  const isFirstStart = !existsSync(config.paths.database);
  const forge = openForge(config);
  await checkSurroundings(forge);
  ensureAdmins(forge);
  await forge.git.openSpawner();
  const control = await openControl(forge);
  // The address is needed to put the parts together; who calls before they are is served when they are.
  const app = Promise.withResolvers<RequestListener>();
  const http = openHttp(app.promise, config.limits);
  config.http.port = await listen(http, config.http);
  const live = new LiveFeed(config.limits.maxLiveSubscribers);
  const mergeSlots = new Slots();
  await clearLeftovers(forge);
  await recoverMerges(forge);
  const background = await openBackground(forge, mergeSlots);
  const { ci } = background;
  const transport = await openTransport(forge, {
    pushes: { decide: decidePush, ingest: (pushId) => background.branches.ingest(pushId) },
    shells: ci.shells,
  });
  const lfs = await openLfs(forge);
  config.ssh.port = transport.sshAddress.port;
  connectReactions(forge, background.woken, live);
  const version = packageVersion();
  const health = openHealth(forge, {
    version,
    loops: background.status,
    ci,
    gitClients: () => transport.clients(),
    livePages: () => live.size,
    renderLoad,
    more: () => [],
  });
  const server = createServer(forge, { ...background, transport, lfs, live, mergeSlots, health, version });
  app.resolve(server);
  background.start();
  const welcome = new AbortController();
  const visitors = { mergeSlots, isFirstStart, signal: welcome.signal };
  const welcomed = options.welcome ? welcomeVisitors(forge, visitors) : Promise.resolve();
  return {
    forge,
    server,
    http: `http://${bracketed(config.http.host)}:${config.http.port}`,
    ssh: `${bracketed(config.ssh.host)}:${config.ssh.port}`,
    adminLink: hasAdmin(forge) ? undefined : createLoginLink(forge),
    unsandboxed: !ci.isSandboxed(),
    stop: async () => {
      // New work is refused first, then what runs is ended, and the database closes last.
      welcome.abort();
      live.close();
      health.stop();
      const closed = closeServers([http, control]);
      await transport.stop();
      await Promise.all([background.stop(), welcomed]);
      await closed;
      await closeForge(forge);
    },
  };
}

async function closeForge({ git, db }: Forge): Promise<void> {
  await closeRenderPool();
  closeReaders(git);
  git.closeSpawner();
  db.close();
}

/** A push may take as long as it takes; what stalls is dropped by its route, and everything else when it is silent. */
function openHttp(app: Promise<RequestListener>, limits: Config['limits']): Server {
  const headersTimeout = limits.httpHeaderSeconds * 1000;
  const times = { requestTimeout: 0, headersTimeout, connectionsCheckingInterval: headersTimeout / 4 };
  const http = createHttpServer(times, (request, response) => {
    void app.then((answer) => answer(request, response));
  });
  http.timeout = silentMs;
  http.maxConnections = limits.maxHttpConnections;
  return http;
}

function listen(server: Server, address: { host: string; port: number }): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', (error: NodeJS.ErrnoException) => {
    const where = `${address.host}:${address.port}`;
    const why =
      error.code === 'EADDRINUSE'
        ? `The address ${where} is in use; stop what uses it, or choose another with --http HOST:PORT.`
        : `The forge cannot listen on ${where}: ${error.message}.`;
    reject(new ForgeError('unavailable', why, { cause: error }));
  });
  server.listen(address.port, address.host, () => {
    const bound = server.address();
    resolve(typeof bound === 'object' && bound !== null ? bound.port : address.port);
  });
  return promise;
}

async function closeServers(servers: Server[]): Promise<void> {
  await Promise.all(
    servers.map((server) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      return promise;
    }),
  );
}

/** The three lines that push a repository, for the console and the empty pages. */
export function pushLines(served: Served): string[] {
  const name = served.forge.db.get<{ name: string }>(
    "SELECT name FROM accounts WHERE kind = 'person' LIMIT 1",
  )?.name;
  const { ssh } = repoUrls(served.forge, { owner: name ?? 'YOU', name: 'your-project' });
  return [`cd your-project`, `git remote add pika ${ssh}`, `git push pika main`];
}
