// Moves objects of Git LFS between the forge and a remote, a batch at a time and a few objects at once. What a remote does not
// do with one object is told and holds up no other; what may pass ends all of it, to be tried again as a whole.
import type { Forge } from '../../forge/open.ts';
import type { Pointer } from '../../lfs/model.ts';
import { ForgeError } from '../../lib/errors.ts';
import { redactor } from '../../lib/redact.ts';
import { askBatch, maxAsked, type LfsAnswer } from './ask-batch.ts';
import { openConnections, type LfsConnections, type LfsLine } from './exchange.ts';
import { findLfsServer, type LfsOperation, type LfsRemote, type LfsServer } from './find-server.ts';

export interface LeftObject {
  oid: string;
  why: string;
  /** Nobody gave the forge what it should send: to try again brings the same. */
  isNowhere?: boolean;
}

export interface Moved {
  moved: number;
  bytes: number;
  /** What did not arrive, and why. */
  left: LeftObject[];
  /** Why nothing could be moved at all: the remote has nothing of Git LFS, or lets nobody in. */
  none: string | undefined;
}

export interface Carrying {
  line: LfsLine;
  server: LfsServer;
  object: Pointer;
  answer: LfsAnswer;
}

export interface MoveOrder {
  remote: LfsRemote;
  operation: LfsOperation;
  objects: readonly Pointer[];
  signal?: AbortSignal | undefined;
  /** Moves one object. Answers false when there was nothing to do; refuses one that cannot be moved (`isLeft`). */
  carry: (carrying: Carrying) => Promise<boolean>;
  onMoved?: (moved: Moved) => void;
}

export async function moveObjects(forge: Forge, order: MoveOrder): Promise<Moved> {
  const { lfsMinutes } = forge.config.mirror;
  const late = new AbortController();
  const sentence = `The objects of Git LFS took longer than ${lfsMinutes} minutes. The next time goes on with the rest.`;
  const timer = setTimeout(() => late.abort(new ForgeError('limited', sentence)), lfsMinutes * 60_000);
  const signal = AbortSignal.any([late.signal, ...(order.signal === undefined ? [] : [order.signal])]);
  const moved: Moved = { moved: 0, bytes: 0, left: [], none: undefined };
  const connections = openConnections(forge.config.mirror);
  try {
    for (let from = 0; from < order.objects.length && moved.none === undefined; from += maxAsked) {
      const part = order.objects.slice(from, from + maxAsked);
      moved.none = await moveBatch(forge, { ...order, signal, connections }, { moved, part });
    }
    return moved;
  } finally {
    clearTimeout(timer);
    connections.close();
  }
}

/** Answers why nothing of it could be moved, when that is so for all of it. */
async function moveBatch(
  forge: Forge,
  order: MoveOrder & { signal: AbortSignal; connections: LfsConnections },
  { moved, part }: { moved: Moved; part: readonly Pointer[] },
): Promise<string | undefined> {
  const { remote, operation, signal, connections } = order;
  // Found anew for each batch: what is shown over SSH lasts for some minutes.
  const server = await findLfsServer(forge, remote, { operation, signal });
  if ('none' in server) return server.none;
  const redact = redactor(Object.values(server.headers).flatMap((value) => [value, ...value.split(' ')]));
  const line: LfsLine = {
    settings: forge.config.mirror,
    redact: (text) => remote.reach.redact(redact(text)),
    signal,
    connections,
  };
  const batch = await askBatch(line, server, { operation, objects: part });
  if ('none' in batch) return batch.none;
  await carryAll(order, moved, { line, server, part, answers: batch.objects });
  return undefined;
}

interface Part {
  line: LfsLine;
  server: LfsServer;
  part: readonly Pointer[];
  answers: ReadonlyMap<string, LfsAnswer>;
}

/** As many at once as the configuration says; the first fault that is not of one object ends the others. */
async function carryAll(
  order: MoveOrder,
  moved: Moved,
  { line, server, part, answers }: Part,
): Promise<void> {
  const stopping = new AbortController();
  const stoppable = { ...line, signal: AbortSignal.any([line.signal, stopping.signal]) };
  const waiting = part.values();
  const carryNext = async (): Promise<void> => {
    for (const object of waiting) {
      stoppable.signal.throwIfAborted();
      const answer = answers.get(object.oid) ?? { oid: object.oid };
      try {
        if (!(await order.carry({ line: stoppable, server, object, answer }))) continue;
        moved.moved += 1;
        moved.bytes += object.size;
      } catch (error) {
        if (!isLeft(error)) throw error;
        moved.left.push({ oid: object.oid, why: error.message, isNowhere: error.code === 'not_found' });
      }
      order.onMoved?.(moved);
    }
  };
  const hands = Array.from({ length: line.settings.maxLfsTransfers }, () =>
    carryNext().catch((error: unknown) => {
      stopping.abort(error);
      throw error;
    }),
  );
  const failed = (await Promise.allSettled(hands)).find((hand) => hand.status === 'rejected');
  // The first that failed is the reason of the others.
  if (failed !== undefined) throw stopping.signal.reason ?? failed.reason;
}

/** Whether a fault is of one object: what may pass, and a disk that is full, are not. */
const isLeft = (error: unknown): error is ForgeError =>
  error instanceof ForgeError && ['forbidden', 'not_found', 'invalid', 'too_large'].includes(error.code);
