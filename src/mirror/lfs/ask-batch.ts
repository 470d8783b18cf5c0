// Asks a server of Git LFS what to do with each of some objects (git-lfs, docs/api/batch.md).
import { z } from 'zod';
import { ForgeError } from '../../lib/errors.ts';
import { readBeginning } from '../../lib/read-beginning.ts';
import type { Pointer } from '../../lfs/model.ts';
import { exchange, oneLine, wordsOf, type LfsHeaders, type LfsLine } from './exchange.ts';
import type { LfsOperation, LfsServer } from './find-server.ts';

/** As many as every server takes in one question. */
export const maxAsked = 100;
const mediaType = 'application/vnd.git-lfs+json';

const action = z.object({
  href: z.string(),
  header: z.record(z.string(), z.union([z.string(), z.number().transform(String)])).nullish(),
});
const answerShape = z.object({
  transfer: z.string().nullish(),
  objects: z.array(
    z.object({
      oid: z.string(),
      authenticated: z.boolean().nullish(),
      actions: z
        .object({ upload: action.nullish(), verify: action.nullish(), download: action.nullish() })
        .nullish(),
      error: z.object({ code: z.number(), message: z.string().default('') }).nullish(),
    }),
  ),
});
export type LfsAnswer = z.output<typeof answerShape>['objects'][number];
type Action = z.output<typeof action>;

export type BatchOutcome = { objects: ReadonlyMap<string, LfsAnswer> } | { none: string };

/** Answers `none`, and why, when the server knows nothing of Git LFS or does not let the forge in. Throws what may pass. */
export function askBatch(
  line: LfsLine,
  server: LfsServer,
  { operation, objects }: { operation: LfsOperation; objects: readonly Pointer[] },
): Promise<BatchOutcome> {
  const body = JSON.stringify({
    operation,
    transfers: ['basic'],
    hash_algo: 'sha256',
    objects: objects.map(({ oid, size }) => ({ oid, size })),
  });
  const href = `${server.href.replace(/\/+$/, '')}/objects/batch`;
  const headers = { ...server.headers, accept: mediaType, 'content-type': mediaType };
  const asked = exchange(
    line,
    { method: 'POST', href, headers, body },
    async (answer): Promise<BatchOutcome> => {
      const status = answer.statusCode ?? 0;
      if (status !== 200) {
        const words = await wordsOf(line, answer, headers);
        if (mayPass(status)) throw new ForgeError('unavailable', `The server of Git LFS answers ${words}.`);
        return { none: `the answer was ${words}` };
      }
      const text = await readBeginning(answer, line.settings.maxAnswerBytes);
      const read = answerShape.safeParse(parsed(text));
      if (!read.success) return { none: 'what it answers is no batch of Git LFS' };
      const { transfer, objects: found } = read.data;
      if (transfer && transfer !== 'basic')
        return { none: `it moves objects in the way "${oneLine(line, transfer)}" alone` };
      return { objects: new Map(found.map((one) => [one.oid, one])) };
    },
  );
  return asked.catch((error: unknown) => {
    // Over SSH a remote may name any place.
    if (error instanceof ForgeError && error.code === 'forbidden') return { none: error.message };
    throw error;
  });
}

/** Whether the same may be answered otherwise in a while. A full disk or a used up allowance there is a refusal. */
export const mayPass = (status: number): boolean =>
  status === 408 || status === 429 || (status >= 500 && ![501, 507, 509].includes(status));

/** What an action is asked with: what the server said, and its own credential at its own origin when it said none. */
export function headersFor(server: LfsServer, { href, header }: Action, answer: LfsAnswer): LfsHeaders {
  const given = header ?? {};
  const isGiven = Object.keys(given).some((name) => name.toLowerCase() === 'authorization');
  const isOwn = URL.canParse(href) && new URL(href).origin === new URL(server.href).origin;
  return isGiven || answer.authenticated === true || !isOwn ? given : { ...server.headers, ...given };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
