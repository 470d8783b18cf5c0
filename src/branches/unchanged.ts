// Remembers of each repository what its refs and rows said when a scan found nothing left to do, so that the next one need
// ask no git as long as they say the same. What neither says, a lost object, is found by a scan that looks at everything.
import { createHash } from 'node:crypto';
import type { Forge } from '../forge/open.ts';
import { stampRefFiles } from '../git/ref-files.ts';
import { listHeads } from '../git/refs.ts';
import { repoPath } from '../repos/path.ts';
import { findRowsText } from './store.ts';

/** After so long everything is looked at again, whatever refs and rows say. */
const goodMs = 30 * 60_000;

interface Seen {
  mark: string;
  at: number;
}

const seen = new WeakMap<Forge, Map<number, Seen>>();

/** Stands for all that refs and rows of a repository say; undefined while a branch is broken, for that may end any time. */
export async function markOf(forge: Forge, repoId: number): Promise<string | undefined> {
  const rows = findRowsText(forge.db, repoId);
  if (rows === undefined || rows.broken > 0) return undefined;
  const path = repoPath(forge, repoId);
  const refs =
    (await stampRefFiles(path, ['refs/heads/'])) ?? JSON.stringify([...(await listHeads(forge.git, path))]);
  return createHash('sha1').update(`${rows.text}\n${refs}`).digest('hex');
}

export function isUnchanged(forge: Forge, repoId: number, mark: string | undefined): boolean {
  const before = seen.get(forge)?.get(repoId);
  return mark !== undefined && before?.mark === mark && forge.clock.now() - before.at < goodMs;
}

/** A scan that began with this mark found nothing that is broken, or in the way. */
export function rememberMark(forge: Forge, repoId: number, mark: string | undefined): void {
  const ofForge = seen.get(forge) ?? new Map<number, Seen>();
  seen.set(forge, ofForge);
  if (mark === undefined) ofForge.delete(repoId);
  else ofForge.set(repoId, { mark, at: forge.clock.now() });
}
