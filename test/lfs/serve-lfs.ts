// Git LFS and its page over real HTTP, in the test's own process, so that a test can change the forge meanwhile.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import type { Account, TokenScope } from '../../src/accounts/model.ts';
import { openLfs } from '../../src/lfs/open.ts';
import { lfsPages } from '../../src/lfs/pages.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import type { TestForge } from '../support/forge.ts';

export interface ServedLfs {
  origin: string;
  port: number;
  /** Asks as an account with a new token, or as nobody. */
  as: (account?: Account, scope?: TokenScope) => AskLfs;
}

export type AskLfs = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Response>;

/** Serves until the test ends. */
export async function serveLfs(test: TestForge): Promise<ServedLfs> {
  const { forge } = test;
  const web = { trustedProxies: [], maxRequestBytes: forge.config.limits.maxRequestBytes };
  const app = createApp(web);
  app.use((await openLfs(forge)).httpRoutes);
  app.use(
    identify(forge, () => true),
    ...bodyParsers(web),
    refuseForgery,
  );
  app.use(lfsPages(forge), notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  forge.config.http.port = port;
  const origin = `http://127.0.0.1:${port}`;
  test.defer(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return {
    origin,
    port,
    as: (account, scope = 'write') => {
      const token = account && createToken(forge, { accountId: account.id, scope });
      const own: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return (method, path, body, headers = {}) => {
        const isBytes = Buffer.isBuffer(body);
        const type = isBytes ? 'application/octet-stream' : 'application/vnd.git-lfs+json';
        return fetch(path.startsWith('http') ? path : `${origin}${path}`, {
          method,
          redirect: 'manual',
          headers: { ...(body === undefined ? {} : { 'content-type': type }), ...own, ...headers },
          ...(body === undefined ? {} : { body: isBytes ? new Uint8Array(body) : JSON.stringify(body) }),
        });
      };
    },
  };
}

export const objectOf = (content: Buffer): { oid: string; size: number } => ({
  oid: createHash('sha256').update(content).digest('hex'),
  size: content.length,
});

/** Sends the bytes as an object of the repository, as the client does after a batch. */
export async function upload(ask: AskLfs, repo: string, content: Buffer): Promise<Response> {
  const { oid, size } = objectOf(content);
  return ask('PUT', `/${repo}.git/info/lfs/objects/${oid}?size=${size}`, content);
}
