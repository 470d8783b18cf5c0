// Takes away what lanes left behind. The rows first, in one step with the caller's last look whether anything needs it: what
// a page shows is then there or said to be gone. Files that a death leaves without rows are found by `listStrayFolders`.
import { opendir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Forge } from '../../forge/open.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import { logFolder } from '../lanes/launch.ts';
import { deleteArtifacts } from '../lanes/yield-store.ts';
import {
  deleteAttempt,
  deleteForgottenTests,
  deleteRun,
  findKnownAttempt,
  listAttemptIdsOfRun,
  markLogRemoved,
} from './forget-store.ts';

const artifactsName = 'artifacts';

interface EndedAttempt {
  id: number;
  token: number;
}

/** Removes all that an attempt wrote but its artifacts. False: there was no log to remove. */
export async function forgetLog(forge: Forge, { id, token }: EndedAttempt): Promise<boolean> {
  if (!markLogRemoved(forge.db, { id, now: forge.clock.now() })) return false;
  const { hasArtifacts } = findKnownAttempt(forge.db, id) ?? { hasArtifacts: 0 };
  const kept =
    hasArtifacts === 1 ? join(logFolder(forge, { attemptId: id, token }), artifactsName) : undefined;
  await removeBut(attemptTree(forge, id), kept);
  return true;
}

export async function forgetArtifacts(forge: Forge, { id, token }: EndedAttempt): Promise<boolean> {
  deleteArtifacts(forge.db, id);
  const hasLog = findKnownAttempt(forge.db, id)?.hasLog === 1;
  const folder = logFolder(forge, { attemptId: id, token });
  await removeTree(hasLog ? join(folder, artifactsName) : attemptTree(forge, id));
  return true;
}

/** False: it has not ended, or no later attempt has taken its place. */
export async function forgetAttempt(forge: Forge, id: number): Promise<boolean> {
  if (!deleteAttempt(forge.db, id)) return false;
  await removeTree(attemptTree(forge, id));
  return true;
}

/** False: it has not ended. */
export async function forgetRun(forge: Forge, run: { id: number; repoId: number }): Promise<boolean> {
  const attempts = forge.db.transaction(() => {
    const ids = listAttemptIdsOfRun(forge.db, run.id);
    if (!deleteRun(forge.db, run.id)) return undefined;
    deleteForgottenTests(forge.db, run.repoId);
    return ids;
  });
  if (attempts === undefined) return false;
  for (const id of attempts) await removeTree(attemptTree(forge, id));
  return true;
}

/** Folders of attempts of which no row knows, or whose rows say that nothing of them is left. */
export async function listStrayFolders(forge: Forge): Promise<string[]> {
  const strays: string[] = [];
  for await (const { name } of await opendir(forge.config.paths.lanes)) {
    // What is no number belongs to somebody else: the probe of the sandbox works here too.
    if (!/^\d{1,15}$/.test(name)) continue;
    const known = findKnownAttempt(forge.db, Number(name));
    if (known === undefined || (known.hasLog === 0 && known.hasArtifacts === 0)) {
      strays.push(attemptTree(forge, Number(name)));
    }
  }
  return strays;
}

const attemptTree = (forge: Forge, id: number): string => join(forge.config.paths.lanes, String(id));

/** Removes a folder; of the one below it that is to stay, everything but its last part. */
async function removeBut(folder: string, kept: string | undefined): Promise<void> {
  if (kept === undefined) return removeTree(folder);
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    if (path === kept) continue;
    await (kept.startsWith(`${path}/`) ? removeBut(path, kept) : removeTree(path));
  }
}
