// Takes the bytes of one object: into a file of its own, hashed on the way, and under its name only when they are
// all there and are what they were said to be. Two who send the same object each write their own file; the later
// rename replaces equal bytes.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { recordAudit } from '../accounts/audit.ts';
import type { Caller } from '../accounts/model.ts';
import { requireRoom } from '../forge/disk.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { hasLfsObject } from './find.ts';
import type { Pointer } from './model.ts';
import { incomingFolder, objectFolder, objectPath } from './object-path.ts';
import { insertHolding, insertObject, sumHoldings } from './store.ts';

/**
 * Stores an object and notes that the repository has it. Refuses bytes that are not the object (`invalid`), more
 * than the limits (`too_large`), and a disk that is full (`unavailable`); then nothing is left behind.
 */
export async function receiveObject(
  forge: Forge,
  order: { repo: Repo; caller: Caller; object: Pointer; body: Readable },
): Promise<void> {
  const { repo, caller, object, body } = order;
  const problem = sizeProblem(forge, repo.id, object);
  if (problem !== undefined) throw problem;
  requireRoom(forge, object.size);
  const draft = join(incomingFolder(forge), randomUUID());
  try {
    await writeVerified(draft, object, body);
    // The row stands before the file, so that no file can be on disk of which no row knows.
    insertObject(forge.db, { ...object, now: forge.clock.now() });
    await putInPlace(forge, draft, object.oid);
    forge.db.transaction(() => {
      const late = sizeProblem(forge, repo.id, object);
      if (late !== undefined) throw late;
      const givenBy = caller.account?.id ?? null;
      insertHolding(forge.db, { repoId: repo.id, oid: object.oid, givenBy, now: forge.clock.now() });
      recordAudit(forge, caller, { action: 'lfs.upload', subject: fullName(repo), detail: { ...object } });
    });
  } finally {
    await rm(draft, { force: true });
  }
}

/** Why a repository may not take an object of this size, or undefined when it may. */
export function sizeProblem(forge: Forge, repoId: number, { oid, size }: Pointer): ForgeError | undefined {
  const { maxLfsObjectBytes, maxLfsRepoBytes } = forge.config.limits;
  if (size > maxLfsObjectBytes) {
    return new ForgeError(
      'too_large',
      `An object of Git LFS may have ${maxLfsObjectBytes} bytes here, and ${oid} has ${size}. Split it, or ask the operator to raise maxLfsObjectBytes.`,
    );
  }
  if (hasLfsObject(forge, { repoId, oid })) return undefined;
  if (sumHoldings(forge.db, repoId).bytes + size > maxLfsRepoBytes) {
    return new ForgeError(
      'too_large',
      `The large files of this repository may have ${maxLfsRepoBytes} bytes together, and ${oid} does not fit any more. Ask the operator to raise maxLfsRepoBytes.`,
    );
  }
  return undefined;
}

async function writeVerified(path: string, { oid, size }: Pointer, body: Readable): Promise<void> {
  const hash = createHash('sha256');
  const file = await open(path, 'wx', 0o600);
  let bytes = 0;
  try {
    // Not destroyed when this loop is left early: the answer still has to go out on the same connection.
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > size) throw notTheObject(oid, `more than its ${size} bytes were sent`);
      hash.update(chunk);
      await file.appendFile(chunk);
    }
    if (bytes < size) throw notTheObject(oid, `only ${bytes} of its ${size} bytes were sent`);
    const found = hash.digest('hex');
    if (found !== oid) throw notTheObject(oid, `the bytes that were sent have the SHA-256 ${found}`);
    await file.sync();
  } finally {
    await file.close();
  }
}

const notTheObject = (oid: string, why: string): ForgeError =>
  new ForgeError('invalid', `This is not the object ${oid}: ${why}. Nothing was stored; send it again.`);

/** Durable when this returns: the file, its name, and the folders that may be new. */
async function putInPlace(forge: Forge, draft: string, oid: string): Promise<void> {
  const folder = objectFolder(forge, oid);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await rename(draft, objectPath(forge, oid));
  for (const path of [folder, dirname(folder), dirname(dirname(folder))]) await syncFolder(path);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}
