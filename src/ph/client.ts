// Talks to one forge: JSON in and out, every refusal turned into a sentence and an exit status.
import { z } from 'zod';
import { errorCodes } from '../lib/errors.ts';
import { codeOfStatus, exitStatus, exitStatusByCode } from '../lib/statuses.ts';
import { Failure } from './failure.ts';
import { cleanLine } from './output.ts';

const errorAnswer = z.object({
  error: z.object({ code: z.string(), message: z.string(), details: z.unknown().optional() }),
});
/** A closed gate is a no, not a move: the one conflict that says what holds. */
const gateDetails = z.object({ holds: z.array(z.unknown()).min(1) });

const forgeView = z.object({
  origin: z.string(),
  sshHost: z.string(),
  sshPort: z.number(),
  version: z.string(),
});
export type ForgeView = z.infer<typeof forgeView>;

const requestMs = 30_000;

export interface Ask<Schema extends z.ZodType> {
  answer: Schema;
  query?: Record<string, string | number | undefined>;
  /** How long the forge may take on purpose, on top of the usual patience. */
  extraMs?: number;
}

export class Client {
  readonly origin: string;
  readonly #token: string | undefined;

  constructor(origin: string, token?: string) {
    this.origin = origin;
    this.#token = token;
  }

  get isSignedIn(): boolean {
    return this.#token !== undefined;
  }

  async get<Schema extends z.ZodType>(path: string, ask: Ask<Schema>): Promise<z.output<Schema>> {
    const response = await this.#send(path, { query: ask.query, extraMs: ask.extraMs });
    return this.#read(response, ask.answer);
  }

  async post<Schema extends z.ZodType>(
    path: string,
    body: unknown,
    answer: Schema,
  ): Promise<z.output<Schema>> {
    return this.#read(await this.#send(path, { method: 'POST', body }), answer);
  }

  async put<Schema extends z.ZodType>(
    path: string,
    body: unknown,
    answer: Schema,
  ): Promise<z.output<Schema>> {
    return this.#read(await this.#send(path, { method: 'PUT', body }), answer);
  }

  async patch<Schema extends z.ZodType>(
    path: string,
    body: unknown,
    answer: Schema,
  ): Promise<z.output<Schema>> {
    return this.#read(await this.#send(path, { method: 'PATCH', body }), answer);
  }

  async remove(path: string): Promise<void> {
    await this.#send(path, { method: 'DELETE' });
  }

  /** Plain text with its headers, for logs. */
  async text(
    path: string,
    query: Record<string, string | number | undefined>,
  ): Promise<{ body: Uint8Array; headers: Headers }> {
    const response = await this.#send(path, { query, accept: 'text/plain, application/json' });
    return { body: new Uint8Array(await response.arrayBuffer()), headers: response.headers };
  }

  /** Where this forge is reached; also the proof that there is one at this address. */
  forge(): Promise<ForgeView> {
    return this.get('/forge', { answer: forgeView });
  }

  async #send(
    path: string,
    options: {
      method?: string;
      query?: Record<string, string | number | undefined> | undefined;
      body?: unknown;
      accept?: string;
      extraMs?: number | undefined;
    },
  ): Promise<Response> {
    const url = new URL(`/api/v1${path}`, this.origin);
    for (const [key, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    const headers: Record<string, string> = { accept: options.accept ?? 'application/json' };
    if (this.#token !== undefined) headers['authorization'] = `Bearer ${this.#token}`;
    if (options.body !== undefined) headers['content-type'] = 'application/json';
    let response: Response;
    try {
      response = await fetch(url, {
        method: options.method ?? 'GET',
        headers,
        redirect: 'error',
        signal: AbortSignal.timeout(requestMs + (options.extraMs ?? 0)),
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      });
    } catch (error) {
      throw this.#unreachable(error);
    }
    if (!response.ok) throw await this.#refusal(response);
    return response;
  }

  async #read<Schema extends z.ZodType>(response: Response, schema: Schema): Promise<z.output<Schema>> {
    let content: unknown;
    try {
      content = await response.json();
    } catch (error) {
      throw this.#unreachable(error);
    }
    const parsed = schema.safeParse(content);
    if (parsed.success) return parsed.data;
    throw new Failure(
      exitStatus.unreachable,
      `${this.origin} answers, but not as a forge that this ph understands. Check the address, or update ph: curl -fsSL ${this.origin}/ph | sh`,
      { cause: parsed.error },
    );
  }

  async #refusal(response: Response): Promise<Failure> {
    const content: unknown = await response.json().catch(() => undefined);
    const parsed = errorAnswer.safeParse(content);
    if (!parsed.success) {
      const status = exitStatusByCode[codeOfStatus(response.status)];
      return new Failure(status, `${this.origin} answered ${response.status} and said nothing more.`);
    }
    const { code: named, message, details } = parsed.data.error;
    const code = errorCodes.find((known) => known === named) ?? codeOfStatus(response.status);
    const isGate = code === 'conflict' && gateDetails.safeParse(details).success;
    const wayOut = code === 'unauthenticated' ? ` Sign in: ph login ${this.origin} --ssh` : '';
    return new Failure(isGate ? exitStatus.no : exitStatusByCode[code], `${cleanLine(message)}${wayOut}`, {
      details,
    });
  }

  #unreachable(error: unknown): Failure {
    const cause = (error as { cause?: { code?: unknown } }).cause?.code;
    const why = typeof cause === 'string' ? ` (${cause})` : '';
    return new Failure(
      exitStatus.unreachable,
      `The forge at ${this.origin} does not answer${why}. Check the address and the network, then try again.`,
      { cause: error },
    );
  }
}
