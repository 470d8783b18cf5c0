// One exchange with a receiver. It may be slow, dead, endless or hostile: the address is checked where it is connected to,
// nothing is followed, and time and size have an end.
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { checkedLookup, refusedHost, Unreachable, type LookupRules } from '../lib/checked-lookup.ts';
import { errorMessage } from '../lib/errors.ts';
import { readBeginning } from '../lib/read-beginning.ts';

export interface Sending {
  url: string;
  headers: Record<string, string>;
  body: string;
  timeoutMs: number;
  maxAnswerBytes: number;
  allowedRanges: readonly string[];
  nameServers: readonly string[];
  /** Ends the exchange when the forge stops. */
  signal: AbortSignal;
}

export interface Outcome {
  status: number | undefined;
  /** Why there was no answer, or why it is none that counts. */
  error: string | undefined;
  answer: string;
  /** How long the receiver wishes to be left alone (`Retry-After`). */
  retryAfterSeconds: number | undefined;
  /** Trying again cannot help. */
  isFinal: boolean;
}

/** Posts the body and answers what came of it; it never throws. */
export async function sendBody(sending: Sending): Promise<Outcome> {
  const url = new URL(sending.url);
  // A name is checked when it is looked up; an address in the place of a name is never looked up.
  const refused = refusedHost(url.hostname, rulesOf(sending));
  if (refused !== undefined) return failed(refused);
  const timeout = AbortSignal.timeout(sending.timeoutMs);
  try {
    const answer = await exchange(url, sending, AbortSignal.any([timeout, sending.signal]));
    return understand(answer);
  } catch (error) {
    if (timeout.aborted) {
      return failed(new Error(`no whole answer came within ${sending.timeoutMs / 1000} seconds`));
    }
    return failed(error);
  }
}

const rulesOf = ({ allowedRanges, nameServers }: Sending): LookupRules => ({
  allowedRanges,
  nameServers,
  setting: 'webhooks.allowedRanges',
});

const failed = (error: unknown): Outcome => ({
  status: undefined,
  error: errorMessage(error),
  answer: '',
  retryAfterSeconds: undefined,
  isFinal: error instanceof Unreachable,
});

interface Answer {
  response: IncomingMessage;
  text: string;
}

function exchange(url: URL, sending: Sending, signal: AbortSignal): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    method: 'POST',
    headers: { ...sending.headers, 'content-length': Buffer.byteLength(sending.body) },
    lookup: checkedLookup(rulesOf(sending)),
    // Each delivery has a connection of its own, so that each is checked.
    agent: false,
    signal,
  });
  request.once('error', reject);
  request.once('response', (response) => {
    readBeginning(response, sending.maxAnswerBytes).then((text) => resolve({ response, text }), reject);
  });
  request.end(sending.body);
  // What has been answered may go on for ever; the beginning is enough.
  return promise.finally(() => request.destroy());
}

function understand({ response, text }: Answer): Outcome {
  const status = response.statusCode ?? 0;
  const isRedirect = status >= 300 && status < 400;
  const isSuccess = status >= 200 && status < 300;
  const error = isSuccess
    ? undefined
    : isRedirect
      ? `the answer was ${status}, a redirect, which is not followed; give the webhook the address where it ends`
      : `the answer was ${status}`;
  const seconds = Number(response.headers['retry-after']);
  return {
    status,
    error,
    answer: text,
    retryAfterSeconds: Number.isInteger(seconds) && seconds > 0 ? seconds : undefined,
    // 410 says that nobody is there any more, and for good.
    isFinal: isRedirect || status === 410,
  };
}
