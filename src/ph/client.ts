// Talks to one forge: JSON in and out, every refusal turned into a sentence and an exit status.
import { z } from 'zod';
import { errorCodes } from '../lib/errors.ts';
import { codeOfStatus, exitStatus, exitStatusByCode } from '../lib/statuses.ts';
import { Failure } from './failure.ts';
import { cleanLine } from './output.ts';
import { request, type Reply } from './request.ts';

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
  readonly #isGiven: boolean;

  /** `isGiven`: the token is the one in PH_TOKEN, and no sign-in would take its place. */
  constructor(origin: string, token?: string, { isGiven = false } = {}) {
    this.origin = origin;
    this.#token = token;
    this.#isGiven = isGiven;
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
  ): Promise<Pick<Reply, 'body' | 'header'>> {
    return this.#send(path, { query, accept: 'text/plain, application/json' });
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
  ): Promise<Reply> {
    const url = new URL(`/api/v1${path}`, this.origin);
    for (const [key, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    const headers: Record<string, string> = { accept: options.accept ?? 'application/json' };
    if (this.#token !== undefined) headers['authorization'] = `Bearer ${this.#token}`;
    if (options.body !== undefined) headers['content-type'] = 'application/json';
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    const timeoutMs = requestMs + (options.extraMs ?? 0);
    let reply: Reply;
    try {
      reply = await request(url, { method: options.method ?? 'GET', headers, body, timeoutMs });
    } catch (error) {
      throw this.#unreachable(error);
    }
    if (reply.status < 200 || reply.status > 299) throw this.#refusal(reply);
    return reply;
  }

  #read<Schema extends z.ZodType>(reply: Reply, schema: Schema): z.output<Schema> {
    const content = jsonIn(reply);
    const parsed = schema.safeParse(content);
    if (parsed.success) return parsed.data;
    throw new Failure(
      exitStatus.unreachable,
      `${this.origin} answers, but not as a forge that this ph understands. Check the address, or update ph: curl -fsSL ${this.origin}/ph | sh`,
      { cause: parsed.error },
    );
  }

  #refusal(reply: Reply): Failure {
    const parsed = errorAnswer.safeParse(jsonIn(reply));
    if (!parsed.success) {
      const status = exitStatusByCode[codeOfStatus(reply.status)];
      const more = leadsTo(reply, this.origin) ?? 'and said nothing more.';
      return new Failure(status, `${this.origin} answered ${reply.status} ${more}`);
    }
    const { code: named, message, details } = parsed.data.error;
    const code = errorCodes.find((known) => known === named) ?? codeOfStatus(reply.status);
    const isGate = code === 'conflict' && gateDetails.safeParse(details).success;
    const wayOut = code === 'unauthenticated' ? ` ${this.#waysIn()}` : '';
    return new Failure(isGate ? exitStatus.no : exitStatusByCode[code], `${cleanLine(message)}${wayOut}`, {
      details,
    });
  }

  #waysIn(): string {
    return this.#isGiven
      ? 'It is the token in PH_TOKEN; set one that works, or unset it and sign in.'
      : `Sign in: ph login ${this.origin} --ssh`;
  }

  #unreachable(error: unknown): Failure {
    const { code } = error as { code?: unknown };
    const why = typeof code === 'string' && code !== 'ABORT_ERR' ? ` (${code})` : '';
    const what = `The forge at ${this.origin} does not answer${why}.`;
    return new Failure(exitStatus.unreachable, `${what} ${adviceOn(why, this.origin)}`, { cause: error });
  }
}

function adviceOn(why: string, origin: string): string {
  if (/CERT|SIGNATURE|ISSUER/.test(why))
    return 'Its certificate is none that is trusted here; name the file of its authority in NODE_EXTRA_CA_CERTS.';
  if (/EPROTO|SSL/.test(why))
    return `If it speaks no TLS, write the whole address: ${origin.replace('https:', 'http:')}`;
  return 'Check the address and the network, then try again.';
}

/** Where a redirect leads, which is not followed: it would take the token along. */
function leadsTo({ status, header }: Reply, from: string): string | undefined {
  const place = header('location');
  if (status < 300 || status > 399 || place === undefined || !URL.canParse(place)) return undefined;
  const { origin } = new URL(place);
  if (origin === from) return undefined;
  return `and leads to ${cleanLine(origin)}; sign in there: ph login ${cleanLine(origin)}`;
}

/** What was answered; undefined when it is no JSON. */
function jsonIn({ body }: Reply): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
