import { recordAudit } from '../../accounts/audit.ts';
import type { Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { fullName, type Repo } from '../../repos/model.ts';
import { getRun } from '../find.ts';
import type { Run } from '../model.ts';
import { startNightly } from './nightly.ts';
import { requireActor } from '../recovery/order.ts';
import { findUnfinishedNightly } from '../recovery/recovery-store.ts';

/**
 * Starts a nightly now, without waiting for its time; its schedule stays. Needs the right `write`. Refuses (`conflict`) while a
 * run of it goes on, and `not_found` one that the manifest of the default branch does not have.
 */
export async function runNightly(
  forge: Forge,
  order: { repo: Repo; id: string; caller: Caller },
): Promise<Run> {
  const { repo, id, caller } = order;
  requireActor(forge, caller, { repo, right: 'write' });
  const run = await startNow(forge, repo, id);
  recordAudit(forge, caller, {
    action: 'nightly.run',
    subject: `${fullName(repo)} run ${run.number}`,
    detail: { nightly: id },
  });
  return run;
}

/** The refusals of `runNightly` without its right and its audit row, which are the caller's. */
export async function startNow(forge: Forge, repo: Repo, id: string): Promise<Run> {
  const unfinished = findUnfinishedNightly(forge.db, { repoId: repo.id, id });
  if (unfinished !== undefined) {
    throw new ForgeError(
      'conflict',
      `Run ${unfinished} of ${id} goes on already; cancel it to start another.`,
    );
  }
  const runId = await startNightly(forge, { repoId: repo.id, nightly: id, dueAt: forge.clock.now() });
  if (runId === undefined) {
    throw new ForgeError(
      'not_found',
      `.pika/lanes.toml of ${repo.defaultBranch} has no [[nightly]] "${id}", or it was started this moment.`,
    );
  }
  return getRun(forge, runId);
}
