// One question to a model over HTTP, bounded in time and bytes. What went wrong is told in one sentence, without the key.
import { errorMessage } from '../../lib/errors.ts';
import { WriterFailure } from './writer.ts';

/** How a writer that asks a model is set up. */
export interface ModelSettings {
  /** Without a slash at its end. */
  baseUrl: string;
  model: string;
  /** Reads the key; a new one in the file counts at once. */
  key: (() => string) | undefined;
  maxOutputTokens: number;
  timeoutMs: number;
  maxInputBytes: number;
  maxAnswerBytes: number;
}

export interface Question {
  url: string;
  headers: Record<string, string>;
  body: unknown;
  signal: AbortSignal;
  timeoutMs: number;
  maxBytes: number;
  /** Never stands in a sentence, whatever the server says. */
  key: string | undefined;
}

const maxRetryAfterMs = 3_600_000;

/** The JSON that the server answered. Throws `WriterFailure`. */
export async function askModel(question: Question): Promise<unknown> {
  const { url, headers, body, key } = question;
  const deadline = AbortSignal.timeout(question.timeoutMs);
  const fail = (message: string, cause?: unknown): WriterFailure =>
    new WriterFailure(withoutKey(message, key), { passes: true, cause });
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body: JSON.stringify(body),
      // A key must not follow to an address that nobody configured.
      redirect: 'manual',
      signal: AbortSignal.any([question.signal, deadline]),
    });
    const text = await readBody(response, question.maxBytes);
    if (response.status !== 200) throw refusalOf(response, text, key);
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof WriterFailure) throw error;
    if (question.signal.aborted) throw fail('the forge is stopping', error);
    if (deadline.aborted) throw fail(`it did not answer in ${question.timeoutMs / 1000} seconds`, error);
    if (error instanceof SyntaxError) throw fail('its answer is no JSON', error);
    const { cause } = error as Error;
    throw fail(`it cannot be reached: ${errorMessage(cause ?? error)}`, error);
  }
}

async function readBody(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new WriterFailure(`its answer has more than ${maxBytes} bytes`, { passes: false });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** 408, 409, 429 and faults of the server pass; what is wrong with the question, the key or the model does not. */
function refusalOf(response: Response, text: string, key: string | undefined): WriterFailure {
  const { status } = response;
  const passes = status === 408 || status === 409 || status === 429 || status >= 500;
  const said = messageIn(text);
  const message = `it answered ${status}${said === undefined ? '' : `: ${said}`}`;
  const retryAfterMs = retryAfter(response.headers.get('retry-after'));
  return new WriterFailure(withoutKey(message, key), { passes, retryAfterMs });
}

/** Both APIs say `{"error": {"message": …}}`; a proxy in between may say anything. */
function messageIn(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } | string };
    const message = typeof error === 'object' ? error.message : error;
    return typeof message === 'string' ? message.replaceAll(/\s+/g, ' ').slice(0, 300) : undefined;
  } catch {
    return undefined;
  }
}

/** `retry-after` as seconds or as a date, in milliseconds from now, at most an hour. */
export function retryAfter(header: string | null, now: number = Date.now()): number | undefined {
  if (header === null || header === '') return undefined;
  const ms = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), maxRetryAfterMs);
}

const withoutKey = (text: string, key: string | undefined): string =>
  key === undefined || key === '' ? text : text.replaceAll(key, '…');
