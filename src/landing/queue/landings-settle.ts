// Entries whose branch is not what was enqueued any more, or whose time is over, leave with the reason. Rows only.
import { findLandedTarget, getBranch } from '../../branches/find.ts';
import type { Branch } from '../../branches/model.ts';
import type { Forge } from '../../forge/open.ts';
import { endLanding, tellLandings } from './queue-change.ts';
import { aimLanding, type Landing, type LandingEnd } from './store.ts';

type End = Omit<LandingEnd, 'id' | 'now'>;

/** True when an entry left. */
export function settleEntries(
  forge: Forge,
  entries: readonly Landing[],
  { isPaused }: { isPaused: boolean },
): boolean {
  let hasChanged = false;
  for (const entry of entries) {
    // What is being landed is ended by its landing alone.
    if (entry.state === 'landing') continue;
    const branch = getBranch(forge, entry.branchId);
    if (followTarget(forge, entry, branch)) {
      hasChanged = true;
      continue;
    }
    const end = endOf(entry, branch) ?? lateEnd(forge, entry, isPaused);
    if (end !== undefined && endLanding(forge, entry, end)) hasChanged = true;
  }
  return hasChanged;
}

/** A branch that stood on one that has landed is for where that one landed; what waits goes with it. */
function followTarget(forge: Forge, entry: Landing, branch: Branch): boolean {
  const { id, repoId, target } = entry;
  if (branch.target === target || branch.state !== 'open' || branch.headOid !== entry.headOid) return false;
  if (findLandedTarget(forge, repoId, target) !== branch.target) return false;
  const followed = aimLanding(forge.db, { id, from: target, to: branch.target, revision: branch.revision });
  if (followed) tellLandings(forge, [entry]);
  return followed;
}

function endOf(entry: Landing, branch: Branch): End | undefined {
  const by = branch.settledByName;
  if (branch.state === 'merged') {
    const { mergeOid } = branch;
    const message = `${by ?? 'Somebody'} merged the branch in between.`;
    return { state: 'cancelled', cause: 'merged_by_hand', message, wayOut: '', mergeOid };
  }
  if (branch.state === 'closed') {
    const message = `${by ?? 'Somebody'} closed the branch.`;
    return { state: 'cancelled', cause: 'closed', message, wayOut: 'Reopen it and land it again.' };
  }
  if (branch.target !== entry.target) {
    const message = `The branch is for ${branch.target} now, not for ${entry.target}.`;
    return { state: 'evicted', cause: 'retargeted', message, wayOut: 'Land it again on its new target.' };
  }
  if (branch.headOid !== entry.headOid || branch.revision !== entry.revision) {
    const message = `The branch was pushed again: its head is ${branch.headOid.slice(0, 8)} now, not ${entry.headOid.slice(0, 8)}.`;
    return { state: 'evicted', cause: 'pushed', message, wayOut: 'Look at what is new, and land it again.' };
  }
  return undefined;
}

/** A pause takes no time away: what it took is given back when it ends. */
function lateEnd(forge: Forge, entry: Landing, isPaused: boolean): End | undefined {
  const now = forge.clock.now();
  if (isPaused || now < entry.deadlineAt) return undefined;
  const minutes = Math.round((now - entry.enqueuedAt) / 60_000);
  const held = entry.holds[0];
  const why = entry.state === 'waiting' && held !== undefined ? ` ${held.message}` : '';
  return {
    state: 'evicted',
    cause: 'deadline',
    message: `It waited for ${minutes} minutes, which is as long as it may.${why}`,
    wayOut: held?.wayOut ?? 'Land it again when the queue is shorter.',
  };
}
