// The connection to the forge. A forge that is away, or started anew, is asked again for as long as the lease lasts; one
// that refuses the claim ends everything.
import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage } from '../../../lib/errors.ts';

export interface AskOptions {
  method?: 'GET' | 'POST' | 'PUT';
  query?: Record<string, string>;
  json?: unknown;
  /** Made anew for every try. */
  body?: () => BodyInit;
  /** Statuses that are an answer and no fault, beside the successes. */
  accept?: readonly number[];
  /** Of one try; a transfer has no limit of its own, only that of the lease. */
  timeoutMs?: number;
  signal: AbortSignal;
}

/** The forge says that the claim is not this program's, or not any more. */
export class ClaimRefused extends Error {}

/** The forge was not reached in time. */
export class Unreachable extends Error {}

const firstPauseMs = 200;
const maxPauseMs = 5000;
const refusals = [401, 403, 409];
const passing = [408, 429];

export class ForgeLink {
  readonly #base: string;
  #secret: string;

  constructor(url: string, credential: string) {
    this.#base = `${url.replace(/\/+$/, '')}/api/v1/agent`;
    this.#secret = credential;
  }

  /** From now on it speaks as the holder of a claim. */
  useSession(session: string): void {
    this.#secret = session;
  }

  /**
   * What `read` makes of the answer; an answer that is cut off is asked for again. Throws `ClaimRefused`, `Unreachable`, or
   * `Refused` with what the forge says against the request itself.
   */
  async ask<Read>(
    path: string,
    options: AskOptions,
    read: (response: Response) => Read | Promise<Read>,
  ): Promise<Read> {
    let pauseMs = firstPauseMs;
    let problem = 'it was not asked';
    while (!options.signal.aborted) {
      try {
        const response = await this.#send(path, options);
        if (response.ok || options.accept?.includes(response.status) === true) return await read(response);
        const said = (await response.text()).slice(0, 1000);
        if (refusals.includes(response.status)) throw new ClaimRefused(said);
        problem = `${response.status} ${said}`;
        if (response.status < 500 && !passing.includes(response.status)) throw new Refused(problem);
      } catch (error) {
        if (error instanceof ClaimRefused || error instanceof Refused) throw error;
        problem = causeOf(error);
      }
      await delay(pauseMs, undefined, { signal: options.signal }).catch(() => undefined);
      pauseMs = Math.min(2 * pauseMs, maxPauseMs);
    }
    throw new Unreachable(`the forge was not reached: ${problem}`);
  }

  json(path: string, options: AskOptions): Promise<unknown> {
    return this.ask(path, { timeoutMs: 30_000, ...options }, (response) => response.json());
  }

  async #send(path: string, options: AskOptions): Promise<Response> {
    const { method = 'POST', query = {}, json, body, timeoutMs, signal } = options;
    const given = json === undefined ? body?.() : JSON.stringify(json);
    const limits = timeoutMs === undefined ? [signal] : [signal, AbortSignal.timeout(timeoutMs)];
    const question = new URLSearchParams(query).toString();
    return await fetch(`${this.#base}/${path}${question === '' ? '' : `?${question}`}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#secret}`,
        ...(given === undefined
          ? {}
          : { 'content-type': json === undefined ? 'application/octet-stream' : 'application/json' }),
      },
      ...(given === undefined ? {} : { body: given, duplex: 'half' }),
      redirect: 'error',
      signal: AbortSignal.any(limits),
    });
  }
}

/** Something that asking again does not change, and that says nothing about the claim. */
export class Refused extends Error {}

function causeOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return cause === undefined ? errorMessage(error) : `${errorMessage(error)}: ${errorMessage(cause)}`;
}
