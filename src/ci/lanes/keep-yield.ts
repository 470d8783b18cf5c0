// Keeps what a lane left behind once its end is written: rows in the transaction of the end, files after it. A claim
// that was lost leaves nothing.
import { existsSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Forge } from '../../forge/open.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import { cacheEntryName, trashPrefix } from './cache-place.ts';
import type { LaneRef } from './executor.ts';
import { getAttempt, getRun } from '../find.ts';
import type { LaneResult } from './lane-message.ts';
import { attemptFolder, cacheFolderOf, logFolder } from './launch.ts';
import { insertArtifacts, keepUntil, touchCache, upsertCache } from './yield-store.ts';

/** Inside the transaction that ends the attempt. */
export function recordYield(forge: Forge, lane: LaneRef, result: LaneResult): void {
  insertArtifacts(forge.db, lane.attemptId, result.artifacts ?? []);
  if (result.keptFolder === undefined) return;
  const until = forge.clock.now() + forge.config.ci.keepMinutes * 60_000;
  keepUntil(forge.db, { id: lane.attemptId, token: lane.token, until });
}

/** After that transaction; `isKept`: the claim still stood. Resolves when nothing of a lost claim is left. */
export async function settleYield(
  forge: Forge,
  lane: LaneRef,
  { result, isKept }: { result: LaneResult; isKept: boolean },
): Promise<void> {
  const run = getRun(forge, lane.runId);
  const folder = cacheFolderOf(forge, run);
  const waste: string[] = [];
  for (const { key, outcome, bytes, place } of result.caches ?? []) {
    if (place === undefined) continue;
    const { repoId } = run;
    const now = forge.clock.now();
    if (outcome === 'hit') touchCache(forge.db, { repoId, scope: basename(place), key, now });
    else if (!isKept) waste.push(join(folder, place));
    else {
      waste.push(...putDown(folder, { key, place }));
      upsertCache(forge.db, { repoId, scope: basename(folder), key, bytes, now });
    }
  }
  if (!isKept) {
    waste.push(join(logFolder(forge, lane), 'artifacts'), join(logFolder(forge, lane), 'reports'));
  }
  // A lane may fail in the moment in which it is cancelled, and nobody opens a shell into what was given up.
  const isWaste = (): boolean => !isKept || getAttempt(forge, lane.attemptId).keptUntil === undefined;
  if (result.keptFolder !== undefined && isWaste()) waste.push(attemptFolder(forge, lane));
  await Promise.all(waste.map(removeTree));
}

/** Gives a new cache its place; answers where the one before it lies now. */
function putDown(folder: string, { key, place }: { key: string; place: string }): string[] {
  const target = join(folder, cacheEntryName(key));
  const old = join(folder, `${trashPrefix}${place}`);
  const isThere = existsSync(target);
  if (isThere) renameSync(target, old);
  renameSync(join(folder, place), target);
  return isThere ? [old] : [];
}
