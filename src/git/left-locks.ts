import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { listAllLeftovers, removeStaleFiles } from './stale-files.ts';

/** Longer than any git holds the lock of a ref; the forge has not started another one yet. */
const patienceMs = 2000;

/**
 * Takes away the lock files of refs (full names) that a git left behind when it died with the machine. Only for
 * the start, when nothing else writes: a young lock may belong to a git that outlived the forge, and is waited for.
 */
export async function removeLeftLocks(repo: string, refs: readonly string[]): Promise<void> {
  for (const name of [...refs, 'packed-refs']) {
    const lock = join(repo, `${name}.lock`);
    const age = await ageOf(lock);
    if (age === undefined) continue;
    if (age < patienceMs) await pause(patienceMs - age);
    await rm(lock, { force: true });
  }
}

/** As `removeLeftLocks`, for everything in the repository that a git left unfinished; answers how much that was. */
export async function removeAllLeftovers(repo: string): Promise<number> {
  const found = await listAllLeftovers(repo, Date.now());
  if (found.length === 0) return 0;
  const youngest = Math.min(...found.map(({ ageMs }) => ageMs));
  if (youngest < patienceMs) await pause(patienceMs - youngest);
  await removeStaleFiles(repo, found);
  return found.length;
}

async function ageOf(path: string): Promise<number | undefined> {
  try {
    return Math.max(0, Date.now() - (await stat(path)).mtimeMs);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
