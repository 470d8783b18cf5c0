// The pages and the API of files over real HTTP, in the test's own process.
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import type { Account } from '../../src/accounts/model.ts';
import { browseApi } from '../../src/browse/api.ts';
import { browsePages } from '../../src/browse/pages.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import type { TestForge } from '../support/forge.ts';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
  text: string;
}

export type Ask = (path: string, headers?: Record<string, string>) => Promise<Answer>;

export interface ServedPages {
  origin: string;
  /** Asks as an account, or as nobody; the path is sent exactly as it is given. */
  as: (account?: Account) => Ask;
}

/** Serves until the test ends. */
export async function serveBrowse(test: TestForge): Promise<ServedPages> {
  const { forge } = test;
  const web = { trustedProxies: [], maxRequestBytes: forge.config.limits.maxRequestBytes };
  const app = createApp(web);
  app.use(
    identify(forge, () => true),
    ...bodyParsers(web),
    refuseForgery,
  );
  app.use(browseApi(forge), browsePages(forge), notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  test.defer(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return {
    origin: `http://127.0.0.1:${port}`,
    as: (account) => {
      const token = account && createToken(forge, { accountId: account.id, scope: 'write' });
      const own = { accept: 'text/html', ...(token && { authorization: `Bearer ${token}` }) };
      return (path, headers = {}) => ask({ port, path, headers: { ...own, ...headers } });
    },
  };
}

/** Not `fetch`, which would rewrite a path before it sends it. */
async function ask(to: { port: number; path: string; headers: Record<string, string> }): Promise<Answer> {
  const request = httpRequest({ host: '127.0.0.1', ...to });
  request.end();
  const [response] = await once(request, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return { status: response.statusCode, headers: response.headers, body, text: body.toString('utf8') };
}
