// One status of a commit, told to GitHub's API (REST, "Create a commit status") or one that speaks the same, as those of
// Gitea and Forgejo do. Where it goes is checked when it is connected to, and nothing is followed.
import { readFileSync } from 'node:fs';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { checkedLookup, refusedHost } from '../lib/checked-lookup.ts';
import { errorMessage } from '../lib/errors.ts';
import { readBeginning } from '../lib/read-beginning.ts';
import type { MirrorSettings } from '../forge/mirror-settings.ts';
import type { CommitVerdict } from './status-store.ts';

export interface Telling {
  /** The repository in the API. */
  api: string;
  token: string;
  verdict: CommitVerdict;
  settings: Pick<MirrorSettings, 'allowedRanges' | 'nameServers' | 'connectSeconds' | 'caFile'>;
  signal: AbortSignal;
}

const context = 'pika-git';
const maxAnswerBytes = 4096;

/** Undefined when it was taken, else why not, in words without the token. It never throws. */
export async function tellStatus({
  api,
  token,
  verdict,
  settings,
  signal,
}: Telling): Promise<string | undefined> {
  const url = new URL(`${api}/statuses/${verdict.oid}`);
  const rules = { ...settings, setting: 'mirror.allowedRanges' };
  const refused = refusedHost(url.hostname, rules);
  if (refused !== undefined) return refused.message;
  const { state, description, url: target } = verdict;
  const body = JSON.stringify({ state, target_url: target, description, context });
  const timeout = AbortSignal.timeout(settings.connectSeconds * 1000);
  try {
    const answer = await exchange(url, {
      body,
      headers: { authorization: `token ${token}` },
      lookup: checkedLookup(rules),
      signal: AbortSignal.any([timeout, signal]),
      ...(settings.caFile === undefined ? {} : { ca: readFileSync(settings.caFile) }),
    });
    return answer.replaceAll(token, '(private)') || undefined;
  } catch (error) {
    if (timeout.aborted) return `no answer came within ${settings.connectSeconds} seconds`;
    return errorMessage(error).replaceAll(token, '(private)');
  }
}

interface Exchange {
  body: string;
  headers: Record<string, string>;
  lookup: ReturnType<typeof checkedLookup>;
  signal: AbortSignal;
  ca?: Buffer;
}

/** Empty for a success, else what the service said. */
function exchange(url: URL, { body, headers, ...connection }: Exchange): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    method: 'POST',
    headers: {
      ...headers,
      accept: 'application/json',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'pika-git-mirror/1',
    },
    ...connection,
    agent: false,
  });
  request.once('error', reject);
  request.once('response', (response) => {
    answerOf(response).then(resolve, reject);
  });
  request.end(body);
  return promise.finally(() => request.destroy());
}

async function answerOf(response: IncomingMessage): Promise<string> {
  const { statusCode = 0 } = response;
  if (statusCode >= 200 && statusCode < 300) return '';
  const text = await readBeginning(response, maxAnswerBytes);
  const [, said = ''] = /"message"\s*:\s*"((?:[^"\\]|\\.){0,300})"/.exec(text) ?? [];
  return `the answer was ${statusCode}${said === '' ? '' : `: ${said}`}`;
}
