// What GitHub, Gitea and Forgejo tell of a repository over their APIs, which say it in the same words. Nothing depends on it:
// a server that has no such API, or does not answer in time, leaves out what it would have told.
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Forge } from '../../forge/open.ts';
import { checkedLookup, refusedHost } from '../../lib/checked-lookup.ts';
import type { RemoteCredential } from '../remote/credential.ts';
import type { RemoteAddress } from '../remote/remote-address.ts';

const answerMs = 10_000;
const answer = z.object({
  description: z.string().nullable().default(null),
  private: z.boolean().optional(),
});

export interface ForeignRepo {
  description: string;
  isPrivate: boolean | undefined;
}

/** Undefined when nobody tells. */
export async function describeForeign(
  forge: Forge,
  address: RemoteAddress,
  credential: RemoteCredential,
): Promise<ForeignRepo | undefined> {
  const url = apiAddress(address);
  if (url === undefined) return undefined;
  try {
    const text = await ask(forge, url, credential);
    const { description, private: isPrivate } = answer.parse(JSON.parse(text));
    return { description: (description ?? '').replace(/\s+/g, ' ').trim().slice(0, 500), isPrivate };
  } catch {
    forge.log.debug({ host: url.host }, 'the server of an import tells nothing of the repository');
    return undefined;
  }
}

/** Where the API of a repository's page is; undefined for what is no HTTP, or no OWNER/NAME. */
export function apiAddress({ scheme, host, port, path }: RemoteAddress): URL | undefined {
  if (scheme !== 'https' && scheme !== 'http') return undefined;
  const [, before, owner, name] = /^(.*)\/([^/]+)\/([^/]+?)(?:\.git)?\/?$/.exec(path) ?? [];
  if (before === undefined || owner === undefined || name === undefined) return undefined;
  if (host === 'github.com') return new URL(`https://api.github.com/repos/${owner}/${name}`);
  const place = host.includes(':') ? `[${host}]` : host;
  return new URL(`${scheme}://${place}:${port}${before}/api/v1/repos/${owner}/${name}`);
}

async function ask(forge: Forge, url: URL, credential: RemoteCredential): Promise<string> {
  const { allowedRanges, nameServers, caFile, maxAnswerBytes } = forge.config.mirror;
  const rules = { allowedRanges, nameServers, setting: 'mirror.allowedRanges' };
  const refused = refusedHost(url.hostname, rules);
  if (refused !== undefined) throw refused;
  const authorization = credential.kind === 'token' ? { authorization: `token ${credential.token}` } : {};
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    headers: { accept: 'application/json', 'user-agent': 'pika-git', ...authorization },
    lookup: checkedLookup(rules),
    agent: false,
    signal: AbortSignal.timeout(answerMs),
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
  });
  request.once('error', reject).once('response', resolve).end();
  try {
    const response = await promise;
    if (response.statusCode !== 200) throw new Error(`the answer was ${response.statusCode}`);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxAnswerBytes) throw new Error('the answer is too long');
    }
    return Buffer.concat(chunks).toString('utf8');
  } finally {
    request.destroy();
  }
}
