// One request of the LFS client. Every address is one that the remote named, so each is checked when it is connected to, no
// redirect is followed, and the credential of a remote goes to its own origin alone.
import { readFileSync } from 'node:fs';
import { Agent, request as requestHttp, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { MirrorSettings } from '../../forge/mirror-settings.ts';
import { Unreachable, checkedLookup, refusedHost } from '../../lib/checked-lookup.ts';
import { ForgeError, errorMessage } from '../../lib/errors.ts';
import { readBeginning } from '../../lib/read-beginning.ts';
import { redactor } from '../../lib/redact.ts';

export type LfsHeaders = Readonly<Record<string, string>>;

/** What all exchanges with one remote have in common. */
export interface LfsLine {
  settings: MirrorSettings;
  /** Takes secrets out of what servers say. */
  redact: (text: string) => string;
  /** Ends everything; its reason is a ForgeError. */
  signal: AbortSignal;
  connections: LfsConnections;
}

/** Kept from one exchange to the next, for a connection of TLS costs more than most objects. Each was checked as it was made. */
export interface LfsConnections {
  plain: Agent;
  secure: HttpsAgent;
  close(): void;
}

export function openConnections({ caFile }: MirrorSettings): LfsConnections {
  const plain = new Agent({ keepAlive: true });
  const secure = new HttpsAgent({
    keepAlive: true,
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
  });
  const close = (): void => {
    plain.destroy();
    secure.destroy();
  };
  return { plain, secure, close };
}

export interface LfsAsk {
  method: 'GET' | 'PUT' | 'POST';
  href: string;
  headers: LfsHeaders;
  body?: string | { stream: () => Readable; size: number };
}

/** Headers that decide how a request is read, and are not for a server to choose. */
const ownHeaders =
  /^(?:host|content-length|transfer-encoding|connection|expect|upgrade|te|trailer|proxy-.*)$/i;

/**
 * Asks, and answers what `use` makes of the answer, whatever its status. Throws (`unavailable`) when there is none, (`forbidden`)
 * when the address is none that remotes may have, and the reason of the line's signal.
 */
export async function exchange<Result>(
  line: LfsLine,
  ask: LfsAsk,
  use: (answer: IncomingMessage) => Promise<Result>,
): Promise<Result> {
  for (;;) {
    try {
      return await exchangeOnce(line, ask, use);
    } catch (error) {
      if (!(error instanceof GivenUp)) throw error;
    }
  }
}

/** The server ended a kept connection before it was asked over it; there are as many more of these at most as were kept. */
class GivenUp extends Error {}

async function exchangeOnce<Result>(
  line: LfsLine,
  ask: LfsAsk,
  use: (answer: IncomingMessage) => Promise<Result>,
): Promise<Result> {
  const { settings, signal } = line;
  signal.throwIfAborted();
  const url = checkedUrl(settings, ask.href);
  const stream = typeof ask.body === 'object' ? ask.body.stream() : undefined;
  const answered = Promise.withResolvers<IncomingMessage>();
  let isStalled = false;
  let answer: IncomingMessage | undefined;
  const request = requestOf(line, ask, url);
  request.once('timeout', () => {
    isStalled = true;
    request.destroy();
  });
  request.on('error', answered.reject).once('response', answered.resolve);
  const closed = new Promise<void>((resolve) => void request.once('close', resolve));
  // Whoever refuses an object may answer before it has read all of it; then only the answer counts.
  const sent = stream === undefined ? undefined : pipeline(stream, request).catch(answered.reject);
  if (stream === undefined) request.end(ask.body);
  try {
    answer = await answered.promise;
    return await use(answer);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (answer === undefined && request.reusedSocket && !isStalled && isReset(error)) throw new GivenUp();
    if (isStalled) throw unavailable(url, `it sent nothing for ${settings.stallSeconds} seconds`);
    if (error instanceof ForgeError) throw error;
    if (error instanceof Unreachable) throw forbidden(error.message);
    throw unavailable(url, line.redact(errorMessage(error)));
  } finally {
    // Who took an object has all of its bytes, though the end of them may not have been told yet.
    if (answer?.complete === true && (answer.statusCode ?? 500) < 300) await Promise.race([sent, closed]);
    stream?.destroy();
    // What was asked and answered to the end leaves its connection to the next one when it closes.
    if (answer?.complete === true && request.writableEnded) await closed;
    else request.destroy();
  }
}

const isReset = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');

function requestOf({ settings, signal, connections }: LfsLine, ask: LfsAsk, url: URL): ClientRequest {
  const options = {
    method: ask.method,
    headers: headersOf(ask),
    lookup: checkedLookup(rulesOf(settings)),
    signal,
    timeout: settings.stallSeconds * 1000,
  };
  try {
    if (url.protocol !== 'https:') return requestHttp(url, { ...options, agent: connections.plain });
    return requestHttps(url, { ...options, agent: connections.secure });
  } catch {
    throw forbidden('what is to be sent there is no header of HTTP');
  }
}

const unavailable = (url: URL, why: string): ForgeError =>
  new ForgeError('unavailable', `The objects of Git LFS cannot be moved now: ${url.host}: ${why}.`);

const forbidden = (place: string): ForgeError =>
  new ForgeError(
    'forbidden',
    `The remote names a place for objects of Git LFS to which nobody is sent: ${place}.`,
  );

const rulesOf = ({ allowedRanges, nameServers }: MirrorSettings) => ({
  allowedRanges,
  nameServers,
  setting: 'mirror.allowedRanges',
});

function checkedUrl(settings: MirrorSettings, href: string): URL {
  const url = URL.canParse(href) ? new URL(href) : undefined;
  if (url === undefined) throw forbidden('it is no address');
  const scheme = (['https', 'http'] as const).find((one) => `${one}:` === url.protocol);
  if (scheme === undefined || !settings.allowedSchemes.includes(scheme))
    throw forbidden(`this forge does not use ${url.protocol.slice(0, 20)}`);
  if (url.username !== '' || url.password !== '') throw forbidden('it has a name or a password in it');
  const refused = refusedHost(url.hostname, rulesOf(settings));
  if (refused !== undefined) throw forbidden(refused.message);
  return url;
}

function headersOf({ headers, body }: LfsAsk): Record<string, string> {
  const theirs = Object.entries(headers)
    .filter(([name]) => !ownHeaders.test(name))
    .map(([name, value]) => [name.toLowerCase(), value]);
  const isStream = typeof body === 'object';
  const length = isStream ? body.size : Buffer.byteLength(body ?? '');
  return {
    'user-agent': 'pika-git-mirror/1',
    'accept-encoding': 'identity',
    ...(isStream ? { 'content-type': 'application/octet-stream' } : {}),
    ...Object.fromEntries(theirs),
    ...(body === undefined ? {} : { 'content-length': String(length) }),
  };
}

const maxWords = 300;

/** `403: You may not.`, with what the server says as the API of LFS tells people things. `sent` is not said again. */
export async function wordsOf(line: LfsLine, answer: IncomingMessage, sent: LfsHeaders): Promise<string> {
  const text = await readBeginning(answer, line.settings.maxSaidBytes);
  const redact = redactor(Object.values(sent).flatMap((value) => [value, ...value.split(' ')]));
  const said = redact(oneLine(line, messageIn(text)));
  return `${answer.statusCode ?? 0}${said === '' ? '' : `: ${said}`}`;
}

export const oneLine = (line: LfsLine, text: string): string =>
  line.redact(text.replace(/\p{C}+/gu, ' ').trim()).slice(0, maxWords);

function messageIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === 'string' ? message : '';
  } catch {
    return '';
  }
}
