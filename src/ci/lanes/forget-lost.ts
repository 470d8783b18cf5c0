// After a restore the rows tell of caches and kept folders that no backup has, and of logs and artifacts that were left out
// of it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Forge } from '../../forge/open.ts';
import { markLogRemoved } from '../forget/forget-store.ts';
import { logName } from '../logs/log-file.ts';
import { cacheEntryName } from './cache-place.ts';
import { attemptFolder, logFolder } from './launch.ts';
import {
  deleteArtifacts,
  deleteCache,
  forgetKept,
  listArtifactOwners,
  listCacheRows,
  listKept,
  listLogOwners,
} from './yield-store.ts';

interface LostYield {
  caches: number;
  folders: number;
  artifacts: number;
  /** Without a word an empty log would look as if the lane had said nothing. */
  logs: number;
}

/** Forgets what is not on the disk; answers how much of each that was. */
export function forgetLostYield(forge: Forge): LostYield {
  const { caches } = forge.config.paths;
  const lostCaches = listCacheRows(forge.db).filter(
    ({ repoId, scope, key }) => !existsSync(join(caches, String(repoId), scope, cacheEntryName(key))),
  );
  const lostFolders = listKept(forge.db).filter(
    ({ id, token }) => !existsSync(attemptFolder(forge, { attemptId: id, token })),
  );
  const lostArtifacts = listArtifactOwners(forge.db).filter(
    ({ id, token }) => !existsSync(join(logFolder(forge, { attemptId: id, token }), 'artifacts')),
  );
  const lostLogs = listLogOwners(forge.db).filter(
    ({ id, token }) => !existsSync(join(logFolder(forge, { attemptId: id, token }), logName)),
  );
  const now = forge.clock.now();
  forge.db.transaction(() => {
    for (const { id } of lostLogs) markLogRemoved(forge.db, { id, now });
    for (const { id } of lostCaches) deleteCache(forge.db, id);
    for (const { id } of lostFolders) forgetKept(forge.db, id);
    for (const { id } of lostArtifacts) deleteArtifacts(forge.db, id);
  });
  return {
    caches: lostCaches.length,
    folders: lostFolders.length,
    artifacts: lostArtifacts.length,
    logs: lostLogs.length,
  };
}
