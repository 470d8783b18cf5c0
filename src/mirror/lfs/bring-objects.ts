// Brings the objects of Git LFS that new commits name, before anybody is shown the commits: each is checked against its name and
// kept as an upload is.
import { systemCaller } from '../../accounts/system.ts';
import type { Forge } from '../../forge/open.ts';
import { findLfsObject, isOnDisk, lfsTotals } from '../../lfs/find.ts';
import { findPointers } from '../../lfs/find-pointers.ts';
import type { Pointer } from '../../lfs/model.ts';
import { receiveObject } from '../../lfs/receive-object.ts';
import { ForgeError } from '../../lib/errors.ts';
import { repoPath } from '../../repos/path.ts';
import type { Repo } from '../../repos/model.ts';
import { headersFor, mayPass } from './ask-batch.ts';
import { exchange, oneLine, wordsOf } from './exchange.ts';
import type { LfsRemote } from './find-server.ts';
import { readFolder } from './read-folder.ts';
import { moveObjects, type Carrying, type LeftObject, type Moved } from './move-objects.ts';

export interface BringOrder {
  repo: Repo;
  remote: LfsRemote;
  /** Object ids of what comes, and of what is here and was looked through before. */
  wanted: readonly string[];
  known: readonly string[];
  signal?: AbortSignal | undefined;
  onProgress?: ((percent: number) => void) | undefined;
}

export interface BroughtObjects extends Moved {
  /** Those that the forge did not have. */
  named: number;
}

/** Throws (`unavailable`, `limited`) what may pass: then nothing new should be shown before the next try. */
export async function bringObjects(forge: Forge, order: BringOrder): Promise<BroughtObjects> {
  const { repo, remote, wanted, known, signal } = order;
  const path = repoPath(forge, repo.id);
  const lacking: Pointer[] = [];
  for (const pointer of await findPointers(forge, { path, wanted, known, signal })) {
    if (!(await isHere(forge, repo, pointer))) lacking.push(pointer);
  }
  const { objects, left } = takeFitting(forge, repo, lacking);
  const { scheme, path: folder } = remote.address;
  if (scheme === 'file') {
    const read = await readFolder(forge, { repo, folder, objects, signal });
    return { ...read, left: [...left, ...read.left], named: lacking.length };
  }
  const carry = (carrying: Carrying): Promise<boolean> => bring(forge, repo, carrying);
  const onMoved = ({ moved, left: without }: Moved): void =>
    order.onProgress?.(Math.floor(((moved + without.length) / objects.length) * 100));
  const moved = await moveObjects(forge, { remote, operation: 'download', objects, signal, carry, onMoved });
  return { ...moved, left: [...left, ...moved.left], named: lacking.length };
}

async function isHere(forge: Forge, { id: repoId }: Repo, { oid }: Pointer): Promise<boolean> {
  const found = findLfsObject(forge, { repoId, oid });
  return found !== undefined && (await isOnDisk(forge, found));
}

/** What would be refused when it arrives is not asked for. */
function takeFitting(
  forge: Forge,
  repo: Repo,
  lacking: readonly Pointer[],
): { objects: Pointer[]; left: LeftObject[] } {
  const { maxLfsObjectBytes, maxLfsRepoBytes } = forge.config.limits;
  const { maxPulledLfsObjects } = forge.config.mirror;
  const objects: Pointer[] = [];
  const left: LeftObject[] = [];
  let room = maxLfsRepoBytes - lfsTotals(forge, repo.id).bytes;
  for (const object of lacking) {
    const { oid, size } = object;
    if (size > maxLfsObjectBytes) left.push({ oid, why: `${size} bytes are more than ${maxLfsObjectBytes}` });
    else if (size > room)
      left.push({ oid, why: `a repository has ${maxLfsRepoBytes} bytes of them at most` });
    else if (objects.length >= maxPulledLfsObjects)
      left.push({ oid, why: `one pull brings ${maxPulledLfsObjects}, and the next one more` });
    else {
      objects.push(object);
      room -= size;
    }
  }
  return { objects, left };
}

async function bring(
  forge: Forge,
  repo: Repo,
  { line, server, object, answer: told }: Carrying,
): Promise<boolean> {
  const action = told.actions?.download;
  if (!action) {
    const { code, message } = told.error ?? { code: 404, message: '' };
    throw new ForgeError(
      'not_found',
      `the answer was ${code}${message === '' ? '' : `: ${oneLine(line, message)}`}`,
    );
  }
  const headers = headersFor(server, action, told);
  const problem = await exchange(line, { method: 'GET', href: action.href, headers }, async (answer) => {
    const status = answer.statusCode ?? 0;
    if (status === 200) {
      await receiveObject(forge, { repo, caller: systemCaller(forge), object, body: answer });
      return undefined;
    }
    const words = await wordsOf(line, answer, headers);
    if (mayPass(status) || status === 401)
      throw new ForgeError('unavailable', `An object of Git LFS did not come; the answer was ${words}.`);
    return words;
  });
  if (problem !== undefined) throw new ForgeError('not_found', `the answer was ${problem}`);
  return true;
}
