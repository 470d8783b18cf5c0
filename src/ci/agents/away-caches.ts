// The caches of lanes that run elsewhere: an entry goes out as a tar file, and a new one comes in as one and waits, under
// the name of its claim, until the end of the lane is kept.
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import type { Response } from 'express';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { incomingName } from '../lanes/cache-place.ts';
import type { Submission } from '../lanes/executor.ts';
import { findEntry } from '../lanes/lane-caches.ts';
import { submissionOf } from '../lanes/launch.ts';
import { measureTree } from '../lanes/measure-tree.ts';
import { mebibytes } from '../sizes.ts';
import type { HeldLane } from './agent-credential.ts';
import { packTree, unpackTree } from './tar-tree.ts';

/** Tells the node which of the folders that it may read an entry came from. */
const scopeHeader = 'X-Cache-Scope';

/** Refuses (`not_found`) what is not there for this lane. */
export async function sendCache(
  forge: Forge,
  lane: HeldLane,
  { wanted, response }: { wanted: { key: string; paths: readonly string[] }; response: Response },
): Promise<void> {
  const { cacheFolder, readableCaches } = submissionOf(forge, lane);
  const place = await findEntry([cacheFolder, ...readableCaches], wanted);
  if (place === undefined) throw new ForgeError('not_found', 'There is no such cache.');
  const packed = packTree(place, forge.config);
  packed.ended.catch(() => undefined);
  response.set({ 'Content-Type': 'application/x-tar', [scopeHeader]: basename(dirname(place)) });
  response.on('close', packed.stop);
  try {
    await pipeline(packed.stream, response, { end: false });
    await packed.ended;
    response.end();
  } catch {
    // Cut off rather than ended: it may have been taken away meanwhile, to make room.
    response.destroy();
  } finally {
    packed.stop();
  }
}

/** Refuses (`not_found`) a cache that the lane does not ask for, and what is larger than a cache may be (`too_large`). */
export async function receiveCache(
  forge: Forge,
  lane: HeldLane,
  { place, body }: { place: number; body: Readable },
): Promise<void> {
  const submission: Submission = submissionOf(forge, lane);
  const { caches, cacheFolder, maxCacheBytes } = submission;
  if (caches[place] === undefined) throw new ForgeError('not_found', `The lane has no cache ${place}.`);
  const folder = join(cacheFolder, incomingName(submission, place));
  // A tar file has a head for each file, so it may be larger than what is in it.
  await unpackTree(body, { folder, maxBytes: 2 * maxCacheBytes }, forge.config);
  const { bytes } = await measureTree(folder, maxCacheBytes);
  if (bytes > maxCacheBytes) {
    // What is left of it goes with the claim.
    throw new ForgeError('too_large', `A cache may have ${mebibytes(maxCacheBytes)}.`);
  }
}
