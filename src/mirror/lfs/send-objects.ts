// Sends a remote the objects of Git LFS that it must have before it takes the commits which name them.
import { isOnDisk } from '../../lfs/find.ts';
import { findPointers } from '../../lfs/find-pointers.ts';
import { openLfsObject } from '../../lfs/open-object.ts';
import type { Pointer } from '../../lfs/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { readBeginning } from '../../lib/read-beginning.ts';
import { repoPath } from '../../repos/path.ts';
import { headersFor, mayPass } from './ask-batch.ts';
import { exchange, oneLine, wordsOf, type LfsAsk, type LfsLine } from './exchange.ts';
import type { LfsRemote } from './find-server.ts';
import { moveObjects, type Carrying, type Moved } from './move-objects.ts';

export interface SendOrder {
  repoId: number;
  remote: LfsRemote;
  /** Object ids of what is pushed, and of what the remote has. */
  wanted: readonly string[];
  known: readonly string[];
  signal: AbortSignal;
}

export interface SentObjects extends Moved {
  /** Of what is pushed; nothing is asked where it is 0. */
  named: number;
}

/** Throws (`unavailable`, `limited`) what may pass: then nothing of the push should be shown before the next try. */
export async function sendObjects(forge: Forge, order: SendOrder): Promise<SentObjects> {
  const { repoId, remote, wanted, known, signal } = order;
  const path = repoPath(forge, repoId);
  const objects = await findPointers(forge, { path, wanted, known, signal });
  const carry = (carrying: Carrying): Promise<boolean> => send(forge, repoId, carrying);
  const moved = await moveObjects(forge, { remote, operation: 'upload', objects, signal, carry });
  return { ...moved, named: objects.length };
}

/** What the remote has already it does not ask for, whether it is here or not. */
async function send(
  forge: Forge,
  repoId: number,
  { line, server, object, answer }: Carrying,
): Promise<boolean> {
  if (answer.error) throw new ForgeError('invalid', errorWords(line, answer.error));
  const { upload, verify } = answer.actions ?? {};
  if (!upload) return false;
  const { size, stream } = await openHere(forge, repoId, object);
  const put: LfsAsk = {
    method: 'PUT',
    href: upload.href,
    headers: headersFor(server, upload, answer),
    body: { stream, size },
  };
  await tell(line, put);
  if (!verify) return true;
  const type = 'application/vnd.git-lfs+json';
  const headers = { ...headersFor(server, verify, answer), accept: type, 'content-type': type };
  const body = JSON.stringify({ oid: object.oid, size });
  await tell(line, { method: 'POST', href: verify.href, headers, body });
  return true;
}

/** A pointer may name a size that the object does not have, and one that nobody has sent here. */
async function openHere(forge: Forge, repoId: number, { oid, size }: Pointer) {
  const object = await openLfsObject(forge, { repoId, oid }).catch((error: unknown) => {
    if (error instanceof ForgeError) throw new ForgeError('not_found', 'it is not here either');
    throw error;
  });
  if (object.size === size && (await isOnDisk(forge, { oid, size }))) return object;
  throw new ForgeError('not_found', `it has ${object.size} bytes, and not the ${size} that a file says`);
}

async function tell(line: LfsLine, ask: LfsAsk): Promise<void> {
  const problem = await exchange(line, ask, async (answer) => {
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) {
      await readBeginning(answer, line.settings.maxSaidBytes);
      return undefined;
    }
    const words = await wordsOf(line, answer, ask.headers);
    // What an action is shown lasts for a while, and may have ended in the middle.
    if (mayPass(status) || status === 401)
      throw new ForgeError('unavailable', `An object of Git LFS could not be sent; the answer was ${words}.`);
    return words;
  });
  if (problem !== undefined) throw new ForgeError('invalid', `the answer was ${problem}`);
}

const errorWords = (line: LfsLine, { code, message }: { code: number; message: string }): string =>
  `the answer was ${code}${message === '' ? '' : `: ${oneLine(line, message)}`}`;
