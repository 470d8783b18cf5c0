// One request of the LFS client. Every address is one that the remote named, so each is checked when it is connected to, no
// redirect is followed, and the credential of a remote goes to its own origin alone.
import { readFileSync } from 'node:fs';
import { request as requestHttp, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
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
  const { settings, signal } = line;
  signal.throwIfAborted();
  const url = checkedUrl(settings, ask.href);
  const stream = typeof ask.body === 'object' ? ask.body.stream() : undefined;
  const answered = Promise.withResolvers<IncomingMessage>();
  let isStalled = false;
  const request = requestOf(line, ask, url);
  request.once('timeout', () => {
    isStalled = true;
    request.destroy();
  });
  request.on('error', answered.reject).once('response', answered.resolve);
  // Whoever refuses an object may answer before it has read all of it; then only the answer counts.
  if (stream === undefined) request.end(ask.body);
  else pipeline(stream, request).catch(answered.reject);
  try {
    return await use(await answered.promise);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (isStalled) throw unavailable(url, `it sent nothing for ${settings.stallSeconds} seconds`);
    if (error instanceof ForgeError) throw error;
    if (error instanceof Unreachable) throw forbidden(error.message);
    throw unavailable(url, line.redact(errorMessage(error)));
  } finally {
    stream?.destroy();
    request.destroy();
  }
}

function requestOf({ settings, signal }: LfsLine, ask: LfsAsk, url: URL): ClientRequest {
  const options = {
    method: ask.method,
    headers: headersOf(ask),
    lookup: checkedLookup(rulesOf(settings)),
    agent: false,
    signal,
    timeout: settings.stallSeconds * 1000,
    ...(settings.caFile === undefined ? {} : { ca: readFileSync(settings.caFile) }),
  };
  try {
    return (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options);
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
