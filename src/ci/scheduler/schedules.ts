// Keeps the nightlies of a repository as the manifest of its default branch states them.
import type { Forge } from '../../forge/open.ts';
import { findHead } from '../../git/refs.ts';
import { ForgeError } from '../../lib/errors.ts';
import { getRepo } from '../../repos/find.ts';
import { repoPath } from '../../repos/path.ts';
import { nextDue } from '../manifest/cron.ts';
import type { NightlySpec } from '../manifest/manifest.ts';
import { deleteNightly, findSchedule, listNightlies, saveNightly, saveSchedule } from './nightly-store.ts';
import { manifestAt } from './plan-run.ts';

/**
 * Reads the schedules again when the default branch is at another commit. A malformed manifest changes nothing: what is
 * due then becomes a failed run that says so.
 */
export async function readSchedules(forge: Forge, repoId: number): Promise<void> {
  const repo = getRepo(forge, repoId);
  const path = repoPath(forge, repoId);
  const oid = await findHead(forge.git, path, repo.defaultBranch);
  if (oid === findSchedule(forge.db, repoId)?.oid) return;
  if (oid === undefined) return replaceNightlies(forge, repoId, []);
  const { nightlies, problem } = await nightliesAt(forge, path, oid);
  forge.db.transaction(() => {
    if (nightlies !== undefined) replaceNightlies(forge, repoId, nightlies);
    saveSchedule(forge.db, { repoId, oid, problem: problem ?? null, now: forge.clock.now() });
  });
}

async function nightliesAt(
  forge: Forge,
  path: string,
  oid: string,
): Promise<{ nightlies?: NightlySpec[]; problem?: string }> {
  try {
    return { nightlies: (await manifestAt(forge, path, oid))?.nightlies ?? [] };
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    return { problem: error.message };
  }
}

/** One whose schedule stays keeps the moment it is due at. */
function replaceNightlies(forge: Forge, repoId: number, nightlies: readonly NightlySpec[]): void {
  forge.db.transaction(() => {
    const known = new Map(listNightlies(forge.db, repoId).map((nightly) => [nightly.id, nightly]));
    for (const { id, schedule } of nightlies) {
      const dueAt = nextDue(schedule, forge.clock.now());
      if (known.get(id)?.schedule !== schedule && dueAt !== undefined) {
        saveNightly(forge.db, { repoId, id, schedule, dueAt });
      }
      known.delete(id);
    }
    for (const nightly of known.values()) deleteNightly(forge.db, nightly);
  });
}
