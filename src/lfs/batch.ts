import { createPass } from '../accounts/pass.ts';
import type { Caller } from '../accounts/model.ts';
import { requireRoom } from '../forge/disk.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { statusByCode } from '../lib/statuses.ts';
import type { Repo } from '../repos/model.ts';
import { repoUrls } from '../repos/urls.ts';
import { findLfsObject, isOnDisk } from './find.ts';
import { objectRequest, type BatchAction, type BatchAnswer, type BatchObject } from './model.ts';
import type { BatchRequest, Pointer } from './model.ts';
import { lostObject, noSuchObject } from './open-object.ts';
import { sizeProblem } from './receive-object.ts';

interface Asked {
  repo: Repo;
  caller: Caller;
  batch: BatchRequest;
}

/**
 * For each object what to do next: where to get it or to send it, nothing when it is there already, or why not.
 * The caller holds the right that the operation needs. Refuses the whole batch when it is too long
 * (`too_large`), or wants another hash (`conflict`) or another way of transfer (`invalid`).
 */
export async function answerBatch(forge: Forge, asked: Asked): Promise<BatchAnswer> {
  const { batch } = asked;
  const { maxLfsBatchObjects } = forge.config.limits;
  if (batch.objects.length > maxLfsBatchObjects) {
    throw new ForgeError('too_large', `At most ${maxLfsBatchObjects} objects are asked for in one batch.`);
  }
  if (batch.hash_algo && batch.hash_algo !== 'sha256') {
    throw new ForgeError('conflict', `Objects are named by their sha256 here, not by ${batch.hash_algo}.`);
  }
  if (batch.transfers && !batch.transfers.includes('basic')) {
    throw new ForgeError('invalid', 'transfers: this server transfers objects in the way "basic" alone.');
  }
  const toAction = actionsFor(forge, asked);
  const answer = batch.operation === 'upload' ? answerUpload : answerDownload;
  const objects = batch.objects.map(async (given): Promise<BatchObject> => {
    const object = objectRequest.safeParse(given);
    if (!object.success) return { ...given, error: { code: 422, message: problemOf(object.error) } };
    const found = findLfsObject(forge, { repoId: asked.repo.id, oid: given.oid });
    if (found !== undefined && found.size !== given.size) {
      const message = `The object ${given.oid} has ${found.size} bytes, not ${given.size}.`;
      return { ...given, error: { code: 422, message } };
    }
    const isHere = found !== undefined && (await isOnDisk(forge, found));
    return answer(forge, { repoId: asked.repo.id, object: found ?? object.data, found, isHere }, toAction);
  });
  return { transfer: 'basic', hash_algo: 'sha256', objects: await Promise.all(objects) };
}

interface Looked {
  repoId: number;
  object: Pointer;
  /** What the rows say. */
  found: Pointer | undefined;
  /** What the disk says. */
  isHere: boolean;
}
type ToAction = (object: Pointer) => BatchAction;

function answerDownload(_forge: Forge, { object, found, isHere }: Looked, toAction: ToAction): BatchObject {
  if (found === undefined) return { ...object, error: errorOf(noSuchObject(object.oid)) };
  if (!isHere) return { ...object, error: errorOf(lostObject(object)) };
  return { ...object, authenticated: true, actions: { download: toAction(object) } };
}

/** What is there needs no transfer; what the disk has lost is asked for again. */
function answerUpload(forge: Forge, { repoId, object, isHere }: Looked, toAction: ToAction): BatchObject {
  if (isHere) return { ...object, authenticated: true };
  const problem = sizeProblem(forge, repoId, object) ?? roomProblem(forge, object);
  if (problem !== undefined) return { ...object, error: errorOf(problem) };
  return { ...object, authenticated: true, actions: { upload: toAction(object) } };
}

function roomProblem(forge: Forge, { size }: Pointer): ForgeError | undefined {
  try {
    requireRoom(forge, size);
    return undefined;
  } catch (error) {
    if (error instanceof ForgeError) return error;
    throw error;
  }
}

/** One pass for all actions of the answer, so that a client need not ask for its password again for each. */
function actionsFor(forge: Forge, { repo, caller, batch }: Asked): ToAction {
  const seconds = forge.config.limits.lfsPassSeconds;
  const right = batch.operation === 'upload' ? 'write' : 'read';
  const pass = createPass(forge, { caller, repoId: repo.id, right, seconds });
  const header = pass === undefined ? {} : { header: { Authorization: `Bearer ${pass}` } };
  const base = `${repoUrls(forge, repo).http}/info/lfs/objects`;
  return ({ oid, size }) => ({ href: `${base}/${oid}?size=${size}`, ...header, expires_in: seconds });
}

const errorOf = ({ code, message }: ForgeError): { code: number; message: string } => ({
  code: statusByCode[code],
  message,
});

const problemOf = (error: { issues: { message: string }[] }): string =>
  `${error.issues[0]?.message ?? 'This is no object'}.`;
